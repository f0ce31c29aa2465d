internal import COpenSSL
internal import FoundationEssentials

/// What a certificate says of itself.
extension Certificate {
    /// SHA-256 of its DER.
    package func fingerprint() throws(OpenSSLFailure) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        let raw = raw
        try succeeding { X509_digest(raw, EVP_sha256(), &digest, nil) }
        return digest
    }

    /// The URIs among its subject alternative names (RFC 5280 section 4.2.1.6), those that are ASCII.
    package var uris: [String] {
        guard let names = cossl_alternative_names(raw) else { return [] }
        defer { cossl_free_names(names) }
        return (0..<max(0, cossl_count_names(names))).compactMap { index in
            var length = 0
            guard let bytes = cossl_uri(names, index, &length) else { return nil }
            let text = UnsafeBufferPointer(start: bytes, count: length)
            return text.allSatisfy { (0x21...0x7E).contains($0) } ? String(decoding: text, as: UTF8.self) : nil
        }
    }

    /// The DNS names and the IP addresses in numbers among its subject alternative names.
    package var hostNames: [String] {
        guard let names = cossl_alternative_names(raw) else { return [] }
        defer { cossl_free_names(names) }
        return (0..<max(0, cossl_count_names(names))).compactMap { index in
            guard let bio = try? MemoryBIO(), cossl_print_name(bio.raw, names, index) >= 0 else { return nil }
            let text = String(decoding: bio.contents(), as: UTF8.self)
            return ["DNS:", "IP Address:"].lazy.compactMap { prefix in
                text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
            }.first
        }
    }

    /// The first organization of its subject.
    package var organization: String? {
        guard let subject = X509_get_subject_name(raw) else { return nil }
        let index = X509_NAME_get_index_by_NID(subject, NID_organizationName, -1)
        guard index >= 0, let entry = X509_NAME_get_entry(subject, index),
            let value = X509_NAME_ENTRY_get_data(entry)
        else { return nil }
        let bytes = UnsafeBufferPointer(start: ASN1_STRING_get0_data(value), count: Int(ASN1_STRING_length(value)))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Seconds since 1970.
    package var notBefore: Int64? { Self.seconds(X509_get0_notBefore(raw)) }
    package var notAfter: Int64? { Self.seconds(X509_get0_notAfter(raw)) }

    /// Whether it is the certificate of that key.
    package func belongs(to key: borrowing PrivateKey) -> Bool {
        let matches = X509_check_private_key(raw, key.raw) == 1
        ERR_clear_error()
        return matches
    }

    /// Whether it may issue others: its basic constraints say so.
    package var isAuthority: Bool {
        let answer = X509_check_ca(raw)
        ERR_clear_error()
        return answer == 1
    }

    /// Whether it vouches for itself: an authority's root.
    package var isSelfSigned: Bool {
        let isOwn = X509_self_signed(raw, 1) == 1
        ERR_clear_error()
        return isOwn
    }
}
