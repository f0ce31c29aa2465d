import Glibc

/// A certificate for 127.0.0.1 with its key (ECDSA, P-256), and the authority that signed it, made by openssl(1).
struct TLSFiles {
    var certificate: String
    var privateKey: String
    var authority: String

    init(_ bench: Bench) throws {
        let folder = try bench.scratch.folder("identity")
        certificate = "\(folder)/host.pem"
        privateKey = "\(folder)/host.key"
        authority = "\(folder)/authority.pem"
        guard access(certificate, R_OK) != 0 else { return }
        guard let program = Files.program("openssl") else {
            throw BenchError("openssl is missing; install it with: apt-get install openssl")
        }
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
        let commands = [
            [
                "req", "-x509", "-subj", "/CN=Benchmark authority", "-keyout", "\(folder)/authority.key", "-out",
                authority,
            ],
            [
                "req", "-x509", "-subj", "/CN=localhost", "-CA", authority, "-CAkey", "\(folder)/authority.key",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
                "-keyout", privateKey, "-out", certificate,
            ],
        ]
        for command in commands {
            _ = try Child.output(of: [program] + command + key, seconds: 20, scratch: bench.scratch)
        }
    }
}
