internal import Glibc

/// Tells how large a file is while somebody else writes to it.
struct FileGrowth: Sendable {
    private let watch: Task<Void, Never>

    /// Calls `progress` with the file's bytes a few times a second, until `end`.
    /// - Parameter file: stays open until `end` has returned.
    static func watch(_ file: Int32, _ progress: @escaping @Sendable (UInt64) -> Void) -> FileGrowth {
        FileGrowth(
            watch: Task {
                while (try? await Task.sleep(for: .milliseconds(200))) != nil {
                    var state = stat()
                    if fstat(file, &state) == 0 { progress(UInt64(clamping: state.st_size)) }
                }
            })
    }

    func end() async {
        watch.cancel()
        await watch.value
    }
}
