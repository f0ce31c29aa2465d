internal import Files
internal import Glibc

/// The folder of a client's trusted metadata: one file a role, byte for byte as received, without version in its name.
///
///     root.json timestamp.json snapshot.json targets.json <delegated role>.json
///     .lock     taken while something is changed
///     .clock    the latest time that was known, seconds since 1970
///
/// Every file is replaced as a whole. Blocks; any thread.
public struct MetadataCache: Sendable {
    public let folder: String
    /// Seconds that another process is waited for.
    public let patience: Int

    public init(folder: String, patience: Int = 10) {
        self.folder = folder
        self.patience = patience
    }

    /// Keeps others out until it is let go.
    public struct Lock: Sendable {
        fileprivate let lock: FileLock

        public func release() { lock.release() }
    }

    /// Takes the folder for this process, or throws `locked` when it was waited for in vain. Makes the folder where it is
    /// missing.
    public func lock() throws(UpdateError) -> Lock {
        do {
            try DurableFiles.makeFolders(folder)
            return Lock(lock: try FileLock.take("\(folder)/.lock", within: patience))
        } catch {
            throw UpdateError(storage: error)
        }
    }

    /// The same for a task, whose thread others use while it waits.
    func lockWaiting() async throws(UpdateError) -> Lock {
        do {
            try DurableFiles.makeFolders(folder)
            return Lock(lock: try await FileLock.take("\(folder)/.lock", waiting: patience))
        } catch {
            throw UpdateError(storage: error)
        }
    }

    /// nil where there is none. Throws `storage`, and `tooLarge` for what cannot have been written by us.
    public func read(_ role: String, upTo limit: Int) throws(UpdateError) -> [UInt8]? {
        do throws(FileFailure) {
            return try DurableFiles.read(path(of: role), upTo: limit)
        } catch {
            if error.isMissingFile { return nil }
            throw UpdateError(storage: error)
        }
    }

    public func write(_ bytes: [UInt8], as role: String) throws(UpdateError) {
        do throws(FileFailure) {
            try DurableFiles.replace(path(of: role), with: bytes)
        } catch {
            throw UpdateError(storage: error)
        }
    }

    public func remove(_ role: String) throws(UpdateError) {
        guard unlink(path(of: role)) == 0 || errno == ENOENT else {
            throw UpdateError(storage: FileFailure(errno, doing: "remove \(path(of: role))"))
        }
    }

    func path(of role: String) -> String { "\(folder)/\(RoleName.encoded(role)).json" }

    // MARK: The clock

    /// nil where none was written down. Throws `clock` for what is no time: without one, a clock set back would go unseen.
    func latestTime() throws(UpdateError) -> MetadataTime? {
        let bytes: [UInt8]
        do throws(FileFailure) {
            bytes = try DurableFiles.read("\(folder)/.clock", upTo: 64)
        } catch {
            if error.isMissingFile { return nil }
            throw UpdateError(storage: error)
        }
        guard let seconds = Int64(String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)) else {
            throw UpdateError(.clock, "\(folder)/.clock holds no time: --reset-clock makes it anew")
        }
        return MetadataTime(seconds: seconds)
    }

    func write(latestTime: MetadataTime) throws(UpdateError) {
        do throws(FileFailure) {
            try DurableFiles.replace("\(folder)/.clock", with: Array("\(latestTime.seconds)\n".utf8))
        } catch {
            throw UpdateError(storage: error)
        }
    }

    /// Forgets the latest known time: for a machine whose clock ran ahead.
    public func resetClock() throws(UpdateError) {
        guard unlink("\(folder)/.clock") == 0 || errno == ENOENT else {
            throw UpdateError(storage: FileFailure(errno, doing: "remove \(folder)/.clock"))
        }
    }
}

extension UpdateError {
    init(storage error: any Error) {
        switch error {
        case let held as FileLock.Held: self.init(.locked, "\(held)")
        case let failure as FileFailure: self.init(.storage, "\(failure)", systemError: failure.code)
        case is CancellationError:
            let reason = "it was given up: nobody waits for it any more"
            self.init(.transport, reason, transport: TransportFailure(.cancelled, reason))
        default: self.init(.storage, "\(error)")
        }
    }
}
