/// Dates as HTTP writes them (RFC 9110 §5.6.7), as seconds since 1970 in UTC.
enum HTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let longDays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    /// The last second of the year 9999.
    static let latest: Int64 = 253_402_300_799

    /// `Sun, 06 Nov 1994 08:49:37 GMT`; nil for what four digits of a year cannot say, and before 1970.
    static func text(_ seconds: Int64) -> String? {
        guard 0...latest ~= seconds else { return nil }
        let (day, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, dayOfMonth) = civil(day)
        return "\(days[Int((day + 4) % 7)]), \(padded(dayOfMonth)) \(months[month - 1]) \(padded(year, 4)) "
            + "\(padded(Int(rest / 3600))):\(padded(Int(rest / 60 % 60))):\(padded(Int(rest % 60))) GMT"
    }

    /// Any of the three formats a recipient must accept; nil for anything else.
    /// - Parameter now: seconds since 1970, to which the two digits of an RFC 850 year are relative.
    static func seconds(_ text: String, now: Int64) -> Int64? {
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        return fixdate(words) ?? rfc850(words, now: now) ?? asctime(words)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    private static func fixdate(_ words: [String]) -> Int64? {
        guard words.count == 6, words[5] == "GMT", isDay(words[0], of: days),
            let day = digits(words[1], 2), let month = months.firstIndex(of: words[2]), let year = digits(words[3], 4)
        else { return nil }
        return seconds(year, month + 1, day, words[4])
    }

    /// `Sunday, 06-Nov-94 08:49:37 GMT`
    private static func rfc850(_ words: [String], now: Int64) -> Int64? {
        guard words.count == 4, words[3] == "GMT", isDay(words[0], of: longDays) else { return nil }
        let date = words[1].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard date.count == 3, let day = digits(date[0], 2), let month = months.firstIndex(of: date[1]),
            let short = digits(date[2], 2)
        else { return nil }
        // The year that ends in these digits and is not more than 50 years ahead.
        let thisYear = civil(min(max(now, 0), latest) / 86_400).year
        var year = thisYear - thisYear % 100 + 100 + short
        while year > thisYear + 50 { year -= 100 }
        return seconds(year, month + 1, day, words[2])
    }

    /// `Sun Nov  6 08:49:37 1994`
    private static func asctime(_ words: [String]) -> Int64? {
        var words = words
        if words.count == 6, words[2].isEmpty {
            words.remove(at: 2)
            guard words[2].utf8.count == 1 else { return nil }
            words[2] = "0" + words[2]
        }
        guard words.count == 5, days.contains(words[0]), let month = months.firstIndex(of: words[1]),
            let day = digits(words[2], 2), let year = digits(words[4], 4)
        else { return nil }
        return seconds(year, month + 1, day, words[3])
    }

    private static func isDay(_ word: String, of names: [String]) -> Bool {
        word.last == "," && names.contains(String(word.dropLast()))
    }

    /// A date and `08:49:37` as seconds since 1970.
    private static func seconds(_ year: Int, _ month: Int, _ day: Int, _ time: String) -> Int64? {
        let parts = time.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let hour = digits(parts[0], 2), let minute = digits(parts[1], 2),
            let second = digits(parts[2], 2), hour < 24, minute < 60, second <= 60,  // 60: a leap second
            1...length(of: month, in: year) ~= day
        else { return nil }
        return daysSince1970(year, month, day) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// Exactly `count` ASCII digits as a number.
    private static func digits(_ text: String, _ count: Int) -> Int? {
        guard text.utf8.count == count, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int(text)
    }

    private static func padded(_ number: Int, _ width: Int = 2) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    private static func length(of month: Int, in year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    // The proleptic Gregorian calendar, in years that begin with March, so that the leap day is the last of a year.

    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * 146_097 + dayOfEra - 719_468)
    }

    private static func civil(_ daysSince1970: Int64) -> (year: Int, month: Int, day: Int) {
        let days = Int(daysSince1970) + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}
