internal import PluginManifest

/// One listener's settings: an address, a list of addresses, or a mapping with `address` and limits.
struct ListenerReader {
    private let declaration: ListenerDeclaration

    init(_ declaration: ListenerDeclaration) {
        self.declaration = declaration
    }

    /// The manifest's listener with what `entry` says; nil: nothing.
    func listener(_ entry: YAMLEntry?, _ reader: inout OptionReader) -> ResolvedListener {
        var listener = ResolvedListener(
            name: declaration.name, transport: declaration.transport, clientCertificate: declaration.clientCertificate,
            addresses: [ListenAddress(host: "::", port: declaration.port)], maxConnections: 0)
        var section = ReadSection()
        if let entry, case .mapping(let entries) = entry.value.content {
            section = reader.section(entries, as: ListenerKeys.group)
            checkTransport(section, &reader)
            if let address = section.sections["address"] {
                listener.addresses = addresses(address, "\(reader.title).address", &reader)
            }
        } else if let entry {
            listener.addresses = addresses(entry, reader.title, &reader)
        }
        reader.store(section, by: ListenerKeys.all, into: &listener)
        checkTLS(section, listener, &reader)
        return listener
    }

    /// Keys that the listener's transport has no use for.
    private func checkTransport(_ section: ReadSection, _ reader: inout OptionReader) {
        guard declaration.transport == .raw else { return }
        for name in ListenerKeys.httpNames {
            guard let entry = section.options[name]?.entry else { continue }
            reader.problems.add(
                "\(reader.title).\(name) is a limit of HTTP, and this listener is raw; remove it", at: entry.keySpan)
        }
    }

    private func checkTLS(_ section: ReadSection, _ listener: ResolvedListener, _ reader: inout OptionReader) {
        guard declaration.transport == .https else {
            for name in ListenerKeys.tlsNames {
                guard let entry = section.options[name]?.entry else { continue }
                let what = name.contains("client") ? "clients show certificates" : "a certificate is shown"
                reader.problems.add(
                    "\(reader.title).\(name): \(what) only over https, and this listener is "
                        + "\(declaration.transport.rawValue); remove it",
                    at: entry.keySpan)
            }
            return
        }
        if let entry = section.options["client_certificate"]?.entry,
            listener.clientCertificate < declaration.clientCertificate
        {
            reader.problems.add(
                "\(reader.title).client_certificate may only be stricter than the plugin has it, which is "
                    + "'\(declaration.clientCertificate.rawValue)', found '\(listener.clientCertificate.rawValue)'",
                at: entry.blamedSpan)
        }
        checkAllowedClients(section, listener, &reader)
        reader.requireTogether("certificate", "private_key", in: section, "\(reader.title).")
    }

    private func checkAllowedClients(
        _ section: ReadSection, _ listener: ResolvedListener, _ reader: inout OptionReader
    ) {
        guard let entry = section.options["allowed_clients"]?.entry else { return }
        let name = "\(reader.title).allowed_clients"
        if listener.clientCertificate != .required {
            reader.problems.add(
                "\(name) needs certificates to look at: set client_certificate: required beside it", at: entry.keySpan)
        }
        // An empty list would read as "nobody" and mean "all".
        if listener.allowedClients.isEmpty, case .sequence(let items) = entry.value.content, items.isEmpty {
            reader.problems.add("\(name) is empty: name whom to allow, or remove it to allow all", at: entry.blamedSpan)
        }
        for pattern in listener.allowedClients where !Self.isPattern(pattern.value) {
            reader.problems.add(
                "\(name): '\(pattern.value)' is no URI such as 'muster:server', or 'muster:client/*' for all that begin so",
                at: entry.blamedSpan)
        }
    }

    /// A scheme, a colon, and what RFC 3986 allows in a URI; a `*` at the end alone.
    private static func isPattern(_ text: String) -> Bool {
        let isURI = text.utf8.allSatisfy { (0x21...0x7E).contains($0) } && text.utf8.count <= 2048
        guard isURI, let colon = text.firstIndex(of: ":"), colon != text.startIndex else { return false }
        return !text.dropLast().contains("*")
    }

    private func addresses(_ entry: YAMLEntry, _ name: String, _ reader: inout OptionReader) -> [ListenAddress] {
        let nodes: [YAMLNode]
        if case .sequence(let items) = entry.value.content { nodes = items } else { nodes = [entry.value] }
        if nodes.isEmpty || nodes.count > ListenerKeys.addressLimit {
            reader.problems.add(
                "\(name) must have between 1 and \(ListenerKeys.addressLimit) addresses, found \(nodes.count); "
                    + "to keep the component from listening set 'enabled: false'",
                at: entry.blamedSpan)
            return []
        }
        return nodes.compactMap { node in
            let span = node.span.start == node.span.end ? entry.keySpan : node.span
            guard case .scalar(let scalar) = node.content, !node.isNull else {
                reader.problems.add("\(name): expected \(Self.expectation), found \(node.kind)", at: span)
                return nil
            }
            guard let (text, _) = reader.expand(scalar, span, name: name) else { return nil }
            do throws(ScalarProblem) {
                var address = try ListenAddress(parsing: text)
                address.location = reader.problems.source.location(span.start)
                return address
            } catch {
                let hint = error.hint.map { "; \($0)" } ?? ""
                reader.problems.add("\(name): expected \(Self.expectation), found \(quoted(text))\(hint)", at: span)
                return nil
            }
        }
    }

    static let expectation = "an address such as \"127.0.0.1:443\", \"[::1]:443\", \"*:443\" or a port alone"
}

extension ListenAddress {
    /// `0.0.0.0:443`, `[::1]:443`, `*:443`, `localhost:443` or a port alone, which means all addresses.
    init(parsing text: String) throws(ScalarProblem) {
        if !text.isEmpty, text.utf8.allSatisfy(\.isDigit) {
            self.init(host: "::", port: try HostAndPort.port(text))
            return
        }
        let parts = try HostAndPort(text)
        if parts.isBracketed {
            guard let host = NumericAddress.ipv6(parts.host) else {
                let zone = parts.host.contains("%") ? "; zones such as %eth0 are not supported" : ""
                throw ScalarProblem("\(quoted(parts.host)) is not an IPv6 address\(zone)")
            }
            if host.hasPrefix("::ffff:"), host.contains(".") {
                throw ScalarProblem("write the IPv4 address itself: \(host.dropFirst(7)):\(parts.port)")
            }
            self.init(host: host, port: parts.port)
        } else if parts.host == "*" {
            self.init(host: "::", port: parts.port)
        } else if parts.host == "localhost" {
            self.init(host: "127.0.0.1", port: parts.port)
        } else if let host = NumericAddress.ipv4(parts.host) {
            self.init(host: host, port: parts.port)
        } else {
            throw ScalarProblem(
                "\(quoted(parts.host)) is not an IP address; names other than localhost are not looked up")
        }
    }
}
