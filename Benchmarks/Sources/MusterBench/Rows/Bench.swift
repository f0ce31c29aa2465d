import Glibc

/// What every row of the benchmark needs.
struct Bench {
    /// The release build of the host, `muster`.
    var program: String
    /// The folder of this package's products: the bench plugin and the server it is compared with.
    var products: String
    var scratch: Scratch
    var isQuick: Bool
    var ports = PortChoice()

    /// Where a measured server runs, and where the load.
    static let serverCore = 0
    static let loadCore = 1

    /// Alternating runs of each contender.
    var rounds: Int { isQuick ? 2 : 5 }
    var secondsPerRun: Int { isQuick ? 1 : 3 }

    /// Says on standard error what goes on.
    func progress(_ text: String) { complain("· \(text)") }

    // MARK: Components

    /// The folder that both UpdateDistributor and nginx serve, with the file of row 1; a second one is the same
    /// elsewhere.
    func site(_ name: String = "site") throws -> String {
        let folder = try scratch.folder(name)
        if access("\(folder)/small.bin", R_OK) != 0 { try Files.write(Self.smallFile, to: "\(folder)/small.bin") }
        return folder
    }

    /// 512 bytes that differ from place to place.
    static let smallFile = pattern(512)

    static func pattern(_ count: Int) -> [UInt8] {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }

    func distributor() throws -> HostConfiguration.Component {
        HostConfiguration.Component(
            name: "UpdateDistributor", listener: "updates", port: try ports.next(), options: try distributorOptions(0),
            path: "/small.bin", body: Self.smallFile)
    }

    func service(_ path: String = "/small.bin") throws -> HostConfiguration.Component {
        HostConfiguration.Component(
            name: "UpdateService", listener: "updates", port: try ports.next(),
            options: [("repository", "\"\(try site())\"")], path: path, body: Self.smallFile, isTLS: true)
    }

    /// Options that differ from those of the number before and serve the same: only such a change makes a reload replace
    /// the component.
    func distributorOptions(_ number: Int) throws -> [(name: String, value: String)] {
        [("repository", "\"\(try site(number % 2 == 0 ? "site" : "same-site"))\"")]
    }

    func hello(_ name: String) throws -> HostConfiguration.Component {
        HostConfiguration.Component(
            name: name, listener: "hello", port: try ports.next(), options: [("greeting", "\"benchmark\"")],
            path: "/hello", body: nil)
    }
}

/// Measures one row of the table.
protocol Row: SendableMetatype {
    /// As in `--rows`.
    static var number: Int { get }
    static var title: String { get }
    static var goal: String { get }
    static func measure(_ bench: Bench) throws -> [Measurement]
}

extension Row {
    /// Its lines; one that says why where it could not be measured.
    static func lines(_ bench: Bench) -> [Measurement] {
        bench.progress("row \(number): \(title)")
        return System.restoringCores {
            do {
                return try measure(bench)
            } catch {
                return [.failure("\(number)", title, goal: goal, error)]
            }
        }
    }
}
