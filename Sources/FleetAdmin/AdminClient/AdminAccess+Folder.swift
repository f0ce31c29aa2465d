public import Fleet

extension AdminAccess {
    /// Reads an administrator's identity.
    /// - Parameter server: where the company server is, instead of what the identity says.
    public init(_ folder: IdentityFolder, server: ServerAddress? = nil) throws(AdminFailure) {
        guard folder.exists else {
            throw AdminFailure(
                .identity, "there is no identity in \(folder.path)",
                advice: "Make one with `muster fleet admin add` on the company server, or name it: --identity DIR.")
        }
        do throws(FleetIdentityError) {
            let identity = try folder.read()
            let profile = identity.profile
            let (clients, sweeps, polls) = (
                try profile.serverAddress, try profile.sweepsAddress, try profile.pollsAddress
            )
            self.init(
                certificate: identity.certificate, privateKey: identity.privateKey, authority: identity.authority,
                validity: identity.notBefore..<max(identity.notBefore, identity.notAfter), clients: server ?? clients,
                sweeps: server == nil ? sweeps : nil, polls: server == nil ? polls : nil)
        } catch {
            throw AdminFailure(
                .identity, "the identity in \(folder.path) cannot be used: \(AdminFailure.sentence("\(error)"))",
                advice: "Make a new one with `muster fleet admin add` on the company server, or name another: "
                    + "--identity DIR.")
        }
    }
}
