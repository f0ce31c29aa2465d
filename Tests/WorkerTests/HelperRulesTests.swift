@testable import Worker
import CLinux
import ControlProtocol
import Testing

@Suite struct HelperRulesTests {
    private let rules = HelperRules(
        hostLibraryFolders: ["/opt/swift/lib"], loader: "/lib64/ld.so", rootEntries: ["etc", "home", "proc", "usr"])

    private func plan(reads: Bool = false, writes: Bool = false) -> HelperPlan {
        HelperPlan(
            program: "p", arguments: [], environment: [:], privileges: Privileges(), readsFiles: reads,
            writesState: writes, stateDirectory: "/state/App", mayLack: [])
    }

    private func rights(_ path: String, _ plan: HelperPlan) -> UInt64 {
        rules.rules(for: plan).filter { $0.path == path }.reduce(0) { $0 | $1.rights }
    }

    @Test func helperWithNoNeedsReadsLibrariesAndWritesNowhereButToNull() {
        let all = rules.rules(for: plan())
        #expect(rights("/usr/lib", plan()) == HelperRule.read)
        #expect(rights("/opt/swift/lib", plan()) == HelperRule.read)
        #expect(all.filter { $0.rights & CLINUX_LANDLOCK_WRITE_FILE != 0 }.map(\.path) == ["/dev/null"])
        #expect(!all.contains { $0.path == "/etc" || $0.path == "/home" || $0.path == "/" || $0.path == "/state/App" })
    }

    @Test func onlyTheLoaderIsExecutableBesideTheProgram() {
        for plan in [plan(), plan(reads: true), plan(writes: true), plan(reads: true, writes: true)] {
            let executable = rules.rules(for: plan).filter { $0.rights & CLINUX_LANDLOCK_EXECUTE != 0 }
            #expect(executable.map(\.path) == ["/lib64/ld.so"])
        }
    }

    @Test func readerReadsAllBesideProcByName() {
        #expect(rights("/etc", plan(reads: true)) == HelperRule.read)
        #expect(rights("/home", plan(reads: true)) == HelperRule.read)
        #expect(rights("/proc", plan(reads: true)) == 0)
        // A rule for the root would be one for /proc.
        #expect(rights("/", plan(reads: true)) == 0)
    }

    @Test func writerMakesNeitherDevicesNorSockets() {
        let rights = rights("/state/App", plan(writes: true))
        #expect(rights & CLINUX_LANDLOCK_WRITE_FILE != 0 && rights & CLINUX_LANDLOCK_MAKE_REG != 0)
        let refused =
            CLINUX_LANDLOCK_EXECUTE | CLINUX_LANDLOCK_MAKE_CHAR | CLINUX_LANDLOCK_MAKE_BLOCK | CLINUX_LANDLOCK_MAKE_SOCK
        #expect(rights & refused == 0)
    }

    /// The rights of linux/landlock.h by version: what a version does not know must not be asked of it.
    @Test(arguments: [
        (0, 0, 0, 0), (1, 13, 0, 0), (2, 14, 0, 0), (3, 15, 0, 0), (4, 15, 2, 0), (5, 16, 2, 0), (6, 16, 2, 2),
    ])
    func rulesetHandlesAllThatAVersionKnows(version: Int32, files: Int, network: Int, scoped: Int) {
        let handled = clinux_landlock_handles(version)
        #expect(handled.files == (1 << UInt64(files)) - 1)
        #expect(handled.network == (1 << UInt64(network)) - 1)
        #expect(handled.scoped == (1 << UInt64(scoped)) - 1)
    }

    @Test func versionNewerThanThisCodeIsTakenForTheNewestItKnows() {
        #expect(clinux_landlock_handles(99).files == clinux_landlock_handles(CLINUX_LANDLOCK_NEWEST).files)
        #expect(clinux_landlock_handles(-38).files == 0)
    }

    @Test func librariesOfThisProcessHaveFoldersAndALoader() {
        let current = HelperRules.current()
        #expect(current.loader?.contains("ld-") == true)
        #expect(!current.hostLibraryFolders.isEmpty)
        #expect(current.hostLibraryFolders.allSatisfy { $0.hasPrefix("/") && $0 != "/" })
        #expect(current.rootEntries.contains("proc") && !current.rootEntries.contains(".."))
    }
}
