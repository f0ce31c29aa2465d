import Configuration
import ControlProtocol
import Glibc
import PluginManifest
import Testing

@testable import Supervisor

@Suite struct StageTests {
    private let folder: TemporaryFolder
    private let stage: Stage

    init() throws {
        folder = try TemporaryFolder()
        let data = DataDirectory(path: folder.path + "/data")
        try data.create(for: nil)
        stage = Stage(context: Stage.Context(environment: [:]), data: data)
        for name in ["A", "B"] { _ = try folder.file("plugins/lib\(name).so", "code of \(name)") }
    }

    private func manifest(capabilities: [String] = [], helpers: [HelperDeclaration] = []) -> Manifest {
        Manifest(
            id: "org.example.a", name: "A", version: "1.0.0", summary: "A.", vendor: "V", licence: "MIT",
            url: "https://example.org", abi: ABIVersion(major: 1, minor: 0),
            listeners: [ListenerDeclaration(name: "main", transport: .http, port: 8080, help: "Main.")],
            options: [
                OptionDeclaration(name: "greeting", type: .string, defaultValue: "hello", help: "What to say.")
            ], requiredCapabilities: capabilities, helpers: helpers)
    }

    private func settings(_ components: String, host: String = "") throws -> Settings {
        let text = "host:\n  plugin_dirs: [\(folder.path)/plugins]\n\(host)components:\n\(components)"
        return try ConfigurationReader.read(
            text: [UInt8](text.utf8), path: folder.path + "/config.yaml", environment: [:]
        ).get()
    }

    private func problems(_ components: String, host: String = "") throws -> [String] {
        switch stage.stage(try settings(components, host: host)) {
        case .success: []
        case .failure(let failure): failure.diagnostics
        }
    }

    /// Stages, and tells the stage what the plugins are, as their workers would.
    private func staged(_ components: String, host: String = "", _ manifest: Manifest? = nil) throws -> Proposal {
        let proposal = try stage.stage(try settings(components, host: host)).get()
        for plugin in proposal.units.flatMap(\.plugins) {
            stage.note(manifest ?? self.manifest(), digest: plugin.digest)
        }
        return proposal
    }

    private func wrong(_ resolution: Resolution?) -> [String] {
        if case .wrong(let texts) = resolution { texts } else { [] }
    }

    @Test func aComponentIsAUnitOfItsOwn() throws {
        let proposal = try staged("  A: {}\n  B: {}\n")
        #expect(proposal.units.map(\.name) == ["A", "B"])
        #expect(proposal.units.allSatisfy { $0.resolved == nil })
        #expect(try Files.status(folder.path + "/data/components/A").st_mode & 0o777 == 0o700)
    }

    @Test func disabledComponentsAreNoUnits() throws {
        #expect(try staged("  A: {}\n  B: {enabled: false}\n").units.map(\.name) == ["A"])
    }

    @Test func theMetricsWorkerIsAUnitWithoutAPluginThatIsResolvedAtOnce() throws {
        let metrics = "  metrics: {listen: \"127.0.0.1:0\"}\n"
        let unit = try #require(try staged("  A: {}\n", host: metrics).units.last)
        #expect(unit.name == "metrics" && unit.loopCount == 1)
        #expect(unit.plugins.first?.builtIn == .metrics && unit.plugins.first?.copyPath == "")
        #expect(unit.resolved?.first?.addresses["metrics"]?.map(\.description) == ["127.0.0.1:0"])
        #expect(access(folder.path + "/data/components/metrics", F_OK) != 0)
        // Where all share one worker, it has one of its own still.
        let shared = try staged("  A: {}\n", host: "  isolation: shared\n" + metrics)
        #expect(shared.units.map(\.name) == ["shared", "metrics"])
        #expect(shared.units.first?.components == ["A"])
    }

    @Test func thePortOfTheMetricsIsOneThatComponentsRunInto() throws {
        let proposal = try staged("  A: {}\n")
        _ = stage.resolve(proposal: proposal.id, units: proposal.units)
        let texts = try problems("  A: {}\n", host: "  metrics: {listen: \"127.0.0.1:8080\"}\n")
        #expect(texts.count == 1)
        #expect(texts.first?.contains("config.yaml:3:21: error: host.metrics cannot listen on 127.0.0.1:8080") == true)
    }

    @Test func sharedIsolationIsOneUnit() throws {
        let proposal = try staged("  A: {}\n  B: {}\n", host: "  isolation: shared\n")
        #expect(proposal.units.map(\.name) == ["shared"])
        #expect(proposal.units.first?.components == ["A", "B"])
    }

    @Test func everyMissingPluginIsToldWithItsPlace() throws {
        let texts = try problems("  X: {}\n  Y: {plugin: /nonexistent/libY.so}\n")
        #expect(texts.count == 2)
        #expect(texts.first?.contains("config.yaml:4:3: error: no plugin for X: there is no libX.so") == true)
        #expect(texts.last?.contains("config.yaml:5:3: error: no plugin for Y") == true)
    }

    @Test func optionsAreCheckedAsSoonAsTheManifestIsKnown() throws {
        let proposal = try staged("  A: {config: {greeting: hi}}\n")
        let resolutions = stage.resolve(proposal: proposal.id, units: proposal.units)
        guard case .plans(let plans) = resolutions["A"] else { throw SystemError("resolving A", number: EINVAL) }
        #expect(plans.first?.plan.options == ["greeting": .string("hi")])
        #expect(plans.first?.addresses["main"]?.map(\.description) == ["[::]:8080"])
        // Read again, the plugin is known and so is what is wrong, before any worker is started.
        #expect(try problems("  A: {config: {greting: hi}}\n").first?.contains("greting") == true)
    }

    @Test func aSecondReadingOfTheSameAsksForTheSame() throws {
        let first = try staged("  A: {config: {greeting: hi}}\n")
        let resolutions = stage.resolve(proposal: first.id, units: first.units)
        guard case .plans(let plans) = resolutions["A"], var running = first.units.first else {
            throw SystemError("resolving A", number: EINVAL)
        }
        running.resolved = plans
        let again = try staged("  # a remark\n  A: {config: {greeting: hi}}\n").units.first
        #expect(again?.asksForTheSame(as: running) == true)
        let changed = try staged("  A: {config: {greeting: ho}}\n").units.first
        #expect(changed?.asksForTheSame(as: running) == false)
        #expect(changed?.difference(from: running) == "options changed")
        let moved = try staged("  A: {config: {greeting: hi}, listen: {main: \"127.0.0.1:8081\"}}\n").units.first
        #expect(moved?.difference(from: running) == "listeners changed")
        _ = try folder.file("plugins/libA.so", "newer code of A")
        let replaced = try staged("  A: {config: {greeting: hi}}\n").units.first
        #expect(replaced?.difference(from: running) == "plugin changed")
    }

    @Test func twoComponentsOnOnePortAreWrongWhicheverIsNew() throws {
        let proposal = try staged("  A: {}\n  B: {}\n")
        let both = stage.resolve(proposal: proposal.id, units: proposal.units)
        #expect(wrong(both["A"]).isEmpty)
        #expect(wrong(both["B"]).first?.contains("8080") == true)
        let again = try staged("  B: {}\n")
        _ = stage.resolve(proposal: again.id, units: again.units)
        #expect(try problems("  A: {}\n  B: {}\n").count == 1)
    }

    @Test func aCapabilityThatIsNotGrantedIsWrong() throws {
        let proposal = try staged("  A: {}\n", manifest(capabilities: ["CAP_DAC_READ_SEARCH"]))
        let resolutions = stage.resolve(proposal: proposal.id, units: proposal.units)
        #expect(wrong(resolutions["A"]).first?.contains("CAP_DAC_READ_SEARCH") == true)
    }

    @Test func aGrantThatTheHostDoesNotHaveTakesARestart() throws {
        stage.context.grantable = ["CAP_KILL"]
        #expect(try problems("  A: {grants: [CAP_SYS_TIME]}\n").first?.contains("takes a restart of the host") == true)
        #expect(try problems("  A: {grants: [CAP_KILL]}\n").isEmpty)
    }

    private static let elf = "\u{7F}ELF and so on"

    private func helper(_ program: String = "sweeper", capabilities: [String] = []) -> HelperDeclaration {
        HelperDeclaration(
            name: "sweep", program: program, readsFiles: true, capabilities: capabilities, help: "Sweeps.")
    }

    /// What is wrong with component A, whose plugin declares this helper.
    private func wrongHelper(_ helper: HelperDeclaration, _ component: String = "{}") throws -> String {
        switch stage.stage(try settings("  A: \(component)\n")) {
        case .failure(let failure): return failure.diagnostics.joined(separator: "\n")
        case .success(let proposal):
            for plugin in proposal.units.flatMap(\.plugins) {
                stage.note(manifest(helpers: [helper]), digest: plugin.digest)
            }
            let resolutions = stage.resolve(proposal: proposal.id, units: proposal.units)
            return wrong(resolutions["A"]).joined(separator: "\n")
        }
    }

    @Test func aHelpersProgramIsFoundBesideThePluginThenBesideTheHost() throws {
        stage.context.executable = folder.path + "/bin/muster"
        let text = try wrongHelper(helper())
        #expect(text.contains("config.yaml:4:3: error: the helper 'sweep' of A: there is no sweeper in"))
        #expect(text.contains("\(folder.path)/plugins, \(folder.path)/bin;"))
        _ = try folder.file("bin/sweeper", Self.elf + " beside the host", mode: 0o755)
        #expect(try wrongHelper(helper()).isEmpty)
        let besideHost = stage.configurations.values.compactMap { $0.helpers["A"]?.first?.copy }
        _ = try folder.file("plugins/sweeper", Self.elf + " beside the plugin", mode: 0o755)
        let proposal = try staged("  A: {}\n", manifest(helpers: [helper()]))
        let besidePlugin = try #require(stage.configurations[proposal.id]?.helpers["A"]?.first?.copy)
        #expect(!besideHost.contains(besidePlugin))
        #expect(try Files.status(besidePlugin.path).st_mode & 0o777 == 0o555)
    }

    @Test func aHelpersProgramThatCouldNotBeExecutedIsWrong() throws {
        let path = try folder.file("plugins/sweeper", Self.elf, mode: 0o644)
        #expect(try wrongHelper(helper()).contains("is not executable; chmod +x \(path)"))
        chmod(path, 0o757)
        #expect(try wrongHelper(helper()).contains("is writable by others"))
        _ = try folder.file("plugins/sweeper", "#!/bin/sh\n", mode: 0o755)
        #expect(try wrongHelper(helper()).contains("is not a program in ELF"))
        _ = try folder.file("plugins/sweeper", "", mode: 0o755)
        #expect(try wrongHelper(helper()).contains("is not a program in ELF"))
    }

    @Test func aHelpersCapabilityIsGrantedToHelpersAlone() throws {
        _ = try folder.file("plugins/sweeper", Self.elf, mode: 0o755)
        let needy = helper(capabilities: ["CAP_DAC_READ_SEARCH"])
        #expect(try wrongHelper(needy).contains("grant it with 'helpers: {grants: [CAP_DAC_READ_SEARCH]}'"))
        // What the component has is not the helper's.
        #expect(!(try wrongHelper(needy, "{grants: [CAP_DAC_READ_SEARCH]}").isEmpty))
        let component = "{helpers: {grants: [CAP_DAC_READ_SEARCH], without: [landlock]}}"
        let proposal = try staged("  A: \(component)\n", manifest(helpers: [needy]))
        #expect(proposal.units.first?.privileges.capabilities == [])
        #expect(wrong(stage.resolve(proposal: proposal.id, units: proposal.units)["A"]).isEmpty)
        #expect(stage.configurations[proposal.id]?.helpers["A"]?.first?.mayLack == [.landlock])
        stage.context.grantable = ["CAP_KILL"]
        #expect(try problems("  A: \(component)\n").contains { $0.contains("cannot be granted CAP_DAC_READ_SEARCH") })
    }

    @Test func aChangedProgramOrSettingOfHelpersIsAnotherPlan() throws {
        _ = try folder.file("plugins/sweeper", Self.elf, mode: 0o755)
        let manifest = manifest(helpers: [helper()])
        let first = try staged("  A: {}\n", manifest)
        guard case .plans(let plans) = stage.resolve(proposal: first.id, units: first.units)["A"],
            var running = first.units.first
        else { throw SystemError("resolving A", number: EINVAL) }
        running.resolved = plans
        #expect(try staged("  A: {}\n", manifest).units.first?.asksForTheSame(as: running) == true)
        let laxer = try staged("  A: {helpers: {without: [seccomp]}}\n", manifest).units.first
        #expect(laxer?.asksForTheSame(as: running) == false && laxer?.difference(from: running) == "helpers changed")
        _ = try folder.file("plugins/sweeper", Self.elf + " newer", mode: 0o755)
        let newer = try staged("  A: {}\n", manifest)
        #expect(newer.units.first?.difference(from: running) == "helpers changed")
        // Copies of programs go with the configurations that need them.
        let copies = try Files.names(in: stage.store.directory).count
        stage.retain([newer.id], keeping: [])
        #expect(try Files.names(in: stage.store.directory).count == copies - 1)
        #expect(stage.configurations[newer.id]?.helpers["A"].map { access($0[0].copy.path, X_OK) } == 0)
    }

    @Test func thePortOffsetMovesEveryPortButTheFreeOne() throws {
        stage.context.portOffset = 1000
        let proposal = try staged("  A: {listen: {main: [\"127.0.0.1:8080\", \"127.0.0.1:0\"]}}\n")
        guard case .plans(let plans) = stage.resolve(proposal: proposal.id, units: proposal.units)["A"] else {
            throw SystemError("resolving A", number: EINVAL)
        }
        #expect(plans.first?.addresses["main"]?.map(\.port) == [9080, 0])
        stage.context.portOffset = 60_000
        #expect(
            wrong(stage.resolve(proposal: proposal.id, units: proposal.units)["A"]).first?.contains("come to no port")
                == true)
    }

    @Test func aPluginsFailureIsToldAtTheOptionItBlames() throws {
        let proposal = try staged("  A:\n    config:\n      greeting: hi\n")
        let failure = WorkerFailure(
            component: "A", stage: .prepare, message: "too short", option: "greeting", isConfiguration: true)
        let text = stage.diagnostic(failure, unit: proposal.units[0], proposal: proposal.id)
        #expect(text?.contains("config.yaml:6:17: error: A: too short") == true)
    }

    @Test func aPluginIsSpokenOfByTheFileThatTheOperatorKnows() throws {
        let unit = try #require(try staged("  A: {}\n").units.first)
        let plugin = try #require(unit.plugins.first)
        #expect(plugin.copyPath != plugin.originPath)
        #expect(plugin.place?.hasSuffix("config.yaml:4:3") == true, "\(plugin)")
        #expect(unit.namingOrigins(in: "\(plugin.copyPath): wrong") == "\(plugin.originPath): wrong")
    }

    @Test func pinnedPluginsAreTakenInsteadOfWhatIsFound() throws {
        let first = try staged("  A: {}\n")
        let old = try #require(first.units.first?.plugins.first)
        _ = try folder.file("plugins/libA.so", "newer code of A")
        let pinned = try stage.stage(try settings("  A: {}\n"), pinned: ["A": old]).get()
        #expect(pinned.units.first?.plugins.first?.digest == old.digest)
        #expect(try stage.stage(try settings("  A: {}\n")).get().units.first?.plugins.first?.digest != old.digest)
    }

    @Test func copiesOfConfigurationsThatAreGoneAreRemovedAndOthersKept() throws {
        let first = try staged("  A: {}\n")
        _ = try folder.file("plugins/libA.so", "newer code of A")
        let second = try staged("  A: {}\n")
        let digests = [first, second].compactMap { $0.units.first?.plugins.first?.digest }
        stage.retain([second.id], keeping: [])
        #expect(try Files.names(in: stage.store.directory) == [digests[1]])
        #expect(stage.configurations.keys.sorted() == [second.id])
    }
}
