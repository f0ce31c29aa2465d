import MusterABI

/// A table or options structure of the ABI: it begins with its own size and the version its writer knew.
protocol SizedTable {
    var struct_size: UInt32 { get set }
    var abi_major: UInt16 { get set }
    var abi_minor: UInt16 { get set }
    init()
}

extension SizedTable {
    /// All zero but for the three first members: what `MUSTER_INIT` does in C.
    static func sized() -> Self {
        var table = Self()
        table.struct_size = UInt32(MemoryLayout<Self>.stride)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        return table
    }
}

extension muster_plugin: SizedTable {}
extension muster_option: SizedTable {}
extension muster_listener_spec: SizedTable {}
extension muster_process_spec: SizedTable {}
extension muster_component: SizedTable {}
extension muster_http_handler: SizedTable {}
extension muster_http_limits: SizedTable {}
extension muster_file: SizedTable {}
extension muster_listener_handler: SizedTable {}
extension muster_process_handler: SizedTable {}
extension muster_http_client_request: SizedTable {}
extension muster_http_client_handler: SizedTable {}
extension muster_timer_options: SizedTable {}
extension muster_work_item: SizedTable {}
extension muster_bus_spec: SizedTable {}
extension muster_bus_subscriber: SizedTable {}
extension muster_bus_server: SizedTable {}
extension muster_bus_call_options: SizedTable {}
extension muster_metric_spec: SizedTable {}
extension muster_error: SizedTable {}

/// Whether a table that the host handed over may be read as far as release 1.0 goes.
///
/// Only the first eight bytes are touched before its size is known to suffice.
func isUsable(_ table: UnsafeRawPointer?, size: Int32) -> Bool {
    guard let table else { return false }
    let declared = table.loadUnaligned(as: UInt32.self)
    let major = table.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
    return declared >= UInt32(size) && major == UInt16(MUSTER_ABI_MAJOR)
}
