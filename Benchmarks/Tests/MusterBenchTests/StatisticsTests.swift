import Testing

@testable import MusterBench

@Suite struct StatisticsTests {
    @Test func medianIsTheMiddleOrTheMeanOfTheTwoMiddleValues() {
        #expect(Sample([3, 1, 2]).median == 2)
        #expect(Sample([4, 1, 3, 2]).median == 2.5)
        #expect(Sample([]).median == nil)
    }

    @Test func percentileIsTheNearestRank() {
        let sample = Sample((1...100).map(Double.init))
        #expect(sample.percentile(0.99) == 99)
        #expect(sample.percentile(1) == 100)
        #expect(sample.percentile(0) == 1)
        #expect(Sample([]).percentile(0.5) == nil)
    }

    /// The ranks are those of any table of the sign test: for 15 values the 4th and the 12th (96.5 %).
    @Test(arguments: [(6, 1, 6), (9, 2, 8), (10, 2, 9), (15, 4, 12), (20, 6, 15), (25, 8, 18)])
    func intervalOfTheMedianHasTheRanksOfTheSignTest(count: Int, low: Int, high: Int) {
        let interval = Sample((1...count).map(Double.init)).medianInterval
        #expect(interval?.low == Double(low))
        #expect(interval?.high == Double(high))
    }

    @Test func fiveValuesCannotTellAnInterval() {
        #expect(Sample([1, 2, 3, 4, 5]).medianInterval == nil)
    }
}
