import ControlProtocol
import Glibc
import Testing

@testable import Supervisor

@Suite struct ListenerTableTests {
    private func address(_ host: String, _ port: UInt16, owner: String = "A") -> BindAddress {
        BindAddress(host: host, port: port, component: owner, listener: "main")
    }

    private func connects(to host: String, _ port: UInt16) -> Bool {
        guard let target = SocketAddress(host: host, port: port) else { return false }
        let descriptor = Descriptor(owning: socket(target.family, CInt(SOCK_STREAM.rawValue), 0))
        return target.withPointer { connect(descriptor.rawValue, $0, $1) } == 0
    }

    private func refusal(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func anAddressIsBoundOnceAndKept() throws {
        let table = ListenerTable()
        let first = try table.listener(address("127.0.0.1", 0))
        let second = try table.listener(address("127.0.0.1", 0))
        #expect(first.descriptor === second.descriptor)
        #expect(first.bound.port != 0)
        #expect(connects(to: "127.0.0.1", first.bound.port))
    }

    @Test func anyFreePortIsAnotherOneForEachListener() throws {
        let table = ListenerTable()
        let first = try table.listener(address("127.0.0.1", 0, owner: "A"))
        let second = try table.listener(address("127.0.0.1", 0, owner: "B"))
        #expect(first.bound.port != second.bound.port)
    }

    @Test func allAddressesTakeBothFamilies() throws {
        let table = ListenerTable()
        let listener = try table.listener(address("::", 0))
        #expect(connects(to: "127.0.0.1", listener.bound.port))
    }

    @Test func aListenerIsNonBlockingAndClosedOnExec() throws {
        let listener = try ListenerTable().listener(address("127.0.0.1", 0))
        #expect(fcntl(listener.descriptor.rawValue, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(listener.descriptor.rawValue, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func whatIsNoLongerUsedIsUnboundThoughAWorkerStillHoldsIt() throws {
        let table = ListenerTable()
        let kept = try table.listener(address("127.0.0.1", 0, owner: "A"))
        let dropped = try table.listener(address("127.0.0.1", 0, owner: "B"))
        let copy = Descriptor(owning: dup(dropped.descriptor.rawValue))
        table.retain([address("127.0.0.1", 0, owner: "A")])
        #expect(connects(to: "127.0.0.1", kept.bound.port))
        #expect(!connects(to: "127.0.0.1", dropped.bound.port))
        withExtendedLifetime(copy) {}
    }

    @Test func aPortComesBackWhileADrainingWorkerHoldsTheOldSocket() throws {
        let table = ListenerTable()
        let first = try table.listener(address("127.0.0.1", 0))
        let port = first.bound.port
        let copy = Descriptor(owning: dup(first.descriptor.rawValue))
        table.retain([])
        let again = try table.listener(address("127.0.0.1", port))
        #expect(connects(to: "127.0.0.1", again.bound.port))
        withExtendedLifetime(copy) {}
    }

    @Test func aSocketThatAWorkerShutDownListensAgain() throws {
        let table = ListenerTable()
        let listener = try table.listener(address("127.0.0.1", 0))
        #expect(table.relisten().isEmpty)
        shutdown(listener.descriptor.rawValue, CInt(SHUT_RDWR))
        #expect(!connects(to: "127.0.0.1", listener.bound.port))
        #expect(table.relisten() == [listener.bound])
        #expect(connects(to: "127.0.0.1", listener.bound.port))
    }

    @Test func aPortInUseNamesItsHolder() throws {
        let other = ListenerTable()
        let port = try other.listener(address("127.0.0.1", 0)).bound.port
        let text = refusal { _ = try ListenerTable().listener(address("127.0.0.1", port)) }
        #expect(text.contains("127.0.0.1:\(port)"))
        #expect(text.contains("process \(getpid())"))
    }

    @Test func changingBetweenAllAddressesAndOneIsRefusedInWords() throws {
        let table = ListenerTable()
        let port = try table.listener(address("127.0.0.1", 0)).bound.port
        let specific = try ListenerTable.standIn().bound.port
        _ = try table.listener(address("127.0.0.1", specific, owner: "B")) as ListenerTable.Listener?
        let text = refusal { _ = try table.listener(address("::", specific)) }
        #expect(text.contains("two reloads"))
        #expect(port != specific)
    }

    @Test func aLowPortWithoutTheCapabilityNamesTheWaysOut() {
        // As a child that gave up everything: whether this process is root does not matter.
        let text = ListenerTable.sentence(EACCES, address("::", 443), [])
        #expect(text.contains("CAP_NET_BIND_SERVICE"))
        #expect(text.contains("AmbientCapabilities"))
        #expect(text.contains("--port-offset"))
    }

    @Test func anAddressOfAnotherMachineIsRefusedInWords() {
        let text = refusal { _ = try ListenerTable().listener(address("192.0.2.1", 50003)) }
        #expect(text.contains("does not have that address"))
    }

    @Test func anAddressThatIsNoneIsRefused() {
        #expect(refusal { _ = try ListenerTable().listener(address("nonsense", 1)) } != "")
    }

    @Test func nobodyHoldsAFreePort() throws {
        let port = try ListenerTable.standIn().bound.port
        #expect(PortHolder.find(port: port) == nil)
    }
}
