internal import Networking
public import UpdateTrust

/// Fetches for the command line.
public struct CurlTransport: Sendable {
    public init() {}
}
