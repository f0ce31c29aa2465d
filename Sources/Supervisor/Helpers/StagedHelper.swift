import ControlProtocol
import PluginManifest

/// A helper of a component as it is to be started: declared by its plugin, its program found, checked and copied, and
/// granted what it needs.
struct StagedHelper: Equatable, Sendable {
    var declaration: HelperDeclaration
    /// The immutable copy that is executed.
    var copy: PluginStore.Copy
    var mayLack: [HelperSeal]

    var name: String { declaration.name }
}
