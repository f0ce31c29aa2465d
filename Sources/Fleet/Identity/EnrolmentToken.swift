internal import OpenSSL

/// What a person carries from the company server to a workstation: where the server is, by whose authority it must prove
/// itself, and a secret that entitles to a certificate.
///
/// In text `muster-` and base64url of
///
///     1 byte    the version, 1
///     1 byte    how long the server's text is
///     16 bytes  the secret
///     32 bytes  SHA-256 of the root's DER
///     n bytes   the server, `host:port`; without the port where it is 50000
///     4 bytes   the beginning of SHA-256 of all before: a check against mistakes, not against malice
public struct EnrolmentToken: Hashable, Sendable, CustomStringConvertible {
    /// `host:port`.
    public let server: String
    /// SHA-256 of the root's DER, in lower-case hexadecimal.
    public let authority: String
    /// As `TokenSecret.make` writes it.
    public let secret: String

    private static let prefix = "muster-"
    private static let version: UInt8 = 1
    private static let fixed = 2 + TokenSecret.length + 32 + 4
    /// Characters: a text beyond it is something else.
    private static let limit = 1024

    public init(server: String, authority: String, secret: String) throws(FleetIdentityError) {
        let address = try ServerAddress(server)
        guard let fingerprint = Hexadecimal.bytes(authority), fingerprint.count == 32 else {
            throw FleetIdentityError("the authority's fingerprint is not SHA-256 in hexadecimal")
        }
        guard secret.utf8.count == 22, let bytes = Base64URL.bytes(secret.utf8), Base64URL.text(bytes) == secret else {
            throw FleetIdentityError("the token's secret is not 128 bits in base64url")
        }
        guard Self.shortened("\(address)").utf8.count <= 255 else {
            throw FleetIdentityError("the server's name is too long for a token")
        }
        self.server = "\(address)"
        self.authority = Hexadecimal.lower(fingerprint)
        self.secret = secret
    }

    /// Reads what `description` writes; blanks and line breaks, as a terminal or a letter adds them, are passed over.
    public init(_ text: String) throws(FleetIdentityError) {
        let text = text.utf8.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard text.starts(with: Self.prefix.utf8), text.count <= Self.limit else {
            throw FleetIdentityError(
                "that is not an enrolment token: one begins with '\(Self.prefix)', and 'muster fleet token create' makes it"
            )
        }
        let digits = text.dropFirst(Self.prefix.utf8.count)
        guard let bytes = Base64URL.bytes(digits) else {
            throw FleetIdentityError(
                "the token is mistyped: it has a character that is none of letters, digits, '-' and '_'")
        }
        if let version = bytes.first, version != Self.version {
            throw FleetIdentityError(
                "the token is mistyped, or made by another version of Muster (it begins with \(version))")
        }
        let length = bytes.count > 1 ? Self.fixed + Int(bytes[1]) : Self.fixed
        let characters = (length * 8 + 5) / 6
        guard digits.count >= characters else {
            throw FleetIdentityError(
                "the token is cut off: \(characters - digits.count) of its \(characters + Self.prefix.utf8.count) "
                    + "characters are missing")
        }
        guard digits.count == characters else {
            throw FleetIdentityError(
                "the token has \(digits.count - characters) characters more than it should: copy it alone")
        }
        let body = Array(bytes[..<(length - 4)])
        guard sha256(body).prefix(4).elementsEqual(bytes[(length - 4)...]),
            digits.elementsEqual(Base64URL.text(bytes).utf8)
        else { throw FleetIdentityError("the token is mistyped: a character of it is another; copy it again") }
        let secret = body[2..<(2 + TokenSecret.length)]
        let fingerprint = body[(2 + TokenSecret.length)..<(Self.fixed - 4)]
        try self.init(
            server: String(decoding: body[(Self.fixed - 4)...], as: UTF8.self),
            authority: Hexadecimal.lower(fingerprint), secret: Base64URL.text(Array(secret)))
    }

    public var description: String {
        let address = Array(Self.shortened(server).utf8)
        var bytes = [Self.version, UInt8(clamping: address.count)] + (Base64URL.bytes(secret.utf8) ?? [])
        bytes += (Hexadecimal.bytes(authority) ?? []) + address
        bytes += sha256(bytes).prefix(4)
        return Self.prefix + Base64URL.text(bytes)
    }
    private static func shortened(_ server: String) -> String {
        let suffix = ":\(ServerAddress.clientPort)"
        return server.hasSuffix(suffix) ? String(server.dropLast(suffix.count)) : server
    }
}
