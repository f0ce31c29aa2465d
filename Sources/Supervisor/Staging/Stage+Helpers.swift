import Configuration
import ControlProtocol
import Glibc
import PluginManifest

/// Finding, checking and copying the programs of helpers.
extension Stage {
    /// Stages the helpers that a component's plugin declares; answers what is wrong with them.
    func stageHelpers(
        of component: ComponentSettings, _ manifest: Manifest, _ plugin: PluginPlan,
        in configuration: StagedConfiguration
    ) -> [String] {
        var problems: [String] = []
        var staged: [StagedHelper] = []
        for declaration in manifest.helpers {
            do throws(Refusal) {
                try checkGrants(of: declaration, component)
                staged.append(
                    StagedHelper(
                        declaration: declaration, copy: try copyProgram(of: declaration, component, plugin),
                        mayLack: component.helpersMayLack.compactMap { HelperSeal(rawValue: $0.value) }))
            } catch {
                problems.append(
                    ConfigurationReader.diagnostic(
                        "the helper '\(declaration.name)' of \(component.name): \(error.reason)", in: component
                    ).description)
            }
        }
        configuration.helpers[component.name] = staged
        return problems
    }

    private func checkGrants(of helper: HelperDeclaration, _ component: ComponentSettings) throws(Refusal) {
        let granted = component.helperCapabilities.map(\.value)
        guard let missing = helper.capabilities.first(where: { !granted.contains($0) }) else { return }
        throw Refusal(
            reason: "it cannot work without \(missing); grant it with 'helpers: {grants: [\(missing)]}', and restart "
                + "the host")
    }

    private func copyProgram(
        of helper: HelperDeclaration, _ component: ComponentSettings, _ plugin: PluginPlan
    ) throws(Refusal) -> PluginStore.Copy {
        var folders = [Files.directory(of: plugin.originPath)]
        if let executable = context.executable.map(Files.directory), !folders.contains(executable) {
            folders.append(executable)
        }
        guard
            let path = folders.lazy.map({ folder -> String in "\(folder)/\(helper.program)" })
                .first(where: { access($0, F_OK) == 0 })
        else {
            throw Refusal(
                reason: "there is no \(helper.program) in \(folders.joined(separator: ", ")); install it beside the "
                    + "plugin, or set 'enabled: false'")
        }
        try checkProgram(path)
        return try store.stage(path)
    }

    /// Refuses what could not be executed: better now than when the component asks for it.
    private func checkProgram(_ path: String) throws(Refusal) {
        let file = try TrustedFile(path)
        let status: stat
        let magic: [UInt8]
        do throws(SystemError) {
            status = try Files.status(file.descriptor, path)
            magic = try Files.read(file.descriptor, atMost: 4, path)
        } catch {
            throw Refusal(reason: "\(error)")
        }
        guard status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH) != 0 else {
            throw Refusal(reason: "\(path) is not executable; chmod +x \(path)")
        }
        // A script would need its interpreter, and a sealed helper executes no second program.
        guard magic == [0x7F, 0x45, 0x4C, 0x46] else {
            throw Refusal(reason: "\(path) is not a program in ELF, the only kind that can be started sealed")
        }
    }
}
