internal import CNIOLLHTTP

/// The table of functions the C parser calls; one for the process.
struct LLHTTPCallbacks: @unchecked Sendable {
    // Sendable: the table is written once, in `init`, and only read afterwards.
    let settings: UnsafeMutablePointer<llhttp_settings_t>

    static let shared = LLHTTPCallbacks()

    private init() {
        settings = .allocate(capacity: 1)
        settings.initialize(to: llhttp_settings_t())
        c_nio_llhttp_settings_init(settings)
        settings.pointee.on_method = { parser, at, length in
            at.flatMap { at in RequestParser.of(parser)?.sawMethod(at, length) } ?? -1
        }
        settings.pointee.on_url = { parser, at, length in
            at.flatMap { at in RequestParser.of(parser)?.sawTarget(at, length) } ?? -1
        }
        settings.pointee.on_protocol = { parser, at, length in
            at.flatMap { at in RequestParser.of(parser)?.sawProtocol(at, length) } ?? -1
        }
        settings.pointee.on_version_complete = { RequestParser.of($0)?.sawLineEnd() ?? -1 }
        settings.pointee.on_header_field = { parser, at, length in
            at.flatMap { at in RequestParser.of(parser)?.sawName(at, length) } ?? -1
        }
        settings.pointee.on_header_field_complete = { RequestParser.of($0)?.sawNameEnd() ?? -1 }
        settings.pointee.on_header_value = { parser, at, length in
            at.flatMap { at in RequestParser.of(parser)?.sawValue(at, length) } ?? -1
        }
        settings.pointee.on_header_value_complete = { RequestParser.of($0)?.sawValueEnd() ?? -1 }
        settings.pointee.on_headers_complete = { RequestParser.of($0)?.sawHeadEnd() ?? -1 }
        settings.pointee.on_body = { parser, at, length in
            at.flatMap { at in RequestParser.of(parser)?.sawBody(at, length) } ?? -1
        }
        settings.pointee.on_message_complete = { RequestParser.of($0)?.sawMessageEnd() ?? -1 }
    }
}
