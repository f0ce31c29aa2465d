/// Where a redirect leads, and what may go along (RFC 9110 section 15.4). Pure.
struct RedirectRule {
    /// One request of a transfer: the first, or one that a redirect led to.
    struct Leg: Sendable {
        var url: HTTPURL
        var method: String
        var fields: [HTTPClientRequest.Field]
        /// nil for http.
        var trust: ClientTrust?
        var hasBody: Bool
    }

    /// 0: none are followed.
    var limit: Int
    /// The host that the plugin asked for proves itself by its own name: so may the one that it leads to.
    var isHostItsOwnPeer: Bool

    /// The next leg; nil where the answer is one like others.
    func next(after leg: Leg, _ head: AnswerHead, taken: Int) throws(TransferFailure) -> Leg? {
        guard limit > 0, [301, 302, 303, 307, 308].contains(head.status), let location = head.value(of: "location")
        else { return nil }
        let isSafe = leg.method == "GET" || leg.method == "HEAD"
        guard isSafe || head.status == 303 else { return nil }
        guard taken < limit else { throw refusal(leg, "it is the \(taken + 1)th, and \(limit) are allowed") }
        let url: HTTPURL
        do throws(HTTPClientRefusal) {
            url = try HTTPURL(location, relativeTo: leg.url)
        } catch {
            throw refusal(leg, "its Location cannot be followed: \(error)")
        }
        guard url.isSecure || !leg.url.isSecure else {
            throw refusal(leg, "it leads from https to http, to \(url.authority)")
        }
        var next = leg
        next.url = url
        if !isSafe { next.method = "GET" }
        if next.hasBody {
            next.hasBody = false
            next.fields.removeAll { $0.name.lowercased().hasPrefix("content-") }
        }
        if !url.hasOrigin(of: leg.url) { try depart(&next, from: leg) }
        return next
    }

    /// Takes away what belongs to the host that the leg leaves.
    private func depart(_ next: inout Leg, from leg: Leg) throws(TransferFailure) {
        next.fields.removeAll { !Self.mayGoAnywhere($0.name.lowercased()) }
        guard next.url.isSecure else { return }
        guard let trust = leg.trust, isHostItsOwnPeer else {
            throw refusal(
                leg, "it leads to another host, \(next.url.authority), and whom to expect there is not known")
        }
        do throws(HTTPClientRefusal) {
            next.trust = trust.anonymous(expecting: try PeerExpectation(next.url.host))
        } catch {
            throw refusal(leg, "it leads to \(next.url.authority), which no certificate can name")
        }
    }

    private static func mayGoAnywhere(_ name: String) -> Bool {
        name == "accept" || name.hasPrefix("accept-") || name.hasPrefix("if-") || name == "range"
            || name == "cache-control" || name == "user-agent"
    }

    private func refusal(_ leg: Leg, _ why: String) -> TransferFailure {
        TransferFailure(.redirectRefused, "A redirect from \(leg.url.authority) was not followed: \(why).")
    }
}
