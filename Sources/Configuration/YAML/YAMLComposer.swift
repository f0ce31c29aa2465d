/// Builds the tree of one document from libyaml's events.
///
/// What makes the text unusable is thrown; what is merely wrong (equal keys, tags, merge keys) is added to `problems`,
/// so that all of it is told at once.
struct YAMLComposer: ~Copyable {
    /// What an anchor stands for, and what each alias of it adds.
    private struct Anchored {
        var node: YAMLNode
        var height: Int
        var nodeCount: Int
        var byteCount: Int
    }

    private var events: YAMLEventReader
    private var anchors: [String: Anchored] = [:]
    /// Anchors of the collections that are still open: an alias of one would contain itself.
    private var openAnchors: Set<String> = []
    private var nodeCount = 0
    private var byteCount = 0

    private init(_ events: consuming YAMLEventReader) {
        self.events = events
    }

    /// The document's root; nil if it cannot be used, and `problems` says why. An empty document is a null scalar.
    static func compose(_ source: SourceText, problems: inout Problems) -> YAMLNode? {
        do throws(YAMLFailure) {
            try check(source)
            return try source.bytes.withUnsafeBufferPointer { (bytes) throws(YAMLFailure) -> YAMLNode in
                var composer = YAMLComposer(try YAMLEventReader(bytes, of: source))
                return try composer.document(&problems)
            }
        } catch {
            problems.add(error.message, at: error.span, note: error.note)
            for line in problems.shownLines { problems.hidden += SuspectedSecrets.spans(of: source, onLine: line) }
            return nil
        }
    }

    private static func check(_ source: SourceText) throws(YAMLFailure) {
        if source.bytes.count > YAMLLimits.bytes {
            throw YAMLFailure(
                message: "the file has \(source.bytes.count) bytes; a configuration may have \(YAMLLimits.bytes)",
                span: .beginning)
        }
        if let problem = source.encodingProblem() {
            throw YAMLFailure(message: problem.message, span: problem.span)
        }
        // libyaml compares each tag directive with all before it; nothing here needs any.
        var number = 1
        while number <= 1000 {
            let line = source.lineBytes(number)
            if line.starts(with: Array("%TAG".utf8)) {
                let start = SourcePosition(line: number, column: 1)
                throw YAMLFailure(
                    message: "tags are not used in a configuration; remove this line",
                    span: SourceSpan(start, SourcePosition(line: number, column: line.count + 1)))
            }
            guard line.first == UInt8(ascii: "%") || line.first == UInt8(ascii: "#") || line.isEmpty else { return }
            number += 1
        }
    }

    private mutating func document(_ problems: inout Problems) throws(YAMLFailure) -> YAMLNode {
        var root: YAMLNode?
        // Bounded: every round takes an event, and the events of a bounded text end.
        while true {
            let (event, span) = try events.next()
            switch event {
            case .streamEnd:
                return root ?? YAMLNode(content: .scalar(YAMLScalar(text: "", style: .plain)), span: .beginning)
            case .documentStart where root != nil:
                throw YAMLFailure(
                    message: "a second document begins here; a configuration is one document", span: span)
            case .documentStart:
                let first = try events.next()
                root = try node(first.event, first.span, depth: 1, &problems).node
            default: break
            }
        }
    }

    /// The node that begins with `event`, and how many levels it has.
    private mutating func node(
        _ event: YAMLEvent, _ span: SourceSpan, depth: Int, _ problems: inout Problems
    ) throws(YAMLFailure) -> (node: YAMLNode, height: Int) {
        if depth > YAMLLimits.depth { throw tooDeep(span) }
        let nodesBefore = nodeCount
        let bytesBefore = byteCount
        let result: (node: YAMLNode, height: Int)
        let anchor: String?
        switch event {
        case .alias(let name):
            return try expand(name, span, depth: depth)
        case .scalar(let scalar, let name, let tag):
            refuse(tag, span, &problems)
            if scalar.text.unicodeScalars.contains("\0") {
                problems.add("a NUL character is not allowed; remove \\0", at: span)
            }
            try count(nodes: 1, bytes: scalar.text.utf8.count, span)
            result = (YAMLNode(content: .scalar(scalar), span: span), 1)
            anchor = name
        case .sequenceStart(let name, let tag):
            refuse(tag, span, &problems)
            try count(nodes: 1, bytes: 0, span)
            result = try open(name) { (composer) throws(YAMLFailure) in
                try composer.sequence(span, depth: depth, &problems)
            }
            anchor = name
        case .mappingStart(let name, let tag):
            refuse(tag, span, &problems)
            try count(nodes: 1, bytes: 0, span)
            result = try open(name) { (composer) throws(YAMLFailure) in
                try composer.mapping(span, depth: depth, &problems)
            }
            anchor = name
        default:
            throw YAMLFailure(message: "this is not YAML: a value is expected here", span: span)
        }
        if let anchor {
            anchors[anchor] = Anchored(
                node: result.node, height: result.height, nodeCount: nodeCount - nodesBefore,
                byteCount: byteCount - bytesBefore)
        }
        return result
    }

    private mutating func open<Result>(
        _ anchor: String?, _ body: (inout YAMLComposer) throws(YAMLFailure) -> Result
    ) throws(YAMLFailure) -> Result {
        if let anchor { openAnchors.insert(anchor) }
        let result = try body(&self)
        if let anchor { openAnchors.remove(anchor) }
        return result
    }

    private mutating func sequence(
        _ start: SourceSpan, depth: Int, _ problems: inout Problems
    ) throws(YAMLFailure) -> (node: YAMLNode, height: Int) {
        var items: [YAMLNode] = []
        var height = 0
        while true {
            let (event, span) = try events.next()
            if case .sequenceEnd = event {
                return (YAMLNode(content: .sequence(items), span: SourceSpan(start.start, span.end)), height + 1)
            }
            let item = try node(event, span, depth: depth + 1, &problems)
            items.append(item.node)
            height = max(height, item.height)
        }
    }

    private mutating func mapping(
        _ start: SourceSpan, depth: Int, _ problems: inout Problems
    ) throws(YAMLFailure) -> (node: YAMLNode, height: Int) {
        var entries: [YAMLEntry] = []
        var firstSpans: [String: SourceSpan] = [:]
        var height = 0
        while true {
            let (event, span) = try events.next()
            if case .mappingEnd = event {
                return (YAMLNode(content: .mapping(entries), span: SourceSpan(start.start, span.end)), height + 1)
            }
            let key = try node(event, span, depth: depth + 1, &problems).node
            let next = try events.next()
            let value = try node(next.event, next.span, depth: depth + 1, &problems)
            height = max(height, value.height)
            guard let text = self.key(key, &problems) else { continue }
            if let first = firstSpans[text] {
                problems.add(
                    "the key \(quoted(text)) is here twice; remove one of the two", at: key.span,
                    note: ("the first one is here", first))
                continue
            }
            firstSpans[text] = key.span
            entries.append(YAMLEntry(key: text, keySpan: key.span, value: value.node))
        }
    }

    /// The text of a key; nil, and a problem, where it cannot be one.
    private func key(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard case .scalar(let scalar) = node.content else {
            problems.add("a key must be text, found \(node.kind)", at: node.span)
            return nil
        }
        if scalar.style == .plain, scalar.text == "<<" {
            problems.add("merge keys ('<<') are not supported; write the keys out", at: node.span)
            return nil
        }
        if node.isNull {
            problems.add("a key is missing before ':'", at: node.span)
            return nil
        }
        return scalar.text
    }

    private mutating func expand(
        _ name: String, _ span: SourceSpan, depth: Int
    ) throws(YAMLFailure) -> (node: YAMLNode, height: Int) {
        if openAnchors.contains(name) {
            throw YAMLFailure(message: "this alias stands inside the very thing it names", span: span)
        }
        guard let anchored = anchors[name] else {
            throw YAMLFailure(
                message: "there is no anchor above for this alias; a text that begins with '*' must be in quotes",
                span: span)
        }
        if depth + anchored.height - 1 > YAMLLimits.depth { throw tooDeep(span) }
        try count(nodes: anchored.nodeCount, bytes: anchored.byteCount, span)
        var node = anchored.node
        node.span = span
        return (node, anchored.height)
    }

    private mutating func count(nodes: Int, bytes: Int, _ span: SourceSpan) throws(YAMLFailure) {
        nodeCount += nodes
        byteCount += bytes
        if nodeCount > YAMLLimits.nodes {
            throw YAMLFailure(
                message:
                    "the document has more than \(YAMLLimits.nodes) values, aliases counted as what they stand for",
                span: span)
        }
        if byteCount > YAMLLimits.expandedBytes {
            throw YAMLFailure(
                message: "the document has more than \(YAMLLimits.expandedBytes) bytes of text, "
                    + "aliases counted as what they stand for",
                span: span)
        }
    }

    private func refuse(_ tag: String?, _ span: SourceSpan, _ problems: inout Problems) {
        guard let tag else { return }
        let core = "tag:yaml.org,2002:"
        // Only the well-known tags are named: an unknown one may be a secret that begins with '!'.
        let message =
            tag.hasPrefix(core)
            ? "tags are not used in a configuration; remove \(quoted("!!" + tag.dropFirst(core.count)))"
            : "a value that begins with '!' must be in quotes"
        problems.add(message, at: span)
    }

    private func tooDeep(_ span: SourceSpan) -> YAMLFailure {
        YAMLFailure(message: "the document is nested deeper than \(YAMLLimits.depth) levels", span: span)
    }
}
