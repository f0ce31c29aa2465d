internal import CNIOLLHTTP

/// What the C parser reports, and what it leaves to us to check. The functions called from C answer 0 to go on.
extension RequestParser {
    static func of(_ parser: UnsafeMutablePointer<llhttp_t>?) -> RequestParser? {
        guard let data = parser?.pointee.data else { return nil }
        return Unmanaged<RequestParser>.fromOpaque(data).takeUnretainedValue()
    }

    /// Where `at` lies in the request's head, counted from its first byte.
    private func position(_ at: UnsafePointer<CChar>) -> Int { consumed + (base.map { at - $0 } ?? 0) }

    private func keep(_ at: UnsafePointer<CChar>, _ length: Int) {
        at.withMemoryRebound(to: UInt8.self, capacity: length) { head?.append($0, count: length) }
    }

    func sawMethod(_ at: UnsafePointer<CChar>, _ length: Int) -> CInt {
        guard let head else { return -1 }
        if head.count == 0 { head.methodRange.start = 0 }
        keep(at, length)
        head.methodRange.count = head.count
        methodEnd = position(at) + length
        targetEnd = 0
        return 0
    }

    func sawTarget(_ at: UnsafePointer<CChar>, _ length: Int) -> CInt {
        guard let head else { return -1 }
        if targetEnd == 0 {
            // Exactly one blank: what another reader takes for part of the target must not pass here.
            guard position(at) == methodEnd + 1 else { return refuse(.badRequestLine) }
            head.targetRange.start = head.count
        }
        keep(at, length)
        head.targetRange.count = head.count - head.targetRange.start
        targetEnd = position(at) + length
        return 0
    }

    func sawProtocol(_ at: UnsafePointer<CChar>, _ length: Int) -> CInt {
        // The C parser knows RTSP and ICE as well; all three names have different lengths or methods, so the first byte
        // and the position tell.
        if at.pointee == CChar(bitPattern: UInt8(ascii: "H")) {
            guard position(at) == targetEnd + 1 else { return refuse(.badRequestLine) }
        } else if position(at) == targetEnd + 1 {
            return refuse(.badRequestLine)
        }
        return 0
    }

    func sawLineEnd() -> CInt {
        lineIsComplete = true
        return 0
    }

    func sawName(_ at: UnsafePointer<CChar>, _ length: Int) -> CInt {
        lineIsComplete = true
        guard phase == .head, let head else { return sawTrailer(length) }
        if nameStart < 0 { nameStart = head.count }
        keep(at, length)
        return 0
    }

    func sawNameEnd() -> CInt {
        guard phase == .head, let head else { return countField() }
        valueStart = head.count
        return countField()
    }

    func sawValue(_ at: UnsafePointer<CChar>, _ length: Int) -> CInt {
        guard phase == .head else { return sawTrailer(length) }
        keep(at, length)
        return 0
    }

    func sawValueEnd() -> CInt {
        guard phase == .head, let head, nameStart >= 0, valueStart >= nameStart else { return 0 }
        var end = head.count
        while end > valueStart, head.bytes[end - 1] == 0x20 || head.bytes[end - 1] == 0x09 { end -= 1 }
        let field = HTTPRequestHead.FieldRange(
            name: .init(start: nameStart, count: valueStart - nameStart),
            value: .init(start: valueStart, count: end - valueStart))
        head.fieldRanges.append(field)
        nameStart = -1
        valueStart = -1
        note(field, in: head)
        return 0
    }

    private func countField() -> CInt {
        fieldCount += 1
        return fieldCount > fieldLimit ? refuse(.tooManyFields) : 0
    }

    private func sawTrailer(_ length: Int) -> CInt {
        trailerBytes += length
        return trailerBytes > headLimit ? refuse(.trailersTooLarge) : 0
    }

    private func refuse(_ violation: HTTPViolation) -> CInt {
        if early == nil { early = violation }
        return -1
    }

    /// Fields that decide about the message itself.
    private func note(_ field: HTTPRequestHead.FieldRange, in head: HTTPRequestHead) {
        let name = head.slice(field.name)
        switch name.count {
        case 4 where equalsIgnoringCase(name, "host"):
            hosts += 1
            head.authorityRange = field.value
        case 6 where equalsIgnoringCase(name, "expect"):
            if equalsIgnoringCase(head.slice(field.value), "100-continue") {
                head.expectsContinue = true
            } else {
                expectationIsUnknown = true
            }
        case 17 where equalsIgnoringCase(name, "transfer-encoding"):
            transferEncodings += 1
            transferEncodingIsChunked = equalsIgnoringCase(head.slice(field.value), "chunked")
        default: break
        }
    }

    func sawHeadEnd() -> CInt {
        headIsComplete = true
        // Upgrades are not offered, so the message goes on as if there were no such field (RFC 9110 section 7.8).
        parser.pointee.upgrade = 0
        let flags = parser.pointee.flags
        if flags & UInt16(F_CONTENT_LENGTH.rawValue) != 0 { head?.contentLength = parser.pointee.content_length }
        let hasBody =
            flags & UInt16(F_CHUNKED.rawValue | F_TRANSFER_ENCODING.rawValue) != 0 || parser.pointee.content_length > 0
        return hasBody ? CInt(HPE_PAUSED.rawValue) : 0
    }

    func sawBody(_ at: UnsafePointer<CChar>, _ length: Int) -> CInt {
        piece = UnsafeRawBufferPointer(start: at, count: length)
        return CInt(HPE_PAUSED.rawValue)
    }

    func sawMessageEnd() -> CInt {
        messageIsComplete = true
        return CInt(HPE_PAUSED.rawValue)
    }

    /// The checks the C parser does not make.
    func lawfulness(of head: HTTPRequestHead) -> HTTPViolation? {
        guard parser.pointee.http_major == 1 else { return .badVersion }
        head.version = parser.pointee.http_minor == 0 ? 10 : 11
        if transferEncodings > 0 {
            if head.version == 10 { return .transferEncodingInOldVersion }
            if transferEncodings > 1 || !transferEncodingIsChunked { return .badTransferEncoding }
            if head.contentLength != nil { return .conflictingFraming }
        }
        if hosts > 1 { return .repeatedHost }
        if hosts == 0, head.version > 10 { return .missingHost }
        if hosts == 1, !RequestRules.isHost(head.slice(head.authorityRange)) { return .badHost }
        let method = llhttp_method(rawValue: numericCast(parser.pointee.method))
        if method == HTTP_CONNECT { return .connectUnsupported }
        head.isHead = method == HTTP_HEAD
        if let violation = RequestRules.normaliseTarget(of: head, allowsAsterisk: method == HTTP_OPTIONS) {
            return violation
        }
        if head.version == 10 {
            head.expectsContinue = false
        } else if expectationIsUnknown {
            return .unknownExpectation
        }
        if let length = head.contentLength, length > bodyLimit { return .bodyTooLarge }
        return nil
    }
}
