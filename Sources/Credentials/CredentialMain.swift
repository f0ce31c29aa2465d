package import ControlProtocol
internal import Glibc
internal import OpenSSL

/// The credentials process: `muster credentials`, started by the supervisor with a socket on descriptor 3.
///
/// It has OpenSSL, and sees private keys for as long as it takes to check them; the supervisor has neither OpenSSL nor a
/// reason to parse certificates. It serves requests until the socket ends.
public enum CredentialMain {
    public static func run() -> Never {
        signal(SIGINT, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        let channel = ControlChannel(Descriptor(owning: 3))
        do throws(ChannelError) {
            while true {
                let request = try channel.waitToReceive(CredentialRequest.self).message
                try channel.send(answer(request))
            }
        } catch {
            if case .closed = error.code { _exit(0) }
            let line = Array("muster credentials: \(error); it is started by 'muster run', not by hand\n".utf8)
            _ = write(STDERR_FILENO, line, line.count)
            _exit(1)
        }
    }

    /// Answers one request, in this process.
    package static func answer(_ request: CredentialRequest) -> CredentialAnswer {
        switch request {
        case .check(let certificate, let privateKey, let authority):
            do throws(CredentialFlaw) {
                return .sound(
                    try CredentialCheck.facts(
                        certificate: certificate, privateKey: privateKey, authority: authority))
            } catch {
                return .flawed(error)
            }
        case .make(let order):
            do throws(OpenSSLFailure) {
                return .made(try CertificateMaker.make(order))
            } catch {
                return .failed(error.sentence)
            }
        }
    }
}
