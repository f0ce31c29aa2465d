import FoundationEssentials
internal import OpenSSL

/// Certificates out of texts, with sentences about those that are none.
enum PEMText {
    /// The first of a text.
    static func certificate(_ pem: String, _ what: String) throws(FleetIdentityError) -> Certificate {
        let found = try openSSL("\(what) cannot be read") { () throws(OpenSSLFailure) in
            guard let first = try Certificate.next(in: try MemoryBIO(Data(pem.utf8))) else {
                throw OpenSSLFailure(reasons: ["there is no certificate in PEM"])
            }
            return first
        }
        return found
    }

    static func chain(_ pem: String, _ what: String) throws(FleetIdentityError) -> CertificateChain {
        let chain = try openSSL("\(what) cannot be read") { () throws(OpenSSLFailure) in
            try CertificateChain(pem: Data(pem.utf8))
        }
        guard !chain.isEmpty else { throw FleetIdentityError("\(what) holds no certificate in PEM") }
        return chain
    }

    static func text(_ certificate: borrowing Certificate) throws(FleetIdentityError) -> String {
        let bytes: Data
        do throws(OpenSSLFailure) {
            bytes = try certificate.pem()
        } catch {
            throw FleetIdentityError("a certificate cannot be written", error)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Refuses certificates that `root` does not vouch for, at whatever time: what has ended belongs to the fleet still.
    static func check(
        _ texts: [String], under root: borrowing Certificate, purpose: CInt, _ complaint: String
    ) throws(FleetIdentityError) {
        let chain = try chain(texts.joined(), complaint)
        let doubt: (code: CInt, index: Int?)?
        do throws(OpenSSLFailure) {
            doubt = try chain.doubt(under: root, at: nil, purpose: purpose)
        } catch {
            throw FleetIdentityError(complaint, error)
        }
        if let doubt { throw FleetIdentityError("\(complaint) (\(CertificateChain.words(doubt.code)))") }
    }
}
