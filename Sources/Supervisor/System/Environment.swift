/// The environment this process was started with (proc(5)); nothing here changes it.
enum Environment {
    static func read() -> [String: String] {
        guard let bytes = try? Files.read("/proc/self/environ", limit: 4 << 20) else { return [:] }
        var variables: [String: String] = [:]
        for entry in bytes.split(separator: 0) {
            let text = String(decoding: entry, as: UTF8.self)
            guard let equals = text.firstIndex(of: "=") else { continue }
            variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        return variables
    }
}
