import Configuration
import ControlProtocol
import Glibc
public import PluginManifest

/// A plugin's file where the host would look for it.
public struct FoundPlugin: Codable, Equatable, Sendable {
    /// The component's name it would be found under: `UpdateDistributor` of `libUpdateDistributor.so`.
    public var name: String
    public var path: String
    /// Why the host would not load it; nil where it would.
    public var problem: String?
}

/// Why a plugin could not be described, as a sentence for the operator.
public struct DescriptionFailure: Error, CustomStringConvertible, Sendable {
    public var description: String
}

extension Host {
    /// The plugins beside the executable and in the plugin directories: those of the configuration where one is named
    /// and can be read, otherwise the default one.
    public static func findPlugins(configurationPath: String?) -> [FoundPlugin] {
        let settings = configurationPath.flatMap { path in
            try? ConfigurationReader.read(path: path, environment: Environment.read()).get()
        }
        let directories = settings?.host.pluginDirectories.map(\.value) ?? ["/usr/lib/muster/plugins"]
        let finder = PluginFinder(executable: Files.executablePath(), pluginDirectories: directories)
        return finder.all().map { name, path in
            var problem: String?
            do throws(Refusal) { _ = try TrustedFile(path) } catch { problem = error.reason }
            return FoundPlugin(name: name, path: path, problem: problem)
        }
    }

    /// What a plugin says of itself, read by a worker that is started for it and ended.
    ///
    /// - Parameter pluginPath: a file, or the name of a component whose plugin is looked for as `findPlugins` does.
    public static func describe(pluginPath: String) throws(DescriptionFailure) -> Manifest {
        do throws(Refusal) {
            let found =
                pluginPath.utf8.contains(UInt8(ascii: "/"))
                ? nil
                : findPlugins(configurationPath: nil).first {
                    $0.name == pluginPath || Files.name(of: $0.path) == pluginPath
                }
            let path = found?.path ?? Files.absolute(pluginPath)
            guard access(path, R_OK) == 0 else {
                throw Refusal(reason: "cannot read \(path): \(SystemError.sentence(errno))")
            }
            return try PluginProbe(path: path, environment: Environment.read()).run()
        } catch {
            throw DescriptionFailure(description: error.reason)
        }
    }
}
