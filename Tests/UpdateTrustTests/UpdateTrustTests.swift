import Testing

@testable import UpdateTrust

@Suite struct UpdateTrustTests {}
