import MusterABI
import PluginKit
import PluginTesting
import Testing

@Suite struct LifecycleTests {
    private func host(_ settings: [String: Setting] = [:], missing: Set<String> = []) -> FakeHost {
        let settings = ["root": Setting.path("/srv")].merging(settings) { $1 }
        return FakeHost(PluginEntry.manifest(of: Sampler.self), settings: settings, missing: missing)
    }

    @Test func componentLivesFromCreateToDestroy() throws {
        let host = host()
        try host.create()
        try host.prepare()
        try host.activate(state: Array("old".utf8))
        try host.quiesce()
        #expect(try host.release() == Array("kept".utf8))
        try host.activate(state: Array("again".utf8))
        host.stop()
        host.destroy()
        #expect(host.logLines.map(\.message) == ["activate", "quiesce", "activate", "stop"])
        #expect(host.logLines[0].fields == ["state": "old"])
        #expect(host.logLines[2].fields == ["state": "again"])
    }

    @Test func deadlineArrivesAsAPointOfTheMonotonicClock() throws {
        let host = host()
        try host.start()
        try host.quiesce(deadline: monotonicNanoseconds() + 20_000_000_000)
        #expect(host.logLines.last?.fields == ["seconds": "20"])
    }

    @Test(arguments: [UInt64.max, 0, 1, UInt64(Int64.max)])
    func absurdDeadlineDoesNotTrap(_ deadline: UInt64) throws {
        let host = host()
        try host.start()
        try host.quiesce(deadline: deadline)
    }

    @Test func stepsOutOfOrderAreRefused() throws {
        let host = host()
        try host.create()
        #expect(throws: FakeHost.Failure.self) { try host.activate() }
        #expect(throws: FakeHost.Failure.self) { try host.quiesce() }
        #expect(throws: FakeHost.Failure.self) { try host.release() }
        try host.prepare()
        let failure = #expect(throws: FakeHost.Failure.self) { try host.prepare() }
        #expect(failure?.status == MUSTER_WRONG_STATE)
    }

    @Test func thrownErrorReachesTheOperatorWithItsOption() throws {
        let failure = try failureOfPrepare(["greeting": .string("refuse")])
        #expect(failure.status == MUSTER_CONFIGURATION)
        #expect(failure.message == "Say something else.")
        #expect(failure.option == "greeting")
    }

    @Test func optionOfAGroupIsBlamedByItsDottedName() throws {
        #expect(try failureOfPrepare(["cache.memory": .bytes(1)]).option == "cache.memory")
    }

    @Test func anyOtherErrorIsDescribed() throws {
        let failure = try failureOfPrepare(["greeting": .string("break")])
        #expect(failure.status == MUSTER_FAILED)
        #expect(failure.message == "Could not open the cellar: No such file or directory.")
    }

    @Test func activateMayFailAndBeTriedAgain() throws {
        let host = host(["greeting": .string("late")])
        try host.create()
        try host.prepare()
        #expect(throws: FakeHost.Failure(status: MUSTER_FAILED, message: "Not now.", option: "")) {
            try host.activate()
        }
        #expect(throws: FakeHost.Failure.self) { try host.activate() }
        host.stop()
        host.destroy()
    }

    @Test func stateThatTheHostDoesNotTakeIsAnError() throws {
        let host = host()
        try host.start()
        let failure = #expect(throws: FakeHost.Failure.self) { try host.release(capacity: 3) }
        #expect(failure?.message.contains("4 bytes") == true)
    }

    @Test func everyOptionArrivesTyped() throws {
        let host = host([
            "greeting": .string("Moin"), "open_files": .integer(7), "is_loud": .bool(true), "ratio": .number(2.5),
            "poll_interval": .duration(1_500_000_000), "contact": .string("me"),
            "peers": .list([.address("a:1"), .address("[::1]:2")]), "colour": .word("red"), "token": .string("s"),
            "upstream": .url("https://example.com/"), "cache.memory": .bytes(4096), "cache.small": .bytes(7),
        ])
        try host.start()
        let answer = host.exchange(FakeRequest("/options"), with: "front")
        #expect(
            answer.text
                == "Moin 7 true 2.5 1.5 seconds /srv me a:1,[::1]:2 red s https://example.com/ 4096 7")
    }

    @Test func defaultsHoldWhereTheHostHasNoValue() throws {
        let host = host()
        try host.start()
        let answer = host.exchange(FakeRequest("/options"), with: "front")
        #expect(answer.text == "Hi \"you\"\n 1024 false 0.5 90.5 seconds /srv -  green - - 67108864 1000")
    }

    @Test(
        arguments: [
            ("root", Setting.string("/srv")), ("root", .path("a\0b")), ("root", .unknown), ("greeting", .notUTF8),
            ("open_files", .string("7")), ("colour", .word("blue")), ("peers", .list([.string("a:1")])),
            ("peers", .list([.list([])])), ("peers", .list([.address("nonsense")])), ("poll_interval", .duration(-1)),
            ("cache.memory", .bytes(-1)), ("is_loud", .integer(1)), ("ratio", .integer(1)),
        ] as [(String, Setting)])
    func valueThatDoesNotFitIsAnErrorNamingTheOption(_ name: String, _ setting: Setting) throws {
        let failure = try failureOfPrepare([name: setting])
        #expect(failure.status == MUSTER_CONFIGURATION)
        #expect(failure.option == name)
    }

    @Test func listWithoutMemoryIsEmpty() throws {
        let host = host(["peers": .emptyList(claims: 1_000_000)])
        try host.start()
    }

    @Test func missingRequiredOptionIsAnError() throws {
        let host = FakeHost(PluginEntry.manifest(of: Sampler.self))
        try host.create()
        let failure = #expect(throws: FakeHost.Failure.self) { try host.prepare() }
        #expect(failure?.option == "root")
    }

    private func failureOfPrepare(_ settings: [String: Setting]) throws -> FakeHost.Failure {
        let host = host(settings)
        try host.create()
        defer { host.destroy() }
        return try #require(#expect(throws: FakeHost.Failure.self) { try host.prepare() })
    }
}

@Suite struct BrokenHostTests {
    private func host(missing: Set<String> = []) -> FakeHost {
        FakeHost(PluginEntry.manifest(of: Sampler.self), settings: ["root": .path("/srv")], missing: missing)
    }

    @Test func hostTableThatIsTooShortIsRefused() throws {
        let host = host()
        host.alterHost { $0.struct_size = UInt32(MUSTER_HOST_SIZE_1_0) - 8 }
        #expect(throws: FakeHost.Failure.self) { try host.create() }
    }

    @Test func hostOfAnotherMajorIsRefused() throws {
        let host = host()
        host.alterHost { $0.abi_major = 2 }
        let failure = #expect(throws: FakeHost.Failure.self) { try host.create() }
        #expect(failure?.status == MUSTER_UNSUPPORTED)
    }

    @Test func hostWithoutARequiredFunctionIsRefused() throws {
        let host = host()
        host.alterHost { $0.log = nil }
        #expect(throws: FakeHost.Failure.self) { try host.create() }
    }

    @Test func createRefusesNothingAtAll() {
        let manifest = PluginEntry.manifest(of: Sampler.self)
        #expect(manifest.pointee.create?(manifest.pointee.context, nil, nil, nil) == MUSTER_INVALID)
        var component: UnsafePointer<muster_component>?
        #expect(manifest.pointee.create?(manifest.pointee.context, nil, &component, nil) == MUSTER_UNSUPPORTED)
        #expect(manifest.pointee.create?(nil, nil, &component, nil) == MUSTER_INVALID)
        #expect(component == nil)
    }

    @Test(arguments: [0, 1, 7])
    func serverTableThatIsTooShortCountsAsMissing(_ cut: UInt32) throws {
        let host = host()
        host.alter(MUSTER_EXT_HTTP_SERVER, muster_http_server.self) {
            $0.struct_size = cut == 0 ? 0 : UInt32(MUSTER_HTTP_SERVER_SIZE_1_0) - cut
        }
        try host.create()
        let failure = #expect(throws: FakeHost.Failure.self) { try host.prepare() }
        #expect(failure?.status == MUSTER_UNSUPPORTED)
        #expect(failure?.message.contains("muster.http-server/1") == true)
    }

    @Test func serverWithoutAFunctionCountsAsMissing() throws {
        let host = host()
        host.alter(MUSTER_EXT_HTTP_SERVER, muster_http_server.self) { $0.respond_file = nil }
        try host.create()
        #expect(throws: FakeHost.Failure.self) { try host.prepare() }
    }

    @Test func optionsWithoutFindAreRefused() throws {
        let host = host()
        host.alterOptions { $0.find = nil }
        try host.create()
        #expect(throws: FakeHost.Failure.self) { try host.prepare() }
    }

    @Test func shortErrorStructureIsNotOverrun() throws {
        let manifest = PluginEntry.manifest(of: Sampler.self)
        // Guarded by bytes that must stay as they are.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 2048, alignment: 8)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0xAA, count: 2048)
        let error = memory.assumingMemoryBound(to: muster_error.self)
        error.pointee.struct_size = 16
        var component: UnsafePointer<muster_component>?
        _ = manifest.pointee.create?(manifest.pointee.context, nil, &component, error)
        #expect(UnsafeRawBufferPointer(start: memory + 8, count: 2040).allSatisfy { $0 == 0xAA })
    }

    @Test func nullContextsAndArgumentsDoNotTrap() throws {
        let host = host()
        try host.start()
        let component = try #require(host.component).pointee
        #expect(component.prepare?(nil, nil, nil) == MUSTER_INVALID)
        #expect(component.activate?(nil, muster_bytes(data: nil, length: 5), nil) == MUSTER_INVALID)
        component.stop?(nil)
        component.destroy?(nil)
        #expect(component.get_extension?(component.context, muster_string(data: nil, length: 9)) == nil)
        #expect(component.release?(component.context, nil, nil) == MUSTER_FAILED)
    }

    @Test func longErrorIsCutBetweenCharacters() throws {
        #expect(String(repeating: "ü", count: 700).utf8.count > 1024)
        let host = FakeHost(PluginEntry.manifest(of: Verbose.self))
        try host.create()
        let failure = try #require(#expect(throws: FakeHost.Failure.self) { try host.prepare() })
        #expect(failure.message == String(repeating: "ü", count: 511))
    }

    private final class Verbose: Plugin {
        static let description = PluginDescription(
            id: "org.muster.test.verbose", name: "Verbose", version: "1.0.0", summary: "Tests.", vendor: "Muster",
            licence: "MIT")

        init(options: NoOptions, host: Host) throws { throw PluginError(String(repeating: "ü", count: 700)) }
    }
}
