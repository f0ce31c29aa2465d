/// A place in a configuration file. Line and column count from 1; the column counts characters.
public struct SourceLocation: Sendable, Equatable {
    public var file: String
    public var line: Int
    public var column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// One thing that is wrong with a configuration, as the operator reads it.
///
///     config.yaml:12:5: error: unknown key 'enabeld' in components.UpdateService; did you mean 'enabled'?
///        12 |     enabeld: true
///           |     ^~~~~~~
public struct Diagnostic: Sendable, Equatable, Error, CustomStringConvertible {
    /// What is wrong and what to do.
    public var message: String
    /// nil where no place in a file is to blame.
    public var location: SourceLocation?
    /// The line of the file, and how many characters of it are to blame.
    public var line: String?
    public var length: Int

    public init(_ message: String, at location: SourceLocation? = nil, line: String? = nil, length: Int = 1) {
        self.message = message
        self.location = location
        self.line = line
        self.length = length
    }
}
