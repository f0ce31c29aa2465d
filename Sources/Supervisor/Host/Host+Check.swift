import Configuration
import ControlProtocol
import Glibc

/// What `muster check` found.
public struct CheckReport: Codable, Equatable, Sendable {
    /// A reload would be committed.
    public var isValid: Bool
    /// Each a whole message for the operator: `config.yaml:12:5: …` with the line and a caret.
    public var diagnostics: [String]
    /// How each component fared; empty where the configuration could not be read.
    public var components: [Component]

    public struct Component: Codable, Equatable, Sendable {
        public var name: String
        /// nil: it is ready to run.
        public var problem: String?
    }
}

extension Host {
    /// Does all that a reload's prepare does: reads, finds plugins, loads them in workers of their own, checks options,
    /// prepares them. Nothing that runs is touched, and nothing is left behind: plugins are copied to a temporary
    /// folder, listeners are bound for a moment and only to see whether they can be, and prepared workers are ended.
    public static func check(configurationPath: String, portOffset: Int = 0) -> CheckReport {
        let log = LogWriter()
        log.threshold = .critical
        do throws(Refusal) {
            let environment = Environment.read()
            let configuration = try StartConfiguration.read(
                RunOptions(configurationPath: configurationPath, portOffset: portOffset), environment: environment)
            let scratch = try ScratchDirectory(environment: environment)
            defer { withExtendedLifetime(scratch) {} }
            let settings = configuration.settings
            let context = Stage.Context(
                environment: environment, portOffset: portOffset, executable: Files.executablePath(),
                account: try HostPrivileges.account(for: settings.host), scratch: scratch.path)
            var setup = HostDriver.Setup(
                configurationPath: configuration.path, environment: environment, settings: settings)
            setup.isCheck = true
            let driver = HostDriver(
                setup, stage: Stage(context: context, data: DataDirectory(path: settings.host.dataDirectory.value)),
                log: log, signals: try signalSource(), control: nil)
            let status = driver.run()
            return report(driver.lastReceipt, status)
        } catch {
            return CheckReport(isValid: false, diagnostics: [error.reason], components: [])
        }
    }

    private static func signalSource() throws(Refusal) -> SignalSource {
        do throws(SystemError) {
            return try SignalSource()
        } catch {
            throw Refusal(reason: "\(error)")
        }
    }

    private static func report(_ receipt: ReloadReceipt?, _ status: Int32) -> CheckReport {
        guard let receipt else {
            return CheckReport(isValid: false, diagnostics: ["the check was interrupted"], components: [])
        }
        return CheckReport(
            isValid: status == 0, diagnostics: receipt.diagnostics,
            components: receipt.components.map {
                .init(name: $0.name, problem: $0.outcome == .failed ? $0.reason ?? "it failed" : nil)
            })
    }
}
