internal import Fleet

extension AdminFailure {
    /// What the server's own words for a refusal come to.
    /// - Parameters:
    ///   - selector: the one that was sent, where one was.
    ///   - now: by this machine's clock.
    init(_ problem: Problem, selector: String?, from address: ServerAddress, at now: Timestamp) {
        let detail = Self.sentence(problem.detail)
        self.init(.problem(problem.code), detail.isEmpty ? "the server at \(address) refused it" : detail)
        switch problem.code {
        case .noCertificate:
            message = "the server at \(address) wants a certificate of its fleet: \(detail)"
            advice = "Name the folder of your identity: --identity DIR."
        case .notAllowed:
            advice = "`muster fleet admin add` on the company server makes an identity with another role."
        case .revoked:
            message = "the server at \(address) refused your identity: \(detail)"
            advice = "It will not be taken again. Make a new one with `muster fleet admin add` on the company server."
        case .superseded:
            message = "the server at \(address) refused your certificate: \(detail)"
            advice = "Use the newer one, or make a new identity with `muster fleet admin add` on the company server."
        case .clockSkew:
            kind = .clockSkew
            advice = "Set the clock that is wrong (`timedatectl` shows it) and try again."
            if let time = problem.time {
                message += " (the server's clock says \(time), this machine's \(now))"
            }
        case .selector:
            advice =
                "A selector is like `group=office and not os=windows`, `name=\"pc 1\"`, `definitions<41`, or `all`."
        case .unknownGroup: advice = "`muster clients` shows which groups there are."
        case .noClients: advice = "`muster clients --where SELECTOR` shows whom a selector means."
        case .handingOver, .busy:
            kind = problem.code == .busy ? .busy : .handingOver
            advice = "Try again in a moment."
        case .store, .unavailable, .failed:
            advice = "The log of the company server says more: `journalctl -u muster` there."
        case .unknownClient: advice = "`muster clients` lists them."
        case .notFound, .invalid, .methodNotAllowed, .tokenUnknown, .tokenExpired, .tokenUsedUp: break
        }
        if let selector, let column = problem.column { self.selector = (selector, column) }
        // The server knows better what to do where it names a command.
        if detail.contains("`muster ") { advice = nil }
        isWorthAskingAgain = problem.status == 503 || problem.status == 429
    }

    /// Without what would break a line or steer a terminal, without its full stop, and no longer than a few lines.
    static func sentence(_ text: String) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(600) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: shown.append(" ")
            default: shown.append(scalar)
            }
        }
        while shown.last == "." || shown.last == " " { shown.removeLast() }
        return String(shown)
    }
}
