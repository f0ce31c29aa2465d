// Bytes as a configuration file: whatever they are, reading and resolving answer, in bounded time, and every diagnostic
// can be rendered.
import CFuzzer
import Configuration
import Glibc
import PluginManifest

/// An option of every type, and a listener of every transport.
let manifest = Manifest(
    id: "org.example.fuzz", name: "Fuzz", version: "1.0.0", summary: "Everything.", vendor: "", licence: "MIT", url: "",
    abi: ABIVersion(major: 1, minor: 0),
    listeners: [
        ListenerDeclaration(name: "web", transport: .https, clientCertificate: .optional, port: 443, help: "TLS."),
        ListenerDeclaration(name: "files", transport: .http, port: 80, help: "HTTP."),
        ListenerDeclaration(name: "wire", transport: .raw, port: 7, help: "Bytes."),
    ],
    options: OptionType.allCases.flatMap { type -> [OptionDeclaration] in
        let choices = type == .enum ? ["red", "green"] : []
        return [
            OptionDeclaration(
                name: type.rawValue, type: type, itemType: type == .list ? .duration : nil, help: "One.",
                choices: choices),
            OptionDeclaration(
                name: "many.\(type.rawValue)", type: .list, itemType: type == .list ? .string : type, help: "Many.",
                choices: choices),
        ]
    } + [
        OptionDeclaration(name: "token", type: .string, isSecret: true, help: "A secret."),
        OptionDeclaration(name: "count", type: .integer, minimum: "1", maximum: "9", help: "With bounds."),
    ])

let environment = ["HOME": "/root", "EMPTY": "", "PORT": "8080"]

func judge(_ text: [UInt8]) {
    let settings: Settings
    switch ConfigurationReader.read(text: text, path: "/etc/muster/config.yaml", environment: environment) {
    case .failure(let list):
        precondition(!list.diagnostics.isEmpty, "refused without a reason")
        _ = list.render()
        return
    case .success(let result): settings = result
    }
    var resolved: [(ComponentSettings, ResolvedComponent)] = []
    for component in settings.components.prefix(16) {
        switch ConfigurationReader.resolve(component, of: settings, manifest: manifest, environment: environment) {
        case .failure(let list):
            precondition(!list.diagnostics.isEmpty, "refused without a reason")
            _ = list.render(color: true)
        case .success(let result): resolved.append((component, result))
        }
        _ = ConfigurationReader.diagnostic("later", blaming: "token", in: component, manifest: manifest).render()
    }
    _ = ConfigurationReader.conflicts(resolved).map(\.description)
}

/// The name that libFuzzer knows a target by.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    judge(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}

// SwiftPM makes this file the program's main, so it starts libFuzzer, whose own main would have done the same.
var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(LLVMFuzzerRunDriver(&count, &arguments, testOneInput))
