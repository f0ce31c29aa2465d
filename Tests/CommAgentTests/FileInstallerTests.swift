import FoundationEssentials
import Testing
import UpdateTrust

@testable import CommAgent

@Suite struct FileInstallerTests {
    private func vendor(_ custom: [String: JSON] = [:]) throws -> Vendor {
        let vendor = try Vendor()
        try vendor.publish(
            Vendor.definitions("1").merging([
                "files/rules/a.yar": Array("rule a\n".utf8), "files/tool": Array("tool\n".utf8),
            ]) { $1 }, custom: custom)
        return vendor
    }

    private func installer(_ workstation: Workstation) throws -> FileInstaller {
        let allowed = workstation.folder + "/allowed"
        try FileManager.default.createDirectory(atPath: allowed, withIntermediateDirectories: true)
        return FileInstaller(
            rules: [try #require(FileInstaller.Rule("files/rules/* -> \(allowed)/rules"))], allowed: [allowed])
    }

    @Test func filesAreInstalledWhereTheOperatorOrTheTargetSays() async throws {
        let workstation = try Workstation()
        let vendor = try vendor(["files/tool": ["destination": .string(workstation.folder + "/allowed/bin/tool")]])
        workstation.transport.serve(vendor)
        let updater = try await workstation.process(vendor, installer: try installer(workstation))
        let outcome = await updater.check()
        #expect(outcome == .done)
        #expect(try workstation.content("allowed/rules/a.yar") == "rule a\n")
        #expect(try workstation.content("allowed/bin/tool") == "tool\n")
        #expect(try workstation.names("allowed/rules") == ["a.yar"])
        // What is there is not fetched again; what was changed is put back.
        workstation.transport.forget()
        _ = await updater.check()
        #expect(!workstation.transport.requests.contains { $0.contains("/targets/") })
        try Data("tampered\n".utf8).write(to: URL(filePath: workstation.folder + "/allowed/bin/tool"))
        _ = await updater.check()
        #expect(try workstation.content("allowed/bin/tool") == "tool\n")
    }

    @Test(arguments: [
        "FOLDER/elsewhere/tool", "FOLDER/allowed/../elsewhere/tool", "FOLDER/allowed-too/tool", "relative/tool",
        "FOLDER/allowed", "/",
    ]) func placeOutsideTheAllowedFoldersIsRefusedWhateverTheTargetSays(_ destination: String) async throws {
        let workstation = try Workstation()
        let wanted = destination.replacing("FOLDER", with: workstation.folder)
        let vendor = try vendor(["files/tool": ["destination": .string(wanted)]])
        workstation.transport.serve(vendor)
        let updater = try await workstation.process(vendor, installer: try installer(workstation))
        let outcome = await updater.check()
        #expect(outcome == .failed)
        #expect(await updater.standing().error?.cause == "unsafePath")
        #expect(try workstation.names("") == ["allowed", "definitions", "state"])
        // The others are not kept from their places, nor the definitions from theirs.
        #expect(try workstation.content("allowed/rules/a.yar") == "rule a\n")
        #expect(try workstation.version() == "1")
    }

    @Test func linkBelowAnAllowedFolderIsNotFollowed() async throws {
        let workstation = try Workstation()
        let vendor = try vendor()
        workstation.transport.serve(vendor)
        let installer = try installer(workstation)
        let files = FileManager.default
        try files.createDirectory(atPath: workstation.folder + "/outside", withIntermediateDirectories: true)
        try files.createSymbolicLink(
            atPath: workstation.folder + "/allowed/rules", withDestinationPath: workstation.folder + "/outside")
        let updater = try await workstation.process(vendor, installer: installer)
        let outcome = await updater.check()
        #expect(outcome == .failed)
        #expect(try workstation.names("outside") == [])
        // A link in the file's own place is replaced, and what it leads to stays.
        try files.removeItem(atPath: workstation.folder + "/allowed/rules")
        try files.createDirectory(atPath: workstation.folder + "/allowed/rules", withIntermediateDirectories: true)
        try Data("outside\n".utf8).write(to: URL(filePath: workstation.folder + "/outside/a"))
        try files.createSymbolicLink(
            atPath: workstation.folder + "/allowed/rules/a.yar", withDestinationPath: workstation.folder + "/outside/a")
        let second = await updater.check()
        #expect(second == .done)
        #expect(try workstation.content("outside/a") == "outside\n")
        #expect(try workstation.content("allowed/rules/a.yar") == "rule a\n")
    }

    @Test func withoutARuleOrAWishNothingIsInstalled() async throws {
        let workstation = try Workstation()
        let vendor = try vendor()
        workstation.transport.serve(vendor)
        let outcome = await (try workstation.process(vendor)).check()
        #expect(outcome == .done)
        #expect(!workstation.transport.requests.contains { $0.hasSuffix(".tool") || $0.hasSuffix(".a.yar") })
    }

    @Test func rulesAreReadOrRefused() {
        #expect(FileInstaller.Rule("files/* -> /opt/x")?.folder == "/opt/x")
        for text in ["", "files/*", "files/* -> opt", "files/* => /opt", "a b -> /opt"] {
            #expect(FileInstaller.Rule(text) == nil, "\(text)")
        }
    }
}
