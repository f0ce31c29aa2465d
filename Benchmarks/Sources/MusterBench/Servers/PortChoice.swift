/// Hands out free ports, none twice in a run.
final class PortChoice {
    private var taken: Set<UInt16> = []

    func next() throws -> UInt16 {
        let port = try System.freePort(notIn: taken)
        taken.insert(port)
        return port
    }
}
