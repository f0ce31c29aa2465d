/// A program that a plugin has the host start, sealed, with a socket to it: a helper. What it finds and may do is said in
/// `muster/ext/process.h`.
public struct HelperProgram: Sendable, Hashable {
    /// What a helper may do beyond nothing.
    public struct Needs: OptionSet, Sendable, Hashable {
        public let rawValue: UInt32

        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Read every file that its user may. Descriptor 4 is the root folder.
        public static let readsFiles = Self(rawValue: 1)
        /// Make, write and remove files below the component's state directory.
        public static let writesState = Self(rawValue: 2)
    }

    /// Unique in the plugin, lower-case.
    public let name: String
    /// The program's file name; it is looked for beside the plugin, then beside the host.
    public let program: String
    public let needs: Needs
    /// Linux capabilities it cannot do without, which the operator grants to helpers alone.
    public let capabilities: [String]
    /// One line that ends with a full stop.
    public let help: String

    public init(_ name: String, program: String, needs: Needs = [], capabilities: [String] = [], help: String) {
        self.name = name
        self.program = program
        self.needs = needs
        self.capabilities = capabilities
        self.help = help
    }
}
