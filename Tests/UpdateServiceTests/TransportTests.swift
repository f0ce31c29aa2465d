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
