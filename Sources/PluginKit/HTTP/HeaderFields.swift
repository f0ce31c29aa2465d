import MusterABI

/// The header fields of an answer, laid out once as the ABI wants them.
///
/// Make those that do not change once, in a `let`, and hand them to every answer: then an answer costs no memory. The
/// host adds Date, Connection, Content-Length and Transfer-Encoding itself and refuses them here.
public struct HeaderFields: Sendable, ExpressibleByDictionaryLiteral {
    private let storage: TextPairs<muster_header>?

    /// No fields.
    public static let none = Self([])

    public init(_ fields: [(name: String, value: String)]) {
        storage =
            fields.isEmpty ? nil : TextPairs(fields.map { ($0.name, $0.value) }) { muster_header(name: $0, value: $1) }
    }

    public init(dictionaryLiteral fields: (String, String)...) {
        self.init(fields.map { (name: $0.0, value: $0.1) })
    }

    /// `text/plain` in UTF-8.
    public static let plainText: Self = ["Content-Type": "text/plain; charset=utf-8"]

    /// These fields and `more` after them.
    public func adding(_ more: [(name: String, value: String)]) -> Self { Self(fields + more) }

    /// A copy of the fields, in order.
    public var fields: [(name: String, value: String)] {
        guard let storage else { return [] }
        return storage.pairs.map { (name: $0.name.repairedText, value: $0.value.repairedText) }
    }

    func withABI<Result>(_ body: (UnsafePointer<muster_header>?, Int) -> Result) -> Result {
        guard let storage else { return body(nil, 0) }
        return withExtendedLifetime(storage) { body($0.pairs.baseAddress, $0.pairs.count) }
    }
}
