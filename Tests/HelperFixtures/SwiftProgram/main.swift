// A helper in Swift: what its runtime, Foundation and concurrency ask of the system has to work sealed.

import CLinux
import Dispatch
import Foundation

/// Sums in several tasks at once, on the threads of the cooperative pool.
func sum(to count: Int) async -> Int {
    await withTaskGroup(of: Int.self) { group in
        for part in 0..<8 { group.addTask { (0..<count).filter { $0 % 8 == part }.reduce(0, +) } }
        return await group.reduce(0, +)
    }
}

struct Report: Codable {
    var sum: Int
    var date: String
    var hour: Int
    var queued: Int
    var temporary: String
    var written: String
    var hidden: Bool
}

/// What needs a queue of Dispatch.
func queued() -> Int {
    let results = UnsafeMutableBufferPointer<Int>.allocate(capacity: 64)
    defer { results.deallocate() }
    nonisolated(unsafe) let shared = results
    DispatchQueue.concurrentPerform(iterations: 64) { shared[$0] = $0 }
    return results.reduce(0, +)
}

func report() async -> Report {
    let noon = Date(timeIntervalSince1970: 12 * 3600)
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(identifier: "Europe/Paris") ?? .gmt
    let file = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent("swift-helper.txt")
    var written = "nothing"
    do {
        try Data("kept".utf8).write(to: file)
        written = try String(contentsOf: file, encoding: .utf8)
        try FileManager.default.removeItem(at: file)
    } catch {
        written = "\(error)"
    }
    return Report(
        sum: await sum(to: 1000), date: noon.formatted(.iso8601), hour: calendar.component(.hour, from: noon),
        queued: queued(), temporary: NSTemporaryDirectory(), written: written,
        hidden: !FileManager.default.isReadableFile(atPath: "/etc/passwd")
            || FileManager.default.contents(atPath: "/etc/passwd") == nil)
}

var bytes = [UInt8](repeating: 0, count: 4096)
while true {
    let length = recv(3, &bytes, bytes.count, 0)
    if length <= 0 { break }
    let answer = try JSONEncoder().encode(await report())
    _ = answer.withUnsafeBytes { send(3, $0.baseAddress, $0.count, 0) }
}
