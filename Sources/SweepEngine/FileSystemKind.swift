internal import Files
internal import CLinux
import Glibc

/// What a file system is to a sweep, by its number in statfs(2) and the kernel's linux/magic.h.
enum FileSystemKind: Hashable, Sendable {
    /// Holds files.
    case local
    /// Its files are on another machine, or come from a program (FUSE) that may never answer.
    case network
    /// Shows what the kernel knows as if it were files.
    case pseudo

    init(magic: UInt32) {
        self = Self.pseudoMagics.contains(magic) ? .pseudo : Self.networkMagics.contains(magic) ? .network : .local
    }

    /// Of an open descriptor; one that only names a file will do.
    static func of(_ descriptor: CInt) throws(SystemFailure) -> FileSystemKind {
        var magic: UInt32 = 0
        while clinux_file_system_type(descriptor, &magic) != 0 {
            if errno != EINTR { throw SystemFailure(errno) }
        }
        return FileSystemKind(magic: magic)
    }

    private static let pseudoMagics: Set<UInt32> = [
        0x9FA0,  // proc
        0x6265_6572,  // sysfs
        0x0027_E0EB, 0x6367_7270,  // cgroup, cgroup2
        0x6462_6720, 0x7472_6163,  // debugfs, tracefs
        0x7363_6673,  // securityfs
        0x1CD1,  // devpts
        0xCAFE_4A11,  // bpf
        0x6165_676C,  // pstore
        0xDE5E_81E4,  // efivarfs
        0x6265_6570,  // configfs
        0x1980_0202,  // mqueue
        0x9584_58F6,  // hugetlbfs
        0x4249_4E4D,  // binfmt_misc
        0xF97C_FF8C,  // selinuxfs
        0x6759_6969,  // rpc_pipefs
        0x6E73_6673,  // nsfs
        0x6573_5543,  // fusectl
        0x0187,  // autofs: entering it mounts something
        0x6C6F_6F70,  // binderfs
    ]

    private static let networkMagics: Set<UInt32> = [
        0x6969,  // nfs
        0x517B, 0xFF53_4D42, 0xFE53_4D42,  // smb, cifs, smb2
        0x5346_414F, 0x6B41_4653,  // openafs, afs
        0x7375_7245,  // coda
        0x564C,  // ncp
        0x00C3_6400,  // ceph
        0x0102_1997,  // 9p
        0x6573_5546,  // fuse
        0x0BD0_0BD0,  // lustre
        0x4750_4653,  // gpfs
    ]
}
