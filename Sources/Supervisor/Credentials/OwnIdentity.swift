import ControlProtocol
import FoundationEssentials
import Glibc

/// The certificate and the authority that the host makes for itself where `host.identity` names none, in
/// `data_dir/identity`:
///
///     authority.pem, authority.key   whom clients are told to trust; valid for ten years
///     host.pem, host.key             what https listeners show; renewed by the host a month before its end
///
/// The folder is 0700 and the host's: no worker reads it.
struct OwnIdentity {
    /// Before the end of the certificate's life.
    static let renewal: Int64 = 30 * 86_400

    let directory: String

    var certificatePath: String { directory + "/host.pem" }
    var keyPath: String { directory + "/host.key" }
    var authorityPath: String { directory + "/authority.pem" }
    var authorityKeyPath: String { directory + "/authority.key" }

    /// The authority that was made before; nil where there is none.
    func authority() throws(SystemError) -> CertificateOrder.Authority? {
        guard access(authorityPath, F_OK) == 0 || access(authorityKeyPath, F_OK) == 0 else { return nil }
        return CertificateOrder.Authority(
            certificate: Data(try Files.read(authorityPath, limit: CredentialFiles.sizeLimit)),
            privateKey: Data(try Files.read(authorityKeyPath, limit: CredentialFiles.sizeLimit)))
    }

    /// Keeps what was made; the authority is written once, before what it signed.
    func keep(_ made: MadeCertificate) throws(SystemError) {
        try Files.makeDirectory(directory, mode: 0o700)
        if access(authorityPath, F_OK) != 0 {
            try Files.replace(authorityKeyPath, with: [UInt8](made.authority.privateKey), mode: 0o600)
            try Files.replace(authorityPath, with: [UInt8](made.authority.certificate), mode: 0o644)
        }
        try Files.replace(keyPath, with: [UInt8](made.privateKey), mode: 0o600)
        try Files.replace(certificatePath, with: [UInt8](made.certificate), mode: 0o644)
    }

    /// What this machine is called and reached by, as far as it knows itself.
    static func order(authority: CertificateOrder.Authority?) -> CertificateOrder {
        var names: [String] = []
        if let name = hostName(), isDNSName(name) { names.append(name) }
        names.append("localhost")
        return CertificateOrder(names: names, addresses: addresses(), authority: authority)
    }

    private static func hostName() -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let start = buffer.baseAddress, gethostname(start, buffer.count - 1) == 0 else { return nil }
            buffer[buffer.count - 1] = 0
            return String(cString: start)
        }
    }

    /// Letters, digits, hyphens and dots (RFC 1123 section 2.1): what may stand in a certificate as it is.
    private static func isDNSName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 253 && name != "localhost"
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Those of every interface that is up; those that hold for one link only are left out.
    private static func addresses() -> [String] {
        var found = ["127.0.0.1", "::1"]
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return found }
        defer { freeifaddrs(list) }
        var entry = list
        while let current = entry?.pointee {
            entry = current.ifa_next
            guard let address = current.ifa_addr, current.ifa_flags & UInt32(IFF_UP) != 0,
                let text = text(of: address), !text.hasPrefix("fe80:"), !found.contains(text)
            else { continue }
            found.append(text)
        }
        return found
    }

    private static func text(of address: UnsafePointer<sockaddr>) -> String? {
        let length: Int
        switch CInt(address.pointee.sa_family) {
        case AF_INET: length = MemoryLayout<sockaddr_in>.size
        case AF_INET6: length = MemoryLayout<sockaddr_in6>.size
        default: return nil
        }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let start = buffer.baseAddress,
                getnameinfo(
                    address, socklen_t(length), start, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST) == 0
            else { return nil }
            return String(cString: start)
        }
    }
}
