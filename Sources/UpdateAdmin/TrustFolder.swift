internal import Files
public import UpdateTrust

/// The beginning of a folder of trusted metadata, for `muster tuf init`.
public enum TrustFolder {
    /// Begins to trust the repository of a root that is in a file. No request is made.
    ///
    /// A folder that trusts another root already stays as it is: replacing what is trusted is for a person to decide.
    /// - Throws: `UpdateError`: `malformed`, `unsigned`, `storage`, `locked`; `mismatch` where there is another root.
    public static func begin(_ cache: MetadataCache, rootFile: String) throws(UpdateError) {
        let root: [UInt8]
        do throws(FileFailure) {
            root = try DurableFiles.read(rootFile, upTo: MetadataLimits().root)
        } catch {
            throw UpdateError(.storage, "\(error)", systemError: error.code)
        }
        try UpdateClient.begin(cache, with: root)
    }
}
