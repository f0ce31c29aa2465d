/// A place in a configuration file. Line and column count from 1; the column counts Unicode scalars.
public struct SourceLocation: Sendable, Equatable, CustomStringConvertible {
    public var file: String
    public var line: Int
    public var column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// `config.yaml:12:5`, as editors and terminals know it.
    public var description: String { "\(file):\(line):\(column)" }
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
    /// The line of the file, and how many characters of it are to blame. Secrets in it are masked already.
    public var line: String?
    public var length: Int
    /// Other places that belong to it, such as the first of two equal keys.
    public var notes: [Diagnostic]
    /// The column within `line`, from 1, where it is not the location's: the line was shortened or masked.
    var lineColumn: Int?

    public init(
        _ message: String, at location: SourceLocation? = nil, line: String? = nil, length: Int = 1,
        notes: [Diagnostic] = []
    ) {
        self.message = message
        self.location = location
        self.line = line
        self.length = length
        self.notes = notes
    }

    /// The whole text, several lines without a final line break.
    public var description: String { render() }
}

/// Everything that is wrong with a configuration, in the order of the file; never empty.
public struct DiagnosticList: Error, Sendable, Equatable, CustomStringConvertible {
    public var diagnostics: [Diagnostic]
    /// How many more there were than a person would read.
    public var omittedCount: Int

    public init(diagnostics: [Diagnostic], omittedCount: Int = 0) {
        self.diagnostics = diagnostics
        self.omittedCount = omittedCount
    }

    public var description: String { render() }

    /// The text of all of them, without a final line break. Colours are those of ECMA-48, for terminals.
    public func render(color: Bool = false) -> String {
        var parts = diagnostics.map { $0.render(color: color) }
        if omittedCount > 0 {
            parts.append("… and \(omittedCount) more \(omittedCount == 1 ? "error" : "errors")")
        }
        return parts.joined(separator: "\n")
    }
}
