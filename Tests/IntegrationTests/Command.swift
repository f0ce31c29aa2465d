import Foundation

/// A program that is run to its end.
enum Command {
    struct Outcome {
        /// The exit status, or minus the signal that ended it.
        var status: Int32
        /// Standard output and error together.
        var output: String
    }

    /// - Parameter name: a product beside the tests, or an absolute path.
    static func run(_ name: String, _ arguments: [String]) throws -> Outcome {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: name.hasPrefix("/") ? name : "\(LiveHost.products)/\(name)")
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let isSignalled = process.terminationReason == .uncaughtSignal
        return Outcome(
            status: isSignalled ? -process.terminationStatus : process.terminationStatus,
            output: String(decoding: output, as: UTF8.self))
    }
}
