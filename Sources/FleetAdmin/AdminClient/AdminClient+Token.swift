public import Fleet

extension AdminClient {
    /// What a person carries to a workstation. The server's address is the one that was asked: it is known to work.
    public func enrolmentToken(of made: MadeToken) throws(AdminFailure) -> EnrolmentToken {
        do throws(FleetIdentityError) {
            return try EnrolmentToken(
                server: "\(access.clients)", authority: made.authority, secret: made.secret)
        } catch {
            throw Self.notOurs(access.clients, AdminFailure.sentence("\(error)"))
        }
    }
}
