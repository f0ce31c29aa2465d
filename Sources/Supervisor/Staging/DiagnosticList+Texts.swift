import Configuration

extension DiagnosticList {
    /// Each as the operator reads it.
    var texts: [String] {
        var texts = diagnostics.map(\.description)
        if omittedCount > 0 { texts.append("… and \(omittedCount) more") }
        return texts
    }
}

extension Limits {
    init(_ settings: HostSettings.Supervision) {
        func duration(_ value: Int64) -> Nanoseconds { Nanoseconds(max(0, value)) }
        restartLimit = settings.restartLimit
        restartWindow = duration(settings.restartWindow)
        firstPause = duration(settings.firstPause)
        lastPause = duration(settings.lastPause)
        stableAfter = duration(settings.stableAfter)
        stepTimeout = duration(settings.stepTimeout)
        watchdog = duration(settings.watchdog)
        probation = duration(settings.probation)
        quiesceTimeout = duration(settings.quiesceTimeout)
        drainTimeout = duration(settings.drainTimeout)
    }
}
