import FileServing
import Glibc
import Locks
import PluginKit
import Synchronization

/// Shares what there is: a client that takes more than its part, and everybody where all take more than there is, comes
/// again later, each at another moment.
final class Fairness: AnswerMeter {
    struct Rates: Sendable, Equatable {
        /// A second; 0: no bound.
        var clientRequests: Int64 = 0
        var clientBytes: Int64 = 0
        var totalBytes: Int64 = 0

        var isNone: Bool { clientRequests == 0 && clientBytes == 0 && totalBytes == 0 }
    }

    private struct Client {
        var requests: Bucket
        var bytes: Bucket
    }

    private final class Part: Sendable {
        let clients = Locked<[UInt64: Client]>([:])
    }

    private static let partCount = 16
    /// Addresses that are remembered in each part; those that owe nothing are forgotten beyond it.
    private static let partLimit = 8192
    private static let second: Int64 = 1_000_000_000
    /// What a client, and all, may save up.
    private static let clientSaved = 10 * second
    private static let totalSaved = second

    private let rates: Rates
    private let parts = (0..<partCount).map { _ in Part() }
    private let total: Locked<Bucket>
    private let clock: @Sendable () -> Int64
    private let refusals = Atomic<UInt64>(0)

    /// - Parameter clock: nanoseconds that never go back.
    init(_ rates: Rates, clock: @escaping @Sendable () -> Int64 = Fairness.steady) {
        self.rates = rates
        self.clock = clock
        total = Locked(Bucket(now: clock()))
    }

    static let steady: @Sendable () -> Int64 = {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return Int64(time.tv_sec) * second + Int64(time.tv_nsec)
    }

    /// How many requests were put off.
    var refused: UInt64 { refusals.load(ordering: .relaxed) }

    /// nil: the request may be answered, and is counted; else when to come again, in seconds.
    func admit(_ client: UInt64) -> Int64? {
        let now = clock()
        var debt = rates.totalBytes > 0 ? total.withLock { $0.debt(now: now) } : 0
        if rates.clientRequests > 0 || rates.clientBytes > 0 {
            let own = part(client).clients.withLock { clients -> Int64 in
                var entry = clients[client] ?? Client(requests: Bucket(now: now), bytes: Bucket(now: now))
                let own = max(entry.requests.debt(now: now), entry.bytes.debt(now: now))
                // Who is put off owes no more for having asked.
                guard own == 0, debt == 0 else { return own }
                if rates.clientRequests > 0 {
                    entry.requests.take(Self.second / rates.clientRequests, now: now, saved: Self.clientSaved)
                }
                if clients.count >= Self.partLimit, clients[client] == nil { Self.forget(&clients, now) }
                clients[client] = entry
                return 0
            }
            debt = max(debt, own)
        }
        guard debt > 0 else { return nil }
        refusals.add(1, ordering: .relaxed)
        return Self.retryAfter(debt, client)
    }

    func count(_ bytes: UInt64, client: UInt64) {
        let now = clock()
        if rates.totalBytes > 0 {
            let cost = Self.cost(bytes, rates.totalBytes)
            total.withLock { $0.take(cost, now: now, saved: Self.totalSaved) }
        }
        guard rates.clientBytes > 0 else { return }
        let cost = Self.cost(bytes, rates.clientBytes)
        part(client).clients.withLock { clients in
            clients[client]?.bytes.take(cost, now: now, saved: Self.clientSaved)
        }
    }

    /// Whole seconds: until the debt is paid, and up to as long again, at least three seconds' worth, by the client's
    /// number: a client's place is its own each time, and no two crowds come back at one moment.
    static func retryAfter(_ debt: Int64, _ client: UInt64) -> Int64 {
        let seconds = (debt + second - 1) / second
        let spread = UInt64(min(max(seconds, 3), 60))
        return seconds + Int64(ClientNumber.mixed(client) % (spread + 1))
    }

    private static func cost(_ bytes: UInt64, _ rate: Int64) -> Int64 {
        Int64(min(Double(bytes) * Double(second) / Double(rate), Double(Int64.max / 4)))
    }

    private static func forget(_ clients: inout [UInt64: Client], _ now: Int64) {
        clients = clients.filter {
            !$0.value.requests.isFull(now: now, saved: clientSaved)
                || !$0.value.bytes.isFull(now: now, saved: clientSaved)
        }
        // All of them owe: whoever comes may begin anew rather than that memory grows.
        if clients.count >= partLimit { clients.removeAll(keepingCapacity: true) }
    }

    private func part(_ client: UInt64) -> Part { parts[Int(client >> 60)] }
}

/// A client's address as a number.
enum ClientNumber {
    /// Of `192.0.2.7:40112` or `[2001:db8::7]:40112` without the port (FNV-1a, mixed), the same in every process.
    static func of(_ peer: borrowing BorrowedText, salt: UInt64 = 0) -> UInt64 {
        peer.bytes.withUnsafeBytes { bytes in
            var end = bytes.count
            while end > 0, bytes[end - 1] != UInt8(ascii: ":") { end -= 1 }
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ salt
            for byte in bytes[..<max(0, end - 1)] { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            return mixed(hash)
        }
    }

    static func isLoopback(_ peer: borrowing BorrowedText) -> Bool {
        peer.hasPrefix("127.") || peer.hasPrefix("[::1]:") || peer.hasPrefix("[::ffff:127.")
    }

    /// Spreads every bit over all (the finaliser of MurmurHash3).
    static func mixed(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        value = (value ^ (value >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return value ^ (value >> 33)
    }
}
