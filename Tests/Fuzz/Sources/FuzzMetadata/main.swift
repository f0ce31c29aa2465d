// Bytes as a metadata file of each role: whatever they are, reading answers, and what was read can be asked.
import CFuzzer
import Glibc
import UpdateTrust

func read<Role: MetadataRole>(_ bytes: [UInt8], _ role: Role.Type) -> SignedMetadata<Role>? {
    do throws(MetadataError) {
        let metadata: SignedMetadata<Role> = try SignedMetadata(bytes)
        precondition(metadata.role.version >= 1, "a version that is none")
        precondition(metadata.bytes == bytes, "what was received was not kept")
        return metadata
    } catch {
        precondition(!error.description.isEmpty, "refused without a reason")
        return nil
    }
}

func judge(_ bytes: [UInt8]) {
    let now = MetadataTime(seconds: 1_700_000_000)
    let roles = [
        read(bytes, RootMetadata.self) != nil, read(bytes, TimestampMetadata.self) != nil,
        read(bytes, SnapshotMetadata.self) != nil,
    ]
    let targets = read(bytes, TargetsMetadata.self)
    precondition(roles.filter { $0 }.count + (targets == nil ? 0 : 1) <= 1, "a file of two roles")
    if let targets = targets?.role {
        // Paths of others go through the patterns of others.
        for path in targets.targets.keys.prefix(16) {
            _ = TargetPath.trouble(path)
            for delegation in targets.delegations.prefix(16) { _ = delegation.covers(path) }
        }
    }
    // Its signatures are checked, with keys that it brings along.
    _ = try? TrustedMetadata(root: bytes, now: now)
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
