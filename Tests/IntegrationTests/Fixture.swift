import Foundation

/// A live host with the fixture plugin as component `App` (and `Other` where asked), and the pieces tests vary.
enum Fixture {
    /// The YAML of one fixture component on a free port of 127.0.0.1.
    static func component(_ name: String, config: String = "{}") -> String {
        """
        \(name):
          listen: {web: "127.0.0.1:0"}
          config: \(config)

        """
    }

    /// A running host with `App` answering "old" from the code One, and `Other` beside it.
    static func start(host settings: String = "") throws -> LiveHost {
        let host = try LiveHost(plugins: ["App": "FixtureOne", "Other": "FixtureOne"])
        try host.configure(component("App", config: "{answer: old}") + component("Other"), host: settings)
        try host.startAndWait()
        return host
    }

    /// Changes the configuration of `App`, leaving `Other` as it is.
    static func configure(_ host: LiveHost, app config: String, host settings: String = "") throws {
        try host.configure(component("App", config: config) + component("Other"), host: settings)
    }
}

/// The children of a process, zombies included.
func children(of pid: pid_t) -> [pid_t] {
    let list = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)) ?? ""
    return list.split(separator: " ").compactMap { pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
}

func isAlive(_ pid: pid_t) -> Bool { kill(pid, 0) == 0 }

/// How many descriptors a process has open.
func descriptorCount(of pid: pid_t) -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? -1
}
