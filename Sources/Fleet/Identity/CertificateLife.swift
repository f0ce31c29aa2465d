/// How long certificates of the fleet are valid.
public enum CertificateLife {
    /// Renewed by the client itself at two thirds.
    public static let client = Duration.seconds(30 * 86_400)
    public static let server = Duration.seconds(365 * 86_400)
    public static let admin = Duration.seconds(365 * 86_400)
    public static let distributor = Duration.seconds(365 * 86_400)
}
