import MusterABI

/// `muster_http_client`, release 1.0.
struct ClientFunctions: @unchecked Sendable {
    // Unchecked: the table is constant until destroy returns, and its functions are callable from any thread.
    let context: UnsafeMutableRawPointer?
    let start:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<muster_http_client_request>?,
            UnsafePointer<muster_http_client_handler>?, UnsafeMutablePointer<muster_http_transfer>?,
            UnsafeMutablePointer<muster_error>?
        ) -> muster_status
    let cancel: @convention(c) (UnsafeMutableRawPointer?, muster_http_transfer) -> muster_status
    let pauseBody: @convention(c) (UnsafeMutableRawPointer?, muster_http_transfer) -> muster_status
    let resumeBody: @convention(c) (UnsafeMutableRawPointer?, muster_http_transfer) -> muster_status

    init?(_ table: UnsafePointer<muster_http_client>) {
        guard let start = table.pointee.start, let cancel = table.pointee.cancel,
            let pauseBody = table.pointee.pause_body, let resumeBody = table.pointee.resume_body
        else { return nil }
        context = table.pointee.context
        self.start = start
        self.cancel = cancel
        self.pauseBody = pauseBody
        self.resumeBody = resumeBody
    }
}
