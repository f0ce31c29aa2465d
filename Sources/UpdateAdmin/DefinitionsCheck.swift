internal import SweepEngine
public import UpdateTrust

extension Repository {
    /// Publishes what is staged, where definitions are changed only after the engine has loaded all of them and found EICAR's
    /// test file with them. See `publish(testing:)`.
    @discardableResult
    public func publishTested() throws(RepositoryFailure) -> Publication {
        try publish { folder in
            do throws(DefinitionsError) {
                _ = try DefinitionsTest.run(folder)
            } catch {
                // What the publisher has called the file, not where it was laid out.
                let words = "\(error)".replacing("\(folder)/", with: "").replacing(folder, with: "the definitions")
                throw RepositoryFailure("nothing is published, for the definitions do not pass: \(words)")
            }
        }
    }
}

extension String {
    fileprivate func replacing(_ part: String, with other: String) -> String {
        var (rest, result) = (self[...], "")
        while let range = rest.firstRange(of: part) {
            result += rest[..<range.lowerBound] + other
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
