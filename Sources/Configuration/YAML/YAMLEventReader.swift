internal import CYAML

/// A step of libyaml's parser, copied out of its memory.
enum YAMLEvent {
    case streamStart, streamEnd, documentStart, documentEnd
    case alias(anchor: String)
    case scalar(YAMLScalar, anchor: String?, tag: String?)
    case sequenceStart(anchor: String?, tag: String?)
    case mappingStart(anchor: String?, tag: String?)
    case sequenceEnd, mappingEnd
}

/// The text is not YAML, or is more than the limits allow: nothing of it can be used.
struct YAMLFailure: Error {
    var message: String
    var span: SourceSpan
    var note: (message: String, span: SourceSpan)?
}

/// libyaml's event parser over bytes that outlive it.
struct YAMLEventReader: ~Copyable {
    /// On the heap because libyaml keeps pointers into it.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let source: SourceText

    /// `bytes` must stay valid and unchanged as long as the reader lives.
    init(_ bytes: UnsafeBufferPointer<UInt8>, of source: SourceText) throws(YAMLFailure) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw YAMLFailure(message: "there is not enough memory to read the file", span: .beginning)
        }
        // libyaml insists on a pointer even for no bytes; it reads none of them.
        let start = bytes.baseAddress ?? UnsafePointer(UnsafeRawPointer(parser).assumingMemoryBound(to: UInt8.self))
        yaml_parser_set_input_string(parser, start, bytes.count)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        self.parser = parser
        self.source = source
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The next event and its place. After `streamEnd` or an error there is none.
    mutating func next() throws(YAMLFailure) -> (event: YAMLEvent, span: SourceSpan) {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw YAMLProblem(parser.pointee).failure(in: source) }
        defer { yaml_event_delete(&event) }
        return (Self.copy(event), SourceSpan(event.start_mark.position, event.end_mark.position))
    }

    private static func copy(_ event: yaml_event_t) -> YAMLEvent {
        switch event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT: return .alias(anchor: text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let value = YAMLScalar(text: String(decoding: bytes, as: UTF8.self), style: style(scalar.style))
            return .scalar(value, anchor: text(scalar.anchor), tag: text(scalar.tag))
        case YAML_SEQUENCE_START_EVENT:
            let sequence = event.data.sequence_start
            return .sequenceStart(anchor: text(sequence.anchor), tag: text(sequence.tag))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            let mapping = event.data.mapping_start
            return .mappingStart(anchor: text(mapping.anchor), tag: text(mapping.tag))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        default: return .streamEnd
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private static func style(_ style: yaml_scalar_style_t) -> YAMLScalar.Style {
        switch style {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
        default: .plain
        }
    }
}

extension yaml_mark_t {
    /// libyaml counts lines and columns from 0, columns in Unicode scalars.
    var position: SourcePosition { SourcePosition(line: Int(line) + 1, column: Int(column) + 1) }
}
