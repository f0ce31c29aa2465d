@testable import Worker
import MusterABI
import PluginManifest
import Testing

@Suite struct ManifestReaderTests {
    private let tables = ManifestTables()

    /// The sentence that refuses the manifest, or empty where it was accepted.
    private func problem(
        offering extensions: [String] = HostExtensions.all, absence: @escaping (String) -> String? = { _ in nil }
    ) -> String {
        do throws(PluginProblem) {
            _ = try tables.read(offering: extensions, absence: absence)
            return ""
        } catch {
            return error.description
        }
    }

    @Test func readsAWholeManifest() throws {
        var listener = tables.listener("updates", port: 443)
        listener.transport = MUSTER_TRANSPORT_HTTPS
        listener.client_certificate = MUSTER_CLIENT_CERTIFICATE_OPTIONAL
        listener.help = tables.text("Serves.")
        tables.listeners = [listener]
        let choices = ArrayStorage([tables.text("red"), tables.text("green")])
        var option = tables.option("colour.front", MUSTER_TYPE_LIST)
        option.item_type = MUSTER_TYPE_ENUM
        option.choices = choices.pointer
        option.choice_count = 2
        option.flags = MUSTER_OPTION_SECRET
        option.default_value = tables.text("[red]")
        option.maximum = tables.text("3")
        tables.options = [option, tables.option("name")]
        tables.bus = [tables.busSpecification("definitions.activated", MUSTER_BUS_PUBLISHES)]
        tables.extensions = [tables.text(MUSTER_EXT_TIMER)]
        tables.capabilities = [tables.text("CAP_KILL")]
        let manifest = try tables.read().manifest
        withExtendedLifetime(choices) {}
        #expect(manifest.id == "org.example.test")
        #expect(manifest.abi == ABIVersion(major: 1, minor: 0))
        #expect(
            manifest.listeners == [
                ListenerDeclaration(
                    name: "updates", transport: .https, clientCertificate: .optional, port: 443, help: "Serves.")
            ])
        #expect(
            manifest.options.first
                == OptionDeclaration(
                    name: "colour.front", type: .list, itemType: .enum, isSecret: true, defaultValue: "[red]",
                    maximum: "3", help: "What it does.", choices: ["red", "green"]))
        #expect(manifest.bus == [BusDeclaration(role: .publishes, name: "definitions.activated", help: "")])
        #expect(manifest.requiredExtensions == ["muster.timer/1"])
        #expect(manifest.requiredCapabilities == ["CAP_KILL"])
    }

    @Test func refusesNULL() {
        #expect(throws: PluginProblem.self) { try ManifestReader().read(nil) }
    }

    @Test func refusesAnotherMajorInWordsForTheAuthor() {
        tables.plugin.abi_major = 2
        tables.plugin.abi_minor = 5
        #expect(problem().contains("built for ABI 2.5, and this host speaks 1.0"))
    }

    @Test func refusesAPluginThatNeedsANewerHost() {
        tables.plugin.abi_minor = 4
        tables.plugin.minimum_abi_minor = 3
        #expect(problem().contains("needs ABI 1.3 or newer"))
    }

    @Test func acceptsANewerPluginThatCanLiveWithThisHost() {
        tables.plugin.abi_minor = 4
        tables.plugin.struct_size += 64
        #expect(problem() == "")
    }

    @Test func readsNoFurtherThanTheSizeThatATableDeclares() throws {
        tables.plugin.struct_size = UInt32(MUSTER_PLUGIN_SIZE_1_0) - 1
        #expect(
            problem().contains(
                "struct_size is \(MUSTER_PLUGIN_SIZE_1_0 - 1), less than the \(MUSTER_PLUGIN_SIZE_1_0) bytes"))
        tables.plugin.struct_size = 0
        #expect(problem().contains("MUSTER_INIT(muster_plugin)"))
    }

    @Test func namesAMissingExtensionAndThoseThereAre() {
        tables.extensions = [tables.text("muster.moon/1")]
        #expect(problem().contains("requires the extension muster.moon/1"))
        #expect(problem().contains("muster.http-server/1"))
    }

    @Test func saysWhyAnExtensionIsNotOnThisMachine() {
        tables.extensions = [tables.text(MUSTER_EXT_TIMER), tables.text(MUSTER_EXT_HTTP_CLIENT)]
        let problem = problem(absence: { id in id == MUSTER_EXT_HTTP_CLIENT ? "install it" : nil })
        #expect(problem.contains("muster.http-client/1, which this host cannot offer: install it"))
    }

    @Test func readsEachExtensionIDWhole() {
        for id in ["muster.timer/1 ", "muster.timer/1\u{0}", "muster.timer/10", "muster.timer", "Muster.timer/1"] {
            tables.extensions = [tables.text(id)]
            #expect(problem() != "", "\(id)")
        }
    }

    /// Each a way to bend a sound manifest, and a part of the sentence that has to come of it.
    private static let faults: [(String, @Sendable (ManifestTables) -> Void)] = [
        ("create is NULL", { $0.plugin.create = nil }),
        ("id is empty", { $0.plugin.id = muster_string() }),
        ("id is 'test'", { $0.plugin.id = $0.text("test") }),
        ("name is empty", { $0.plugin.name = muster_string() }),
        ("version is '1.2'", { $0.plugin.version = $0.text("1.2") }),
        ("version is '01.2.3'", { $0.plugin.version = $0.text("01.2.3") }),
        ("summary has a line break", { $0.plugin.summary = $0.text("a\nb") }),
        ("vendor has the length 5 and no data", { $0.plugin.vendor = muster_string(data: nil, length: 5) }),
        (
            "url is 18446744073709551615 bytes",
            {
                $0.plugin.url.length = -1; $0.plugin.url.data = $0.plugin.id.data
            }
        ),
        ("licence is not UTF-8", { $0.plugin.licence = broken($0) }),
        ("minimum_abi_minor, 1, is above", { $0.plugin.minimum_abi_minor = 1 }),
        ("listeners has 33 elements", { tables in tables.alter = { $0.listener_count = 33 } }),
        ("options has 18446744073709551615 elements", { tables in tables.alter = { $0.option_count = -1 } }),
        (
            "bus is NULL, and its count is 1",
            { tables in
                tables.alter = {
                    $0.bus_count = 1; $0.bus = nil
                }
            }
        ),
        ("two called 'a'", { $0.listeners = [$0.listener("a"), $0.listener("a", port: 2)] }),
        ("both have the port 7", { $0.listeners = [$0.listener("a", port: 7), $0.listener("b", port: 7)] }),
        ("listeners[0].port is 0", { $0.listeners = [$0.listener("a", port: 0)] }),
        ("listeners[0].port is 65536", { $0.listeners = [$0.listener("a", port: 65536)] }),
        ("listeners[0].name is 'A'", { $0.listeners = [$0.listener("A")] }),
        (
            "listeners[0].transport is 9",
            {
                $0.listeners = [$0.listener("a")]; $0.listeners[0].transport = 9
            }
        ),
        (
            "client_certificate is 3",
            {
                $0.listeners = [$0.listener("a")]; $0.listeners[0].client_certificate = 3
            }
        ),
        (
            "only MUSTER_TRANSPORT_HTTPS",
            {
                $0.listeners = [$0.listener("a")]; $0.listeners[0].client_certificate = 1
            }
        ),
        (
            "listeners[0].struct_size is 55",
            {
                $0.listeners = [$0.listener("a")]; $0.listeners[0].struct_size = 55
            }
        ),
        ("options has two called 'a'", { $0.options = [$0.option("a"), $0.option("a")] }),
        ("'a.b' cannot be a group", { $0.options = [$0.option("a.b.c"), $0.option("a.b")] }),
        ("options[0].name is 'a..b'", { $0.options = [$0.option("a..b")] }),
        ("options[0].name is 'a-b'", { $0.options = [$0.option("a-b")] }),
        ("options[0] ('a').type is 12", { $0.options = [$0.option("a", 12)] }),
        ("item_type is 0", { $0.options = [$0.option("a", MUSTER_TYPE_LIST)] }),
        (
            "item_type is a list",
            {
                $0.options = [$0.option("a", MUSTER_TYPE_LIST)]; $0.options[0].item_type = 11
            }
        ),
        (
            "only a MUSTER_TYPE_LIST has items",
            {
                $0.options = [$0.option("a")]; $0.options[0].item_type = 1
            }
        ),
        (
            "flags has bits",
            {
                $0.options = [$0.option("a")]; $0.options[0].flags = 4
            }
        ),
        (
            "help is empty",
            {
                $0.options = [$0.option("a")]; $0.options[0].help = muster_string()
            }
        ),
        ("an enum needs them", { $0.options = [$0.option("a", MUSTER_TYPE_ENUM)] }),
        (
            "it would never be used",
            {
                $0.options = [$0.option("a")]
                $0.options[0].flags = MUSTER_OPTION_REQUIRED
                $0.options[0].default_value = $0.text("x")
            }
        ),
        ("bus[0].role is 5", { $0.bus = [$0.busSpecification("a", 5)] }),
        (
            "says that it serves 'host.status': names that begin with 'host.' are the host's own",
            { $0.bus = [$0.busSpecification("host.status")] }
        ),
        (
            "says that it publishes 'host.news': names that begin with 'host.' are the host's own",
            { $0.bus = [$0.busSpecification("host.news", MUSTER_BUS_PUBLISHES)] }
        ),
        ("says twice that it serves 'a'", { $0.bus = [$0.busSpecification("a"), $0.busSpecification("a")] }),
        ("names CAP_KILL twice", { $0.capabilities = [$0.text("CAP_KILL"), $0.text("CAP_KILL")] }),
        ("required_capabilities[0] is 'CAP_FLY'", { $0.capabilities = [$0.text("CAP_FLY")] }),
        ("names muster.work/1 twice", { $0.extensions = [$0.text(MUSTER_EXT_WORK), $0.text(MUSTER_EXT_WORK)] }),
    ]

    private static func broken(_ tables: ManifestTables) -> muster_string {
        var string = tables.text("éé")
        string.length = 3
        return string
    }

    @Test(arguments: faults.indices)
    func namesTheRuleThatIsBroken(_ index: Int) {
        let (expected, bend) = Self.faults[index]
        bend(tables)
        #expect(problem().contains(expected), "\(problem())")
    }

    @Test func readsHelpers() throws {
        let capabilities = ArrayStorage([tables.text("CAP_DAC_READ_SEARCH")])
        var sweeper = tables.process("sweeper")
        sweeper.flags = MUSTER_PROCESS_READS_FILES
        sweeper.capabilities = capabilities.pointer
        sweeper.capability_count = 1
        var writer = tables.process("state_writer", "writer_2.bin")
        writer.flags = MUSTER_PROCESS_WRITES_STATE
        tables.processes = [sweeper, writer]
        let helpers = try tables.read().manifest.helpers
        withExtendedLifetime(capabilities) {}
        #expect(
            helpers == [
                HelperDeclaration(
                    name: "sweeper", program: "muster-sweeper", readsFiles: true, capabilities: ["CAP_DAC_READ_SEARCH"],
                    help: "What it does."),
                HelperDeclaration(
                    name: "state_writer", program: "writer_2.bin", writesState: true, help: "What it does."),
            ])
    }

    @Test(arguments: ["", "/bin/sh", "../sh", ".hidden", "-flag", "two words", "a/b", "program\0", "naïve"])
    func refusesAProgramThatIsNotAFilesName(program: String) {
        tables.processes = [tables.process("sweeper", program)]
        #expect(problem().contains("processes[0].program"))
    }

    @Test func refusesHelpersThatAreTwiceOrAskForMoreThanThereIs() {
        tables.processes = [tables.process("sweeper"), tables.process("sweeper")]
        #expect(problem().contains("processes has two called 'sweeper'"))
        var greedy = tables.process("greedy")
        greedy.flags = 4
        tables.processes = [greedy]
        #expect(problem().contains("processes[0].flags is 4"))
        var small = tables.process("small")
        small.struct_size = 16
        tables.processes = [small]
        #expect(problem().contains("processes[0].struct_size is 16"))
        tables.processes = (0..<17).map { tables.process("helper_\($0)") }
        #expect(problem().contains("processes has 17 elements; 16 are allowed"))
    }

    @Test func refusesANullPointerInAnArray() {
        let pointers = ArrayStorage<UnsafePointer<muster_option>?>([nil])
        tables.alter = {
            $0.options = pointers.pointer
            $0.option_count = 1
        }
        #expect(problem().contains("options[0] is NULL"))
    }

    @Test(arguments: ["0.0.0", "1.2.3", "1.0.0-rc.1", "1.0.0+build.05", "10.20.30-a-b.0+x"])
    func acceptsSemanticVersions(_ version: String) { #expect(ManifestPatterns.isVersion(version)) }

    @Test(arguments: [
        "", "1", "1.2.3.4", "1.2.03", "1.0.0-", "1.0.0-01", "1.0.0+", "v1.0.0", "1.0.0-ä", "1..0", "-1.0.0",
    ])
    func refusesOtherVersions(_ version: String) { #expect(!ManifestPatterns.isVersion(version)) }
}
