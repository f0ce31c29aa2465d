import PluginKit

extension Representation {
    /// Answers a request that depends on nothing but the file. This is the hot path.
    func answer(_ exchange: Exchange, _ status: Status = .ok) {
        // For HEAD and 304 the host keeps the body back and still tells its length.
        switch content {
        case .bytes(let bytes): exchange.respond(status, fields, body: bytes.span)
        case .file(let file): exchange.respond(status, fields, file: file, range: 0..<state.size)
        }
    }

    /// Answers a request with conditions, and says how.
    /// - Parameter now: seconds since 1970.
    func answer(
        _ exchange: Exchange, _ method: Method, _ conditions: Conditions, now: Int64, host: Host
    ) -> AnswerTally.Kind {
        switch conditions.verdict(method, validators, now: now) {
        case .whole:
            answer(exchange)
            return .whole
        case .notModified:
            answer(exchange, .notModified)
            return .notModified
        case .preconditionFailed:
            exchange.respond(.preconditionFailed, Answers.plain, text: "The file is not the one you asked for.\n")
            return .failed
        case .rangeNotSatisfiable:
            let fields = Answers.plain.adding([(name: "Content-Range", value: "bytes */\(state.size)")])
            exchange.respond(.rangeNotSatisfiable, fields, text: "The file has \(state.size) bytes.\n")
            return .failed
        case .parts(let parts):
            if let part = parts.first, parts.count == 1 {
                answer(exchange, part: part)
            } else {
                answer(exchange, MultipartLayout(parts, of: state.size, mediaType: mediaType), host: host)
            }
            return .partial
        }
    }

    private func answer(_ exchange: Exchange, part: Range<UInt64>) {
        let fields = HeaderFields(
            [
                (name: "Content-Type", value: mediaType),
                (name: "Content-Range", value: MultipartLayout.contentRange(part, of: state.size)),
            ] + validatorFields)
        switch content {
        case .bytes(let bytes): exchange.respond(.partialContent, fields, body: Self.slice(bytes, part))
        case .file(let file): exchange.respond(.partialContent, fields, file: file, range: part)
        }
    }

    private func answer(_ exchange: Exchange, _ layout: MultipartLayout, host: Host) {
        let fields = HeaderFields([(name: "Content-Type", value: layout.contentType)] + validatorFields)
        switch content {
        case .bytes(let bytes):
            let body = layout.parts.flatMap { $0.head + Self.slice(bytes, $0.range) } + layout.end
            exchange.respond(.partialContent, fields, body: body)
        case .file(let file):
            exchange.answer { try await Self.send(layout, of: file, fields, exchange, host) }
        }
    }

    /// Streams the parts, reading on the worker pool a piece at a time and no faster than the client takes them.
    private static func send(
        _ layout: MultipartLayout, of file: OpenFile, _ fields: HeaderFields, _ exchange: Exchange, _ host: Host
    ) async throws {
        guard exchange.begin(.partialContent, fields, length: layout.length) == .done else { return }
        for part in layout.parts {
            try await exchange.write(part.head)
            var offset = part.range.lowerBound
            while offset < part.range.upperBound {
                let (start, count) = (offset, Int(min(part.range.upperBound - offset, pieceSize)))
                let piece = try await host.run { try file.read(count, at: start) }
                guard piece.count == count else { throw FileCut() }
                try await exchange.write(piece)
                offset += UInt64(count)
            }
        }
        try await exchange.write(layout.end)
        exchange.end()
    }

    private static let pieceSize: UInt64 = 128 << 10

    /// A file became shorter while it was sent: the connection is broken off, so that the client sees it.
    private struct FileCut: Error, CustomStringConvertible {
        var description: String { "A file became shorter while it was sent." }
    }

    /// `part` of `bytes`, as far as there are so many.
    private static func slice(_ bytes: [UInt8], _ part: Range<UInt64>) -> [UInt8] {
        Array(bytes.prefix(Int(clamping: part.upperBound)).dropFirst(Int(clamping: part.lowerBound)))
    }
}
