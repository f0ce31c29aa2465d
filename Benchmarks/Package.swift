// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that a user's build never pays for it. `Benchmarks/run` builds it together with the host.

let isChecked = Context.environment["MUSTER_STRICT"] != nil

let strict: [SwiftSetting] =
    [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]
    + (isChecked ? [.treatAllWarnings(as: .error)] : [])

let package = Package(
    name: "muster-benchmarks",
    products: [
        .executable(name: "muster-bench", targets: ["MusterBench"]),
        .executable(name: "fixed-answer-host", targets: ["FixedAnswerHost"]),
        .library(name: "FixedAnswer", type: .dynamic, targets: ["FixedAnswer"]),
    ],
    dependencies: [
        .package(name: "muster", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        // The program that measures.
        .executableTarget(
            name: "MusterBench",
            dependencies: [
                "CBench", .product(name: "ControlProtocol", package: "muster"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(name: "CBench", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .testTarget(name: "MusterBenchTests", dependencies: ["MusterBench"], swiftSettings: strict),

        // One handler twice, to learn what the ABI between host and plugin costs: as a plugin …
        .target(
            name: "FixedAnswer", dependencies: [.product(name: "MusterABI", package: "muster")],
            publicHeadersPath: ".",
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/../Plugins/entry-point.map"])
            ]),
        // … and compiled into a server over the same Networking.
        .executableTarget(
            name: "FixedAnswerHost",
            dependencies: [
                .product(name: "Networking", package: "muster"), .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
    ]
)
