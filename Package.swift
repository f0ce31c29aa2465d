// swift-tools-version: 6.2
import PackageDescription

// Every room of the house is a target of its own, so that the compiler keeps the arrows (docs/architecture.md).

/// Warnings are errors where the project itself is checked (`.ci/run`), not for a person with a newer compiler.
let isChecked = Context.environment["MUSTER_STRICT"] != nil

let strict: [SwiftSetting] =
    [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]
    + (isChecked ? [.treatAllWarnings(as: .error)] : [])

/// A plugin exports its entry point and nothing else.
let onlyEntryPoint: [LinkerSetting] = [
    .unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/Plugins/entry-point.map"])
]

/// The plugins of the live tests, `libFixture.<Name>.so`: each a C file in Tests/PluginFixtures over a common body. No
/// component can have a dot in its name, so the host that was built beside them does not list them.
let fixtures = [
    "AbortsInActivate", "AbortsInCreate", "AbortsInEntry", "AbortsInPrepare", "AbortsInQuiesce", "AbortsInRelease",
    "AbortsInStop", "BlocksLoop", "BlocksTimer", "Caller", "CallsFromWrongPlaces", "ClosesControlSocket",
    "ClosesListener",
    "CreateFails", "DuplicateListener", "DuplicateOption", "EntryNull", "ExecutableStack", "ExitsInPrepare",
    "ExitsWhileRunning", "ExportsMore", "FailsWhileRunning", "FloodsLog", "HangsInActivate", "HangsInCreate",
    "HangsInEntry", "HangsInPrepare", "HangsInQuiesce", "HangsInRelease", "HangsInStop", "LeaksDescriptors",
    "LeaksThreads", "MissingExtension", "NewerMinor", "NoEntry", "NotUTF8", "NullComponent", "NullFunction", "One",
    "OpensOwnSocket", "OverflowsState", "RespondsAfterDestroy", "RespondsTwice", "Server", "ShutsListener",
    "ShutsListenerInStop", "ShutsServer", "SmallComponent", "SmallManifest", "TruncatedOption", "Two",
    "UndefinedSymbol", "WrongMajor",
]

func fixture(_ name: String) -> Target {
    let linker: [LinkerSetting] =
        switch name {
        case "ExportsMore": []
        case "ExecutableStack": onlyEntryPoint + [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "execstack"])]
        default: onlyEntryPoint
        }
    return .target(
        name: "Fixture\(name)", dependencies: ["MusterABI"], path: "Tests/PluginFixtures",
        exclude: ["README.md", "bus.inc", "fixture.inc", "raw.inc"], sources: ["\(name).c"], publicHeadersPath: ".",
        linkerSettings: linker)
}

/// A plugin of the live tests that has helpers, and a program that is one.
func helperPlugin(_ name: String, in folder: String) -> Target {
    .target(
        name: name, dependencies: ["MusterABI"], path: "Tests/HelperFixtures/\(folder)", publicHeadersPath: ".",
        linkerSettings: onlyEntryPoint)
}

func helperProgram(_ name: String, in folder: String) -> Target {
    .executableTarget(
        name: name, dependencies: ["CLinux"], path: "Tests/HelperFixtures/\(folder)", swiftSettings: strict)
}

func nio(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio") }

/// A component's shared library, `lib<name>.so`.
func plugin(_ name: String, _ target: String) -> Product {
    .library(name: name, type: .dynamic, targets: [target])
}

let package = Package(
    name: "muster",
    products: [
        .executable(name: "muster", targets: ["muster"]),
        // For plugin authors, and for the benchmarks, a package of its own.
        .library(name: "MusterABI", targets: ["MusterABI"]),
        .library(name: "PluginKit", targets: ["PluginKit"]),
        .library(name: "PluginJSON", targets: ["PluginJSON"]),
        .library(name: "Networking", targets: ["Networking"]),
        .library(name: "ControlProtocol", targets: ["ControlProtocol"]),
        plugin("UpdateDistributor", "UpdateDistributorEntry"),
        plugin("UpdateService", "UpdateServiceEntry"),
        plugin("ClientService", "ClientServiceEntry"),
        plugin("PollHandler", "PollHandlerEntry"),
        plugin("SweepHandler", "SweepHandlerEntry"),
        plugin("CommAgent", "CommAgentEntry"),
        plugin("HelloC", "HelloC"),
        plugin("HelloSwift", "HelloSwift"),
        plugin("Fixture.Client", "FixtureClient"),
        plugin("Fixture.Helpers", "FixtureHelpers"),
        plugin("Fixture.GrantedHelpers", "FixtureGrantedHelpers"),
        .executable(name: "fixture-helper", targets: ["fixture-helper"]),
        .executable(name: "fixture-swift-helper", targets: ["fixture-swift-helper"]),
    ] + fixtures.map { plugin("Fixture.\($0)", "Fixture\($0)") },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // The contract.
        .target(name: "MusterABI"),

        // The system.
        .target(name: "CLinux", path: "Sources/System/CLinux"),
        .systemLibrary(
            name: "COpenSSL", path: "Sources/System/COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CYAML", path: "Sources/System/CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        .systemLibrary(
            name: "CZstd", path: "Sources/System/CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .target(name: "CDigest", dependencies: ["COpenSSL"], path: "Sources/System/CDigest"),
        .target(name: "CCurl", path: "Sources/System/CCurl"),
        .target(name: "CTLS", dependencies: ["COpenSSL"], path: "Sources/System/CTLS"),
        .target(name: "OpenSSL", dependencies: ["COpenSSL"], path: "Sources/System/OpenSSL", swiftSettings: strict),
        .target(name: "Locks", path: "Sources/System/Locks", swiftSettings: strict),
        .target(name: "Files", path: "Sources/System/Files", swiftSettings: strict),

        // The host.
        .target(name: "PluginManifest", swiftSettings: strict),
        .target(name: "ControlProtocol", dependencies: ["PluginManifest", "CLinux"], swiftSettings: strict),
        .target(name: "Configuration", dependencies: ["PluginManifest", "CYAML"], swiftSettings: strict),
        .target(
            name: "Networking",
            dependencies: [
                nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"), nio("NIOConcurrencyHelpers"), "CLinux", "Locks",
                "COpenSSL", "CTLS", "OpenSSL", "CCurl",
            ],
            swiftSettings: strict),
        .target(
            name: "Worker",
            dependencies: [
                "MusterABI", "PluginManifest", "ControlProtocol", "Networking", "CLinux", "Locks", nio("NIOCore"),
                nio("NIOPosix"),
            ],
            swiftSettings: strict),
        .target(name: "Fleet", dependencies: ["COpenSSL", "OpenSSL"], swiftSettings: strict),
        .target(
            name: "FleetAdmin", dependencies: ["Fleet", "Networking", "Locks", "COpenSSL", "OpenSSL"],
            swiftSettings: strict),
        .target(name: "Credentials", dependencies: ["ControlProtocol", "COpenSSL", "OpenSSL"], swiftSettings: strict),
        .target(
            name: "Supervisor",
            dependencies: ["PluginManifest", "ControlProtocol", "Configuration", "CLinux", "CDigest"],
            swiftSettings: strict),
        .target(
            name: "Console",
            dependencies: ["Configuration", "ControlProtocol", "Fleet", "PluginManifest", "UpdateTrust"],
            swiftSettings: strict),
        .executableTarget(
            name: "muster",
            dependencies: [
                "Supervisor", "Worker", "Credentials", "Configuration", "ControlProtocol", "PluginManifest", "Console",
                "MusterABI", "Fleet", "FleetAdmin", "UpdateTrust", "UpdateAdmin", "Locks",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        // Plugins.
        .target(
            name: "PluginKit", dependencies: ["MusterABI", "Locks"],
            // A request's head is borrowed from the host: Swift's spans keep it from outliving the call.
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        .target(name: "FileServing", dependencies: ["PluginKit", "Locks"], swiftSettings: strict),
        .target(name: "PluginJSON", dependencies: ["PluginKit"], swiftSettings: strict),
        .target(
            name: "JobHandling", dependencies: ["PluginKit", "PluginJSON", "Fleet", "Locks", "Files"],
            swiftSettings: strict),
        .target(
            name: "SweepEngine", dependencies: ["Fleet", "OpenSSL", "COpenSSL", "CLinux", "Locks", "Files"],
            swiftSettings: strict),
        .target(
            name: "UpdateTrust", dependencies: ["COpenSSL", "OpenSSL", "CZstd", "Files"], swiftSettings: strict),
        // What the command needs of repositories and the network: `muster tuf`, `muster repo`.
        .target(
            name: "UpdateAdmin",
            dependencies: ["UpdateTrust", "Networking", "SweepEngine", "Locks", "Files", "OpenSSL"],
            swiftSettings: strict),
        // What the components of the update chain share: fetching through the host.
        .target(
            name: "UpdateFetching", dependencies: ["UpdateTrust", "PluginKit", "PluginJSON", "Fleet", "Locks"],
            swiftSettings: strict),
        .target(
            name: "UpdateDistributor",
            dependencies: ["FileServing", "PluginKit", "PluginJSON", "Fleet", "UpdateTrust", "Locks", "Files"],
            path: "Plugins/UpdateDistributor",
            exclude: ["Entry"], swiftSettings: strict),
        .target(
            name: "UpdateDistributorEntry", dependencies: ["UpdateDistributor", "PluginKit", "MusterABI"],
            path: "Plugins/UpdateDistributor/Entry", swiftSettings: strict, linkerSettings: onlyEntryPoint),
        .target(
            name: "UpdateService",
            dependencies: [
                "FileServing", "PluginKit", "PluginJSON", "Fleet", "UpdateTrust", "UpdateFetching", "Locks", "Files",
            ],
            path: "Plugins/UpdateService", exclude: ["Entry"], swiftSettings: strict),
        .target(
            name: "UpdateServiceEntry", dependencies: ["UpdateService", "PluginKit", "MusterABI"],
            path: "Plugins/UpdateService/Entry", swiftSettings: strict, linkerSettings: onlyEntryPoint),
        .target(
            name: "ClientService",
            dependencies: [
                "PluginKit", "PluginJSON", "Fleet", "Locks", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            path: "Plugins/ClientService", exclude: ["Entry"], swiftSettings: strict),
        .target(
            name: "ClientServiceEntry", dependencies: ["ClientService", "PluginKit", "MusterABI"],
            path: "Plugins/ClientService/Entry", swiftSettings: strict, linkerSettings: onlyEntryPoint),
        .target(
            name: "PollHandler", dependencies: ["JobHandling", "PluginKit", "PluginJSON", "Fleet", "Locks"],
            path: "Plugins/PollHandler", exclude: ["Entry"], swiftSettings: strict),
        .target(
            name: "PollHandlerEntry", dependencies: ["PollHandler", "PluginKit", "MusterABI"],
            path: "Plugins/PollHandler/Entry", swiftSettings: strict, linkerSettings: onlyEntryPoint),
        .target(
            name: "SweepHandler",
            dependencies: ["JobHandling", "SweepEngine", "PluginKit", "PluginJSON", "Fleet", "Locks", "Files"],
            path: "Plugins/SweepHandler", exclude: ["Entry"], swiftSettings: strict),
        .target(
            name: "SweepHandlerEntry", dependencies: ["SweepHandler", "PluginKit", "MusterABI"],
            path: "Plugins/SweepHandler/Entry", swiftSettings: strict, linkerSettings: onlyEntryPoint),
        .target(
            name: "CommAgent",
            dependencies: ["PluginKit", "PluginJSON", "Fleet", "UpdateTrust", "UpdateFetching", "Locks", "Files"],
            path: "Plugins/CommAgent", exclude: ["Entry"], swiftSettings: strict),
        .target(
            name: "CommAgentEntry", dependencies: ["CommAgent", "PluginKit", "MusterABI"],
            path: "Plugins/CommAgent/Entry", swiftSettings: strict, linkerSettings: onlyEntryPoint),
        .target(
            name: "HelloC", dependencies: ["MusterABI"], path: "Plugins/Examples/HelloC", publicHeadersPath: ".",
            linkerSettings: onlyEntryPoint),
        .target(
            name: "HelloSwift", dependencies: ["PluginKit", "MusterABI"], path: "Plugins/Examples/HelloSwift",
            swiftSettings: strict, linkerSettings: onlyEntryPoint),

        // Tests.
        .target(
            name: "FixtureClient", dependencies: ["MusterABI"], path: "Tests/ClientFixture", publicHeadersPath: ".",
            linkerSettings: onlyEntryPoint),
        helperPlugin("FixtureHelpers", in: "Plugin"),
        helperPlugin("FixtureGrantedHelpers", in: "GrantedPlugin"),
        helperProgram("fixture-helper", in: "Program"),
        helperProgram("fixture-swift-helper", in: "SwiftProgram"),
        .testTarget(
            name: "MusterABITests", dependencies: ["MusterABI"], exclude: ["Broken"], swiftSettings: strict),
        .testTarget(
            name: "ConsoleTests", dependencies: ["Console", "ControlProtocol", "Fleet", "PluginManifest"],
            exclude: ["Golden"],
            swiftSettings: strict),
        .testTarget(
            name: "ConfigurationTests", dependencies: ["Configuration", "PluginManifest"],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ControlProtocolTests", dependencies: ["ControlProtocol", "PluginManifest", "CLinux"],
            swiftSettings: strict),
        .testTarget(
            name: "CredentialsTests", dependencies: ["Credentials", "ControlProtocol"], swiftSettings: strict),
        .testTarget(
            name: "SupervisorTests",
            dependencies: [
                "Supervisor", "Credentials", "Configuration", "ControlProtocol", "PluginManifest", "CLinux",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "NetworkingTests",
            dependencies: [
                "Networking", "NetworkTesting", "TLSTesting", "Locks", "COpenSSL", nio("NIOEmbedded"), nio("NIOPosix"),
            ],
            swiftSettings: strict),
        .target(
            name: "NetworkTesting", dependencies: ["COpenSSL", "OpenSSL", "Locks"], path: "Tests/NetworkTesting",
            swiftSettings: strict),
        .testTarget(
            name: "WorkerTests",
            dependencies: [
                "Worker", "NetworkTesting", "Locks", "ControlProtocol", "PluginManifest", "MusterABI", "MetricsTesting",
                "Networking", "CLinux",
            ],
            swiftSettings: strict),
        .target(
            name: "TLSTesting", dependencies: ["Credentials", "ControlProtocol", "COpenSSL", "OpenSSL"],
            path: "Tests/TLSTesting", swiftSettings: strict),
        .target(name: "PluginTesting", dependencies: ["MusterABI"], path: "Tests/PluginTesting", swiftSettings: strict),
        .target(name: "MetricsTesting", path: "Tests/MetricsTesting", swiftSettings: strict),
        .testTarget(
            name: "PluginKitTests", dependencies: ["PluginKit", "PluginJSON", "PluginTesting", "MusterABI"],
            swiftSettings: strict),
        .testTarget(
            name: "FileServingTests", dependencies: ["FileServing", "PluginKit", "PluginTesting", "MusterABI"],
            swiftSettings: strict),
        .testTarget(
            name: "UpdateServiceTests",
            dependencies: [
                "UpdateService", "UpdateDistributor", "UpdateFetching", "UpdateTrust", "Fleet", "FileServing", "Files",
                "PluginKit",
                "PluginTesting", "MusterABI", "Locks",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "FleetTests", dependencies: ["Fleet", "Credentials", "ControlProtocol"], swiftSettings: strict),
        .testTarget(
            name: "FleetAdminTests", dependencies: ["FleetAdmin", "Fleet", "NetworkTesting", "Locks"],
            swiftSettings: strict),
        .testTarget(
            name: "ClientServiceTests",
            dependencies: ["ClientService", "Fleet", "PluginKit", "PluginTesting", "MusterABI"], swiftSettings: strict),
        .testTarget(
            name: "JobHandlingTests",
            dependencies: [
                "JobHandling", "PollHandler", "SweepHandler", "SweepEngine", "Fleet", "PluginKit", "PluginTesting",
                "MusterABI",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SweepEngineTests", dependencies: ["SweepEngine", "Fleet", "Locks", "Files", "OpenSSL"],
            swiftSettings: strict),
        .testTarget(
            name: "UpdateTrustTests", dependencies: ["UpdateTrust", "Locks", "Files", "OpenSSL"], swiftSettings: strict),
        .testTarget(
            name: "UpdateAdminTests", dependencies: ["UpdateAdmin", "UpdateTrust", "NetworkTesting", "Locks", "Files"],
            swiftSettings: strict),
        .testTarget(
            name: "CommAgentTests",
            dependencies: [
                "CommAgent", "UpdateFetching", "UpdateTrust", "Fleet", "PluginKit", "PluginTesting", "MusterABI",
                "Locks",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "ClientService", "ControlProtocol", "MetricsTesting", "CLinux", "TLSTesting", "NetworkTesting", "Fleet",
                "FleetAdmin", "UpdateTrust",
            ],
            swiftSettings: strict),
    ] + fixtures.map(fixture)
)
