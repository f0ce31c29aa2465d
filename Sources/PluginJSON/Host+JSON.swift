private import FoundationEssentials
public import PluginKit

/// JSON on the bus (RFC 8259), by Foundation's encoder; keys are lower-case words joined by underscores, as in the YAML and
/// in every answer over HTTP. A room of its own, since only plugins that import it load
/// Foundation.
extension Host {
    /// Publishes a value as JSON.
    public func publish(_ topic: Topic, json value: some Encodable) throws(BusError) {
        try publish(topic, try BusJSON.encode(value))
    }

    /// Calls a service with a value as JSON, and reads its reply as JSON.
    public func call<Reply: Decodable>(
        _ service: Service, _ method: String, json value: some Encodable, as type: Reply.Type = Reply.self,
        timeout: Duration
    ) async throws(BusError) -> Reply {
        let reply = try await call(service, method, try BusJSON.encode(value), timeout: timeout)
        do {
            return try BusJSON.decode(reply)
        } catch {
            throw BusError(
                .failed, "the reply of '\(service)' to '\(method)' is not what was expected: \(error.reason)")
        }
    }
}

extension BusMessage {
    /// The payload, read as JSON.
    public func json<Value: Decodable>(as type: Value.Type = Value.self) throws(CallFailure) -> Value {
        try BusJSON.decode(payload)
    }
}

extension BusCall {
    /// The payload, read as JSON. What it throws tells the caller, where the handler lets it pass.
    public func json<Value: Decodable>(as type: Value.Type = Value.self) throws(CallFailure) -> Value {
        try BusJSON.decode(payload)
    }

    /// Replies with a value as JSON.
    @discardableResult
    public func reply(json value: some Encodable) throws(BusError) -> Result { reply(try BusJSON.encode(value)) }
}

enum BusJSON {
    static func encode(_ value: some Encodable) throws(BusError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = .withoutEscapingSlashes
            return [UInt8](try encoder.encode(value))
        } catch {
            throw BusError(.invalid, "a \(type(of: value)) cannot be written as JSON: \(error)")
        }
    }

    static func decode<Value: Decodable>(_ bytes: [UInt8]) throws(CallFailure) -> Value {
        do {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(Value.self, from: Data(bytes))
        } catch {
            // The decoder's own words may quote what was sent.
            throw CallFailure("the payload of \(bytes.count) bytes is not the JSON of a \(Value.self)")
        }
    }
}
