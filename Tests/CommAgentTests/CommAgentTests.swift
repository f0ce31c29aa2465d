import Testing

@testable import CommAgent

@Suite struct CommAgentTests {}
