import Testing

@testable import UpdateAdmin

@Suite struct UpdateAdminTests {}
