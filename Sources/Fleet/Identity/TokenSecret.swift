internal import COpenSSL

/// The secret part of an enrolment token: 128 random bits. The server keeps its hash alone.
public enum TokenSecret {
    static let length = 16

    /// base64url, 22 characters.
    public static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        // getrandom(2), by Swift's generator.
        return Base64URL.text((0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// SHA-256: enough for a secret that cannot be guessed, other than a password.
    public static func hash(_ secret: String) -> [UInt8] { sha256(Array(secret.utf8)) }
}

func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil)
    return digest
}

/// RFC 4648 section 5, without padding.
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let value = (0..<3).reduce(UInt32(0)) { $0 << 8 | ($1 < group.count ? UInt32(bytes[start + $1]) : 0) }
            for place in 0...group.count { text.append(alphabet[Int(value >> (18 - 6 * UInt32(place)) & 63)]) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of whole groups of eight bits, and how many characters there were; nil for a character of another
    /// alphabet.
    static func bytes(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var (value, bits): (UInt32, UInt32) = (0, 0)
        for character in text {
            guard let digit = alphabet.firstIndex(of: character) else { return nil }
            value = (value << 6 | UInt32(digit)) & 0xFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: value >> bits))
            }
        }
        return bytes
    }
}
