internal import Fleet

// What is kept of what clients say has bounds, whatever they say.

extension Heartbeat {
    mutating func bound() {
        name = name.cut(to: 253)
        instance = instance.cut(to: 64)
        version = version.cut(to: 64)
        definitions = definitions?.cut(to: 128)
        statusHash = statusHash.cut(to: 64)
        let usable = doorbells.filter { kind, bell in
            (1...65_535).contains(bell.port) && kind.utf8.count <= 64 && (bell.address?.utf8.count ?? 0) <= 253
        }
        doorbells = usable.count <= 16 ? usable : [:]
    }
}

extension Progress {
    var bounded: Progress {
        var progress = self
        progress.path = path?.cut(to: 4096)
        return progress
    }
}

extension String {
    /// Its beginning, of at most so many bytes.
    func cut(to bytes: Int) -> String {
        guard utf8.count > bytes else { return self }
        var end = utf8.index(startIndex, offsetBy: max(0, bytes))
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(unicodeScalars[..<end])
    }
}
