import PluginKit
import Synchronization

/// A file as it is served: its content, or the open file, with all that an answer says of it made beforehand.
final class Representation: Sendable {
    /// What is sent.
    enum Content: Sendable {
        case bytes([UInt8])
        case file(OpenFile)
    }

    let path: [UInt8]
    let state: FileState
    let content: Content
    let validators: Conditions.Validators
    let mediaType: String
    /// The header fields of 200 and 304.
    let fields: HeaderFields
    /// Of 206 in one part and of 206 in many, but for what the ranges add.
    let validatorFields: [(name: String, value: String)]
    /// Whether the state did not tell this content from the next one when it was read.
    let isAmbiguous: Bool
    /// When the file was last seen in this state; the clock's steady nanoseconds.
    private let lastSeen: Atomic<UInt64>
    private let lastEpoch: Atomic<UInt64>

    /// - Parameters:
    ///   - path: what it is known by.
    ///   - name: whose ending says what it is.
    ///   - notModifiedBefore: seconds since 1970, see `FileAlias`.
    ///   - tag: unique for this content of this file.
    ///   - seen: when `state` was read, on both clocks.
    ///   - epoch: the cache's before that.
    init(
        path: [UInt8], name: String, state: FileState, content: Content, tag: EntityTag, cacheControl: String,
        isAmbiguous: Bool, notModifiedBefore: Int64, seen: (steady: UInt64, wall: Int64), epoch: UInt64 = 0
    ) {
        self.path = path
        self.state = state
        self.content = content
        self.isAmbiguous = isAmbiguous
        lastSeen = Atomic(seen.steady)
        lastEpoch = Atomic(epoch)
        mediaType = MediaType.of(name)
        // A date in the future is not the server's to give (RFC 9110 §8.8.2.1).
        let second: Int64 = 1_000_000_000
        let modified = max(min(state.modified, seen.wall), min(notModifiedBefore, Int64.max / second) * second)
        let text = modified >= 0 ? HTTPDate.text(modified / second) : nil
        validators = Conditions.Validators(
            tag: tag, lastModified: text == nil ? nil : modified / second,
            isDateStrong: max(state.modified / second, notModifiedBefore) < seen.wall / second - 1, size: state.size)
        var shared = [(name: "ETag", value: tag.text)]
        if let text { shared.append((name: "Last-Modified", value: text)) }
        if !cacheControl.isEmpty { shared.append((name: "Cache-Control", value: cacheControl)) }
        shared.append((name: "Accept-Ranges", value: "bytes"))
        shared.append((name: "X-Content-Type-Options", value: "nosniff"))
        validatorFields = shared
        fields = HeaderFields([(name: "Content-Type", value: mediaType)] + shared)
    }

    /// Whether the file was looked at within the last second, and since the folder was last said to have changed.
    /// - Parameter epoch: the present one of the cache.
    func isFresh(at now: UInt64, in epoch: UInt64) -> Bool {
        guard lastEpoch.load(ordering: .relaxed) == epoch else { return false }
        let seen = lastSeen.load(ordering: .relaxed)
        return now < seen || now - seen < Self.lifetime
    }

    /// The file was looked at and is as it was.
    /// - Parameter epoch: the cache's when the look began.
    func markSeen(at now: UInt64, in epoch: UInt64) {
        lastSeen.store(now, ordering: .relaxed)
        lastEpoch.store(epoch, ordering: .relaxed)
    }

    /// Nanoseconds.
    private static let lifetime: UInt64 = 1_000_000_000

    /// What it takes of a cache: descriptors and bytes.
    var cost: (files: Int, bytes: Int) {
        switch content {
        case .bytes(let bytes): (0, bytes.count + Self.overhead)
        case .file: (1, Self.overhead)
        }
    }

    /// About what the header fields, the path and the object take, so that many empty files count as well.
    private static let overhead = 1024
}
