import FoundationEssentials

/// JSON as every port of the fleet, its bus services and its files write it: keys in lower-case words joined by
/// underscores.
///
/// Names of Swift properties are words too (`client`, not `clientID`), so that a key and its property name each other.
public enum FleetJSON {
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }

    /// Throws `FleetJSONError`, which says where the text is not what was expected.
    public static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from bytes: some Sequence<UInt8>
    ) throws(FleetJSONError) -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(Value.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw FleetJSONError(error)
        } catch {
            throw FleetJSONError(reason: "it is not JSON")
        }
    }
}

/// Why a text was not taken; it quotes nothing of it.
public struct FleetJSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `parameters.paths[2]`; empty: the whole.
    public var path = ""
    public var reason: String

    public init(path: String = "", reason: String) {
        self.path = path
        self.reason = reason
    }

    init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            self.init(path: Self.path(context.codingPath + [key]), reason: "it is missing")
        case .typeMismatch(_, let context):
            self.init(path: Self.path(context.codingPath), reason: "it is of the wrong type")
        case .valueNotFound(_, let context):
            self.init(path: Self.path(context.codingPath), reason: "it is null")
        case .dataCorrupted(let context):
            self.init(
                path: Self.path(context.codingPath),
                reason: context.codingPath.isEmpty ? "it is not JSON" : context.debugDescription)
        @unknown default: self.init(reason: "it cannot be read")
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + snakeCase(key.stringValue)
            }
        }
    }

    private static func snakeCase(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    }

    public var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}
