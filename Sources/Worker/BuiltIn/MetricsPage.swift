internal import ControlProtocol

/// A snapshot as the text that is answered, and what of it had to be left out.
struct MetricsPage {
    /// A plugin's metric whose name another component uses for something else.
    struct Clash: Hashable {
        var component: String
        var name: String
        /// Who has the name.
        var holder: String
    }

    let text: String
    let clashes: [Clash]

    init(_ snapshot: MetricsSnapshot, as format: ExpositionFormat) {
        var exposition = Exposition(format)
        for family in HostFamilies.all { exposition.write(family, of: snapshot) }
        var families: [String: PluginFamily] = [:]
        var clashes: [Clash] = []
        for component in snapshot.components {
            for family in component.families {
                let definition = family.definition
                let name = definition.familyName
                let known = families[name] ?? PluginFamily(definition: definition, holder: component.name)
                guard known.definition.kind == definition.kind, known.definition.unit == definition.unit else {
                    clashes.append(Clash(component: component.name, name: definition.name, holder: known.holder))
                    continue
                }
                families[name] = known.adding(family, of: component.name)
            }
        }
        for family in families.values.sorted(by: { $0.definition.name < $1.definition.name }) {
            let definition = family.definition
            exposition.write(
                definition.name, .init(definition.kind), help: definition.help, unit: definition.unit,
                series: family.series)
        }
        text = exposition.finish()
        self.clashes = clashes
    }
}

/// A metric that one component or several define alike: what Prometheus must see in one piece.
private struct PluginFamily {
    var definition: MetricDefinition
    /// The first component that defines it.
    var holder: String
    var series: [Exposition.Series] = []

    func adding(_ family: MetricFamily, of component: String) -> PluginFamily {
        var whole = self
        for one in family.series where one.labels.count == family.definition.labels.count {
            let labels = zip(family.definition.labels, one.labels).map { (name: $0, value: $1) }
            whole.series.append(
                .init(
                    labels: [("component", component)] + labels, numbers: one.numbers, bounds: family.definition.bounds)
            )
        }
        return whole
    }
}

extension Exposition.Kind {
    fileprivate init(_ kind: MetricDefinition.Kind) {
        switch kind {
        case .counter: self = .counter
        case .gauge: self = .gauge
        case .histogram: self = .histogram
        }
    }
}

extension Exposition {
    fileprivate mutating func write(_ family: HostFamily, of snapshot: MetricsSnapshot) {
        let bounds = family.kind == .histogram ? RequestDurations.bounds.map { Double($0) / 1e9 } : []
        let series = family.values(snapshot).map { values in
            Series(
                labels: zip(family.labels, values.labels).map { (name: $0, value: $1) }, numbers: values.numbers,
                bounds: bounds)
        }
        write(family.name, family.kind, help: family.help, series: series)
    }
}
