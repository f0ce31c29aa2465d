import CLinux
import Configuration
import ControlProtocol
import Glibc
import PluginManifest

/// Loads one plugin in a worker of its own and asks what it is.
struct PluginProbe {
    /// Until the manifest is there.
    static let timeout: Nanoseconds = .seconds(10)

    var path: String
    var environment: [String: String]
    var spawner = Spawner()

    func run() throws(Refusal) -> Manifest {
        var account: Account?
        var copy = path
        var scratch: ScratchDirectory?
        if HostPrivileges.isRoot {
            // Code that is only being looked at gets no rights of root's; so it has to be where others can read it.
            account = try Account.defaults.first(where: Account.exists).map { name throws(Refusal) in
                try Account.find(user: name, group: nil)
            }
            let place = try ScratchDirectory(environment: environment)
            scratch = place
            copy = try PluginStore(directory: place.path).stage(path).path
        }
        defer { withExtendedLifetime(scratch) {} }
        let process = try start()
        defer {
            process.signal(SIGKILL)
            while process.reap() == nil { wait(for: process, until: monotonicNow().after(.seconds(1))) }
        }
        let plan = WorkerPlan(
            name: "describe", generation: 0,
            plugins: [.init(component: "describe", path: copy, stateDirectory: "/nonexistent")],
            privileges: Privileges(
                userID: account?.userID, groupID: account?.groupID,
                supplementaryGroupIDs: account?.supplementaryGroupIDs ?? []), loopCount: 1, logLevel: .warning,
            isDebugging: false)
        do throws(ChannelError) {
            try process.channel.send(WorkerCommand.load(plan))
        } catch {
            throw Refusal(reason: "\(path): the worker that was to load it is gone: \(error)")
        }
        return try manifest(from: process, copy: copy)
    }

    private func start() throws(Refusal) -> WorkerProcess {
        do throws(SystemError) {
            let child = try spawner.spawn(environment: Spawner.environment(from: environment, isDebugging: false))
            return WorkerProcess(child, id: WorkerID(number: 0), name: "describe", generation: 0, proposal: 0)
        } catch {
            throw Refusal(reason: "\(error)")
        }
    }

    private func manifest(from process: WorkerProcess, copy: String) throws(Refusal) -> Manifest {
        let deadline = monotonicNow().after(Self.timeout)
        var output: [String] = []
        while monotonicNow() < deadline {
            output += process.readOutput().map(\.1)
            do throws(ChannelError) {
                while let report = try process.channel.receive(WorkerReport.self)?.message {
                    switch report {
                    case .loaded(let manifests):
                        guard let manifest = manifests.first else { break }
                        return manifest
                    case .failed(let failure): throw ChannelError(.malformed, failure.message)
                    default: break
                    }
                }
            } catch {
                if case .malformed = error.code {
                    let reason = error.doing.replacing(copy, with: path)
                    throw Refusal(reason: reason.contains(path) ? reason : "\(path): \(reason)")
                }
                output += process.finishOutput().map(\.1)
                let words =
                    output.isEmpty ? "" : ":\n" + output.suffix(20).map { printable($0) }.joined(separator: "\n")
                throw Refusal(reason: "\(path): it ended the process that loaded it\(words)")
            }
            wait(for: process, until: deadline)
        }
        throw Refusal(reason: "\(path): it did not load within \(Self.timeout / 1_000_000_000) s")
    }

    private func wait(for process: WorkerProcess, until deadline: Instant) {
        var entries = process.interests
        entries.append(pollfd(fd: process.pidDescriptor.rawValue, events: Int16(POLLIN), revents: 0))
        _ = clinux_poll(&entries, entries.count, deadline.since(monotonicNow()))
    }
}
