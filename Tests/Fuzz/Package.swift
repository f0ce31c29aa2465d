// swift-tools-version: 6.2
import PackageDescription

// Fuzz targets: a package of its own, because everything in it is built with coverage and AddressSanitizer. The modules
// under test are links to the sources of the main package, so that only they are built. See run.

let instrumented: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"), .unsafeFlags(["-sanitize=fuzzer,address"]),
]
let linked: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]

let package = Package(
    name: "fuzz",
    targets: [
        .target(name: "CFuzzer"),
        .systemLibrary(name: "CYAML", path: "Sources/CYAML", pkgConfig: "yaml-0.1"),
        .target(name: "CLinux"),
        .target(name: "PluginManifest", swiftSettings: instrumented),
        .target(name: "Configuration", dependencies: ["PluginManifest", "CYAML"], swiftSettings: instrumented),
        .target(name: "ControlProtocol", dependencies: ["PluginManifest", "CLinux"], swiftSettings: instrumented),
        .systemLibrary(name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "openssl"),
        .systemLibrary(name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd"),
        .target(name: "OpenSSL", dependencies: ["COpenSSL"], swiftSettings: instrumented),
        .target(name: "Files", swiftSettings: instrumented),
        .target(
            name: "UpdateTrust", dependencies: ["COpenSSL", "OpenSSL", "CZstd", "Files"], swiftSettings: instrumented),
        .executableTarget(
            name: "FuzzCanonicalJSON", dependencies: ["CFuzzer", "UpdateTrust"], swiftSettings: instrumented,
            linkerSettings: linked),
        .executableTarget(
            name: "FuzzControlProtocol", dependencies: ["CFuzzer", "ControlProtocol"], swiftSettings: instrumented,
            linkerSettings: linked),
        .executableTarget(
            name: "FuzzMetadata", dependencies: ["CFuzzer", "UpdateTrust"], swiftSettings: instrumented,
            linkerSettings: linked),
        .executableTarget(
            name: "FuzzYAML", dependencies: ["CFuzzer", "Configuration", "PluginManifest"], swiftSettings: instrumented,
            linkerSettings: linked),
    ]
)
