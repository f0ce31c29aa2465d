internal import MusterABI

/// The three members that every table and options structure of the ABI begins with.
protocol TableHeader {
    var struct_size: UInt32 { get }
    var abi_major: UInt16 { get }
    var abi_minor: UInt16 { get }
}

extension muster_plugin: TableHeader {}
extension muster_option: TableHeader {}
extension muster_listener_spec: TableHeader {}
extension muster_bus_spec: TableHeader {}
extension muster_bus_subscriber: TableHeader {}
extension muster_bus_server: TableHeader {}
extension muster_bus_call_options: TableHeader {}
extension muster_process_spec: TableHeader {}
extension muster_component: TableHeader {}
extension muster_timer_options: TableHeader {}
extension muster_work_item: TableHeader {}
extension muster_listener_handler: TableHeader {}
extension muster_process_handler: TableHeader {}
extension muster_http_client_request: TableHeader {}
extension muster_http_client_handler: TableHeader {}
extension muster_metric_spec: TableHeader {}

extension UnsafePointer where Pointee: TableHeader {
    /// The size that the table's writer knew. Reads nothing beyond the first four bytes, which every table has.
    var declaredSize: Int { Int(UnsafeRawPointer(self).load(as: UInt32.self)) }

    /// The structure, when it reaches as far as in 1.0.
    ///
    /// It may be larger, of a newer minor (what is beyond is not for this host), and in a host that knows more members
    /// than its writer did it is shorter than ours: only what it has is read, the rest is zero.
    func read(atLeast size: Int) -> Pointee? {
        let declared = declaredSize
        guard declared >= size else { return nil }
        return withUnsafeTemporaryAllocation(of: Pointee.self, capacity: 1) { copy in
            let bytes = UnsafeMutableRawBufferPointer(copy)
            bytes.initializeMemory(as: UInt8.self, repeating: 0)
            let count = Swift.min(declared, bytes.count)
            bytes.copyMemory(from: UnsafeRawBufferPointer(start: self, count: count))
            return bytes.load(as: Pointee.self)
        }
    }
}
