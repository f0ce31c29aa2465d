/// What a component asks the supervisor for: to start a helper that its plugin declares.
public struct HelperRequest: Codable, Equatable, Sendable {
    public var component: String
    /// The worker's number for it: never 0, never used again by the component.
    public var number: UInt64
    /// The helper's name in the manifest.
    public var name: String
    /// What follows the program's name on its command line.
    public var arguments: [String]

    public init(component: String, number: UInt64, name: String, arguments: [String]) {
        self.component = component
        self.number = number
        self.name = name
        self.arguments = arguments
    }
}

/// What bounds helpers and what is asked of them. The worker keeps to it, and the supervisor checks.
public enum HelperLimits {
    /// Helpers of one component at a time.
    public static let count = 16
    public static let arguments = 64
    /// Of all arguments together, a byte for the end of each included.
    public static let argumentBytes = 32 << 10

    /// Whether a helper may be started with these arguments.
    public static func allow(_ arguments: [String]) -> Bool {
        guard arguments.count <= Self.arguments else { return false }
        let size = arguments.reduce(0) { $0 + $1.utf8.count + 1 }
        return size <= argumentBytes && !arguments.contains { $0.utf8.contains(0) }
    }
}

/// How a helper ended.
public enum HelperEnding: Codable, Equatable, Sendable {
    case exited(Int32)
    /// By the signal of this number.
    case signalled(Int32)
}

/// What of the kernel seals helpers.
public enum HelperSeal: String, Codable, Equatable, Sendable, CaseIterable {
    case landlock, seccomp
}

/// All that the process `muster helper` learns before it seals itself and becomes the helper: the only frame it reads.
/// With it come two descriptors: the folder of the program's copy, and the helper's end of its socket.
public struct HelperPlan: Codable, Equatable, Sendable {
    /// The file in the folder, and the first word of the command line.
    public var program: String
    public var arguments: [String]
    public var environment: [String: String]
    public var privileges: Privileges
    /// May read every file that its user may.
    public var readsFiles: Bool
    /// May write below the state directory.
    public var writesState: Bool
    /// The component's own directory.
    public var stateDirectory: String
    /// What the operator lets it start without, where the kernel lacks it.
    public var mayLack: [HelperSeal]

    public init(
        program: String, arguments: [String], environment: [String: String], privileges: Privileges, readsFiles: Bool,
        writesState: Bool, stateDirectory: String, mayLack: [HelperSeal]
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.privileges = privileges
        self.readsFiles = readsFiles
        self.writesState = writesState
        self.stateDirectory = stateDirectory
        self.mayLack = mayLack
    }
}

/// What the process says before it becomes the helper. After `sealed`, the end of its socket means that it has.
public enum HelperReport: Codable, Equatable, Sendable {
    /// It is sealed, but for what the kernel lacks and the operator allows to be lacking.
    case sealed(without: [HelperSeal])
    /// Why it cannot become the helper, for the operator.
    case failed(String)
}
