internal import Configuration
public import UpdateTrust

/// What a publication came to, for the one who made it.
public struct PublicationView {
    private let publication: Publication

    public init(_ publication: Publication) { self.publication = publication }

    public func render() -> String {
        var lines = ["Published: snapshot \(publication.snapshot), timestamp \(publication.timestamp)."]
        if let version = publication.definitions { lines.append("Definitions are version \(visible(version)).") }
        if publication.added.isEmpty, publication.removed.isEmpty {
            lines.append("Nothing was noted: only snapshot and timestamp were signed anew.")
        }
        lines += publication.added.map { "  + \(visible($0))" }
        lines += publication.removed.map { "  - \(visible($0))" }
        for delta in publication.deltas {
            lines.append(
                "  \(visible(delta.target)): \(Quantity.bytes(delta.bytes)) instead of \(Quantity.bytes(delta.of)) for who has a "
                    + "former version")
        }
        if publication.collected > 0 {
            lines.append("\(Quantity.count(publication.collected, "file")) of former versions removed.")
        }
        return lines.joined(separator: "\n")
    }
}
