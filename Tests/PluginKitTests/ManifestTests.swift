import MusterABI
import PluginKit
import PluginTesting
import Testing

@Suite struct ManifestTests {
    private let manifest = PluginEntry.manifest(of: Sampler.self)

    @Test func entryReturnsTheSameConstantEachTime() {
        #expect(PluginEntry.manifest(of: Sampler.self) == manifest)
        #expect(PluginEntry.manifest(of: Streamer.self) != manifest)
    }

    @Test func manifestSaysWhatTheTypeDeclares() {
        #expect(manifest.pointee.struct_size == UInt32(MUSTER_PLUGIN_SIZE_1_0))
        #expect(manifest.pointee.abi_major == 1)
        #expect(String(manifest.pointee.id) == "org.muster.test.sampler")
        #expect(String(manifest.pointee.name) == "Sampler")
        #expect(String(manifest.pointee.version) == "1.2.3")
        #expect(String(manifest.pointee.url) == "")
        #expect(manifest.pointee.create != nil)
        let needed = UnsafeBufferPointer(
            start: manifest.pointee.required_extensions, count: manifest.pointee.required_extension_count)
        #expect(needed.map { String($0) } == ["muster.http-server/1", "muster.listener/1", "muster.timer/1"])
        let capabilities = UnsafeBufferPointer(
            start: manifest.pointee.required_capabilities, count: manifest.pointee.required_capability_count)
        #expect(capabilities.map { String($0) } == ["CAP_DAC_READ_SEARCH"])
    }

    @Test func listenersCarryTransportAndPort() throws {
        let specs = UnsafeBufferPointer(start: manifest.pointee.listeners, count: manifest.pointee.listener_count)
        #expect(specs.count == 2)
        let front = try #require(specs[0])
        #expect(String(front.pointee.name) == "front")
        #expect(front.pointee.transport == MUSTER_TRANSPORT_HTTP)
        #expect(front.pointee.port == 50099)
        #expect(String(front.pointee.help) == "Answers.")
        #expect(specs[1]?.pointee.transport == MUSTER_TRANSPORT_RAW)
    }

    @Test func optionsAreDeclaredWithNamesTypesDefaultsAndBounds() throws {
        let options = try declared()
        #expect(
            options.map(\.name) == [
                "greeting", "open_files", "is_loud", "ratio", "poll_interval", "root", "contact", "peers", "colour",
                "token", "upstream", "cache.memory", "cache.small",
            ])
        let byName = Dictionary(uniqueKeysWithValues: options.map { ($0.name, $0) })
        #expect(byName["greeting"]?.defaultValue == #""Hi \"you\"\n""#)
        #expect(byName["greeting"]?.bounds == ["1", "20"])
        #expect(byName["open_files"]?.defaultValue == "1024")
        #expect(byName["open_files"]?.bounds == ["1", "65536"])
        #expect(byName["open_files"]?.unit == "files")
        #expect(byName["poll_interval"]?.defaultValue == "1m30s500ms")
        #expect(byName["poll_interval"]?.bounds == ["1s", "1h"])
        #expect(byName["root"]?.flags == MUSTER_OPTION_REQUIRED)
        #expect(byName["root"]?.type == MUSTER_TYPE_PATH)
        #expect(byName["contact"]?.flags == 0)
        #expect(byName["contact"]?.defaultValue == "")
        #expect(byName["token"]?.flags == MUSTER_OPTION_SECRET)
        #expect(byName["peers"]?.type == MUSTER_TYPE_LIST)
        #expect(byName["peers"]?.item == MUSTER_TYPE_ADDRESS)
        #expect(byName["peers"]?.defaultValue == "[]")
        #expect(byName["colour"]?.choices == ["red", "green"])
        #expect(byName["colour"]?.defaultValue == "\"green\"")
        #expect(byName["cache.memory"]?.defaultValue == "64MiB")
        #expect(byName["cache.small"]?.defaultValue == "1000")
        #expect(byName["upstream"]?.type == MUSTER_TYPE_URL)
    }

    private struct Declared {
        var name: String
        var type: muster_type
        var item: muster_type
        var flags: UInt32
        var defaultValue: String
        var bounds: [String]
        var unit: String
        var choices: [String]
    }

    private func declared() throws -> [Declared] {
        let options = UnsafeBufferPointer(start: manifest.pointee.options, count: manifest.pointee.option_count)
        return try options.map { option in
            let option = try #require(option).pointee
            #expect(option.struct_size == UInt32(MUSTER_OPTION_SIZE_1_0))
            #expect(String(option.help).hasSuffix("."))
            return Declared(
                name: String(option.name), type: option.type, item: option.item_type, flags: option.flags,
                defaultValue: String(option.default_value), bounds: [String(option.minimum), String(option.maximum)],
                unit: String(option.unit),
                choices: UnsafeBufferPointer(start: option.choices, count: option.choice_count).map { String($0) })
        }
    }
}

@Suite struct OptionTextTests {
    @Test(
        arguments: [
            (Duration.zero, "0s"), (.seconds(5400), "1h30m"), (.milliseconds(250), "250ms"), (.seconds(604_800), "7d"),
            (.microseconds(1500), "1ms500us"), (.seconds(-5), "0s"),
        ])
    func durationsAreWrittenAsTheOperatorWould(_ duration: Duration, _ text: String) {
        #expect(duration.optionText == text)
    }

    @Test(
        arguments: [
            (ByteCount.bytes(0), "0"), (.bytes(512), "512"), (.kibibytes(64), "64KiB"), (.bytes(1025), "1025"),
            (.gibibytes(2), "2GiB"),
        ])
    func byteCountsAreWrittenInTheGreatestUnit(_ count: ByteCount, _ text: String) {
        #expect(count.optionText == text)
    }

    @Test func textsAreQuotedForYAML() {
        #expect("a\\b\u{1}${X}ü".optionText == #""a\\b\x01\x24{X}ü""#)
        #expect(["a", "b"].optionText == #"["a", "b"]"#)
    }

    @Test(arguments: ["", ":", "host", "host:", "host:x", "host:65536", "a:b:1", "[::1]", "[::1:1", ":80"])
    func wrongAddressesAreRefused(_ text: String) {
        #expect(HostAndPort(text) == nil)
    }

    @Test func addressesAreTakenApart() {
        #expect(HostAndPort("[2001:db8::7]:514")?.host == "2001:db8::7")
        #expect(HostAndPort("localhost:80")?.port == 80)
        #expect(HostAndPort("[::1]:1")?.description == "[::1]:1")
    }
}
