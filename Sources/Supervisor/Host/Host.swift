import Configuration
import ControlProtocol
import Glibc

/// What `muster run` was asked for.
public struct RunOptions: Sendable {
    public var configurationPath: String
    /// Added to every port, so that a second host can run beside the first. 0: the ports as configured.
    public var portOffset: Int
    /// Start the configuration that was committed last, rather than what is in the file now.
    public var useLastGood: Bool

    public init(configurationPath: String, portOffset: Int = 0, useLastGood: Bool = false) {
        self.configurationPath = configurationPath
        self.portOffset = portOffset
        self.useLastGood = useLastGood
    }
}

/// The host: what `muster run` does, from the first line to the last.
///
/// `run` is called from a synchronous main, on the only thread, before any event loop: the host stays single-threaded
/// for as long as it lives.
public enum Host {
    /// Semantic version 2.0.0.
    public static let version = HostVersion.current

    /// Runs the host until it is told to stop.
    ///
    /// - Returns: the exit status: 0 after SIGTERM or SIGINT, 78 where the configuration is wrong, 1 where the host
    ///   itself could not start. What was wrong is in the log.
    public static func run(_ options: RunOptions) -> Int32 {
        let log = LogWriter()
        do throws(SystemError) {
            // First of all, so that no signal has its default effect from here on.
            let signals = try SignalSource()
            return try start(options, log: log, signals: signals)
        } catch {
            log.log(.critical, "the host cannot start: \(error)")
            return 1
        }
    }

    private static func start(_ options: RunOptions, log: LogWriter, signals: SignalSource) throws(SystemError) -> Int32
    {
        let environment = Environment.read()
        // The format of the configuration is known later; where the journal listens, it wants priorities from now on.
        log.use(.text, environment: environment)
        do throws(Refusal) {
            let configuration = try StartConfiguration.read(options, environment: environment)
            let settings = configuration.settings
            log.use(settings.host.logFormat == .json ? .json : .text, environment: environment)
            log.threshold = LogLevel(rawValue: settings.host.logLevel) ?? .info
            let data = DataDirectory(path: settings.host.dataDirectory.value)
            let account = try HostPrivileges.account(for: settings.host)
            try prepare(data, for: account)
            let lock = try data.lock()
            defer { withExtendedLifetime(lock) {} }
            let control = try ControlServer(path: settings.host.controlPath.value)
            let grants = settings.components.filter(\.isEnabled).flatMap {
                ($0.grantedCapabilities + $0.helperCapabilities).map(\.value)
            }
            let grantable = try HostPrivileges.reduce(granted: grants)
            remark(options, settings, account, log)
            let context = Stage.Context(
                environment: environment, portOffset: options.portOffset, executable: Files.executablePath(),
                account: account, grantable: grantable)
            var setup = HostDriver.Setup(
                configurationPath: configuration.path, environment: environment, settings: settings,
                pinned: configuration.pinned)
            // For the project's tests, which cannot wait for a minute.
            if settings.host.isDebugging, let text = environment["MUSTER_CREDENTIAL_PERIOD_MS"],
                let milliseconds = UInt64(text), (1...60_000).contains(milliseconds)
            {
                setup.credentialFilePeriod = milliseconds * 1_000_000
            }
            let driver = HostDriver(
                setup, stage: Stage(context: context, data: data), log: log, signals: signals, control: control)
            return driver.run()
        } catch {
            log.log(.critical, "the host cannot start:\(error.isConfiguration ? "\n" : " ")\(error)")
            log.flush()
            return error.isConfiguration ? 78 : 1
        }
    }

    private static func prepare(_ data: DataDirectory, for account: Account?) throws(Refusal) {
        do throws(SystemError) {
            try data.create(for: account)
        } catch {
            throw Refusal(reason: "host.data_dir cannot be used: \(error)")
        }
        try data.checkReachable(for: account)
    }

    private static func remark(_ options: RunOptions, _ settings: Settings, _ account: Account?, _ log: LogWriter) {
        log.log(.notice, "muster \(version), process \(getpid()), configuration \(options.configurationPath)")
        if let account, settings.host.user == nil {
            log.log(.notice, "workers run as '\(account.name)'; host.user names another")
        }
        // Without the rights that root gave up, a file of somebody else may be out of reach.
        if access(options.configurationPath, R_OK) != 0, !options.useLastGood {
            log.log(
                .warning,
                "\(options.configurationPath) cannot be read any more now that the host has given up root's rights: "
                    + "no reload will work until it belongs to root or is readable by all")
        }
    }
}
