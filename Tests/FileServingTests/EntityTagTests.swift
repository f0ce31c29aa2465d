import PluginKit
import Testing

@testable import FileServing

@Suite struct EntityTagTests {
    @Test func tagsAreRead() {
        #expect(EntityTag("\"a b\"") == nil)
        #expect(EntityTag("\"ab\"") == EntityTag(opaque: "ab"))
        #expect(EntityTag("W/\"ab\"") == EntityTag(isWeak: true, opaque: "ab"))
        #expect(EntityTag("\"\"") == EntityTag(opaque: ""))
        for wrong in ["", "ab", "\"ab", "ab\"", "w/\"ab\"", "\"a\"b", "W/ab", "*", "\"a\u{7F}\""] {
            #expect(EntityTag(wrong) == nil)
        }
        #expect(EntityTag(isWeak: true, opaque: "x").text == "W/\"x\"")
    }

    @Test func comparisonsAreThoseOfTheStandard() {
        let (strong, weak) = (EntityTag(opaque: "1"), EntityTag(isWeak: true, opaque: "1"))
        #expect(!weak.matchesStrongly(weak) && weak.matchesWeakly(weak))
        #expect(!strong.matchesStrongly(weak) && strong.matchesWeakly(weak))
        #expect(strong.matchesStrongly(strong))
        #expect(!strong.matchesWeakly(EntityTag(opaque: "2")))
    }

    @Test func listsAreReadAsFarAsTheyMakeSense() {
        #expect(EntityTagList("*") == .any)
        #expect(EntityTagList(" * ") == .any)
        #expect(
            EntityTagList("\"a\", W/\"b\" ,,\"c,d\"")
                == .tags([
                    EntityTag(opaque: "a"), EntityTag(isWeak: true, opaque: "b"), EntityTag(opaque: "c,d"),
                ]))
        #expect(EntityTagList("") == .tags([]))
        #expect(EntityTagList("\"a\" \"b\"") == .tags([EntityTag(opaque: "a")]))
        #expect(EntityTagList("\"a\", x, \"b\"") == .tags([EntityTag(opaque: "a")]))
        #expect(EntityTagList("*, \"a\"") == .tags([]))
    }
}

@Suite struct ConditionsTests {
    private let file = Conditions.Validators(
        tag: EntityTag(opaque: "now"), lastModified: 784_111_777, isDateStrong: true, size: 1000)
    private let same = "Sun, 06 Nov 1994 08:49:37 GMT"
    private let before = "Sun, 06 Nov 1994 08:49:36 GMT"
    private let after = "Sun, 06 Nov 1994 08:49:38 GMT"

    private func verdict(
        _ method: Method = .get, _ change: (inout Conditions) -> Void
    ) -> Conditions.Verdict {
        var conditions = Conditions()
        change(&conditions)
        return conditions.verdict(method, file, now: 1_800_000_000)
    }

    @Test func ifMatchNeedsTheStrongTag() {
        #expect(verdict { $0.ifMatch = "\"now\"" } == .whole)
        #expect(verdict { $0.ifMatch = "\"then\", \"now\"" } == .whole)
        #expect(verdict { $0.ifMatch = "*" } == .whole)
        #expect(verdict { $0.ifMatch = "W/\"now\"" } == .preconditionFailed)
        #expect(verdict { $0.ifMatch = "\"then\"" } == .preconditionFailed)
        #expect(verdict { $0.ifMatch = "rubbish" } == .preconditionFailed)
    }

    @Test func ifUnmodifiedSinceComparesAndGivesWayToIfMatch() {
        #expect(verdict { $0.ifUnmodifiedSince = same } == .whole)
        #expect(verdict { $0.ifUnmodifiedSince = after } == .whole)
        #expect(verdict { $0.ifUnmodifiedSince = before } == .preconditionFailed)
        #expect(verdict { $0.ifUnmodifiedSince = "rubbish" } == .whole)
        #expect(
            verdict {
                $0.ifUnmodifiedSince = before; $0.ifMatch = "\"now\""
            } == .whole)
    }

    @Test func ifNoneMatchComparesWeakly() {
        #expect(verdict { $0.ifNoneMatch = "\"now\"" } == .notModified)
        #expect(verdict { $0.ifNoneMatch = "W/\"now\"" } == .notModified)
        #expect(verdict(.head) { $0.ifNoneMatch = "*" } == .notModified)
        #expect(verdict { $0.ifNoneMatch = "\"then\"" } == .whole)
    }

    @Test func ifModifiedSinceComparesAndGivesWayToIfNoneMatch() {
        #expect(verdict { $0.ifModifiedSince = same } == .notModified)
        #expect(verdict { $0.ifModifiedSince = after } == .notModified)
        #expect(verdict { $0.ifModifiedSince = before } == .whole)
        #expect(verdict { $0.ifModifiedSince = "rubbish" } == .whole)
        #expect(
            verdict {
                $0.ifModifiedSince = same; $0.ifNoneMatch = "\"then\""
            } == .whole)
    }

    @Test func preconditionsComeInTheStandardsOrder() {
        #expect(
            verdict {
                $0.ifMatch = "\"then\""; $0.ifNoneMatch = "\"now\""
            } == .preconditionFailed)
        #expect(
            verdict {
                $0.ifMatch = "\"now\""; $0.ifNoneMatch = "\"now\""
            } == .notModified)
        #expect(
            verdict {
                $0.ifNoneMatch = "\"now\""; $0.range = "bytes=0-1"
            } == .notModified)
        #expect(
            verdict {
                $0.ifMatch = "\"then\""; $0.range = "bytes=5000-"
            } == .preconditionFailed)
    }

    @Test func rangeIsForGETAlone() {
        #expect(verdict { $0.range = "bytes=0-1" } == .parts([0..<2]))
        #expect(verdict(.head) { $0.range = "bytes=0-1" } == .whole)
        #expect(verdict { $0.range = "bytes=5000-" } == .rangeNotSatisfiable)
        #expect(verdict { $0.range = "rubbish" } == .whole)
    }

    @Test func ifRangeNeedsAStrongValidator() {
        func ranged(_ value: String) -> Conditions.Verdict {
            verdict {
                $0.ifRange = value
                $0.range = "bytes=0-1"
            }
        }
        #expect(ranged("\"now\"") == .parts([0..<2]))
        #expect(ranged("\"then\"") == .whole)
        #expect(ranged("W/\"now\"") == .whole)
        #expect(ranged("\"now\", \"then\"") == .whole)
        #expect(ranged(same) == .parts([0..<2]))
        #expect(ranged(before) == .whole)
        #expect(ranged(after) == .whole)
        #expect(ranged("*") == .whole)
        #expect(ranged("") == .whole)
    }

    @Test func dateThatIsNotStrongDoesNotAllowARange() {
        var young = file
        young.isDateStrong = false
        var conditions = Conditions()
        conditions.ifRange = same
        conditions.range = "bytes=0-1"
        #expect(conditions.verdict(.get, young, now: 0) == .whole)
    }

    @Test func ifRangeWithAnUnsatisfiableRangeOfAnotherContentIsTheWhole() {
        #expect(
            verdict {
                $0.ifRange = "\"then\""; $0.range = "bytes=5000-"
            } == .whole)
    }

    @Test func fileWithoutADateHasOnlyItsTag() {
        var undated = file
        undated.lastModified = nil
        var conditions = Conditions()
        conditions.ifModifiedSince = after
        #expect(conditions.verdict(.get, undated, now: 0) == .whole)
        conditions.ifUnmodifiedSince = before
        #expect(conditions.verdict(.get, undated, now: 0) == .whole)
    }
}
