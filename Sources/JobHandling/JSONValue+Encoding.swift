public import Fleet

extension JSONValue {
    /// A value as it is written as JSON. Throws what its encoding throws.
    public init(of value: some Encodable) throws {
        self = try FleetJSON.decode(JSONValue.self, from: try FleetJSON.encode(value))
    }

    /// Read as what it should be. Throws `FleetJSONError`.
    public func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        try FleetJSON.decode(Value.self, from: try FleetJSON.encode(self))
    }
}
