internal import CCurl

/// A date in a header field, in any form that RFC 9110 section 5.6.7 knows.
enum HTTPDateText {
    static func seconds(_ text: String) -> Int64? {
        let seconds = ccurl_date(text)
        return seconds >= 0 ? seconds : nil
    }
}
