import Locks
import Testing

@testable import UpdateFetching
@testable import UpdateTrust

@Suite struct TransportTests {
    @Test(arguments: [
        ("https://vendor.example/r", "vendor.example"), ("https://vendor.example:8443", "vendor.example"),
        ("https://[2001:db8::1]:443/x", "2001:db8::1"), ("https://192.0.2.7?x", "192.0.2.7"), ("https://", ""),
    ])
    func serverIsExpectedToBeTheHostOfTheURL(_ url: String, _ host: String) throws {
        #expect(TransportTrust.host(of: url) == host)
        #expect(try TransportTrust.system.tls(for: url)?.expectedPeer == host)
    }

    @Test func aLongTransferIsSaidEveryTenSeconds() {
        let (start, passed) = (SuspendingClock.now, Locked(Duration.zero))
        let said = Locked<[[String]]>([])
        let progress = TransferProgress(clock: { start + passed.withLock { $0 } }) { fields in
            said.withLock { $0.append(fields.map { "\($0.key)=\($0.value)" }) }
        }
        for second in 0...25 {
            passed.withLock { $0 = .seconds(second) }
            progress.tell(UInt64(second) * 1000, of: 40_000, "files/a")
        }
        progress.tell(.max, of: .max, "files/b")
        #expect(
            said.withLock { $0 } == [
                ["fetched_bytes=10000", "of_bytes=40000", "percent=25", "target=files/a"],
                ["fetched_bytes=20000", "of_bytes=40000", "percent=50", "target=files/a"],
            ])
        passed.withLock { $0 = .seconds(60) }
        progress.tell(.max, of: .max, "files/b")
        progress.tell(5, of: 0, "files/c")
        #expect(said.withLock { $0.last?[2] } == "percent=100")
    }

    @Test func plainHTTPNeedsNoTrust() throws {
        #expect(try TransportTrust(authority: "/nonexistent").tls(for: "http://vendor.example")?.expectedPeer == nil)
    }

    @Test func authorityThatCannotBeReadIsSaidSo() {
        #expect {
            _ = try TransportTrust(authority: "/nonexistent/ca.pem").tls(for: "https://vendor.example")
        } throws: { error in
            let failure = error as? TransportFailure
            return failure?.cause == .certificate && failure?.message.contains("/nonexistent/ca.pem") == true
        }
    }

    @Test(
        arguments: [
            (404, .notFound), (410, .notFound), (401, .forbidden), (403, .forbidden), (429, .busy), (503, .busy),
            (301, .redirect), (500, .status), (400, .status),
        ] as [(Int, TransportFailure.Cause)])
    func eachStatusHasItsCause(_ status: Int, _ cause: TransportFailure.Cause) {
        let failure = TransportFailure(status: status, of: "https://vendor.example/x")
        #expect(failure.cause == cause && failure.status == status)
        #expect(failure.message.contains("https://vendor.example/x") && failure.message.contains("\(status)"))
    }
}
