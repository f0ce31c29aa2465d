import Foundation

/// A program that is run to its end; after a minute it is ended.
enum Command {
    struct Outcome {
        /// The exit status, or minus the signal that ended it.
        var status: Int32
        /// Standard output and error together.
        var output: String
    }

    /// - Parameters:
    ///   - name: a product beside the tests, or an absolute path.
    ///   - input: its standard input ends after it.
    ///   - seconds: how long it may take before it is ended.
    static func run(
        _ name: String, _ arguments: [String], input: String = "", directory: String? = nil, limit seconds: Double = 60
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: name.hasPrefix("/") ? name : "\(LiveHost.products)/\(name)")
        process.arguments = arguments
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        let (toChild, fromChild) = (Pipe(), Pipe())
        process.standardInput = toChild
        process.standardOutput = fromChild
        process.standardError = fromChild
        try process.run()
        let limit = DispatchWorkItem { process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: limit)
        defer { limit.cancel() }
        if !input.isEmpty { try toChild.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
        try toChild.fileHandleForWriting.close()
        let output = try fromChild.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let isSignalled = process.terminationReason == .uncaughtSignal
        return Outcome(
            status: isSignalled ? -process.terminationStatus : process.terminationStatus,
            output: String(decoding: output, as: UTF8.self))
    }

    /// What a program from Debian wrote to both of its outputs.
    static func output(_ name: String, _ arguments: [String], input: String = "", directory: String) throws -> String {
        try run("/usr/bin/\(name)", arguments, input: input, directory: directory).output
    }
}
