internal import ControlProtocol
internal import MusterABI

/// `muster.listener/1` of one component: the bound sockets of its raw listeners. Control thread only, and it sees to that
/// itself.
final class ListenerExtension {
    /// Gets the sockets of a listener from the supervisor, or throws the sentence that says why not.
    typealias Obtain = (_ listener: String) throws(ListenerRefusal) -> [Descriptor]

    private let rawListeners: Set<String>
    /// Whether this is the control thread and the component is in prepare.
    private let isPreparing: () -> Bool
    private let obtain: Obtain
    /// For the reader thread.
    let watch = RawSocketWatch()
    private var handlers: [UnsafePointer<muster_listener_handler>] = []
    private var isAccepting = false
    /// Kept until destroy has returned, those of a listener that is not handed out yet as well.
    private var descriptors: [String: [Descriptor]] = [:]
    private var opened: Set<String> = []
    private var storage: TableStorage<muster_listener>?

    init(listeners: [ListenerPlan], isPreparing: @escaping () -> Bool, obtain: @escaping Obtain) {
        rawListeners = Set(listeners.filter { $0.transport == .raw }.map(\.name))
        self.isPreparing = isPreparing
        self.obtain = obtain
        var table = muster_listener()
        table.struct_size = UInt32(MemoryLayout<muster_listener>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.open = { context, name, handler, descriptors, capacity, count, error in
            guard let context else { return MUSTER_INVALID }
            let listener = Unmanaged<ListenerExtension>.fromOpaque(context).takeUnretainedValue()
            let room = Room(descriptors: descriptors, capacity: capacity, count: count)
            return listener.open(name, handler, room, error)
        }
        storage = TableStorage(table)
    }

    var table: UnsafePointer<muster_listener>? { storage?.pointer }

    /// Tells the plugin to accept. Repeatable.
    func startAccepting() {
        guard !isAccepting else { return }
        isAccepting = true
        watch.setAccepting(true)
        for handler in handlers { handler.pointee.start?(handler.pointee.context) }
    }

    /// Tells the plugin to accept no more. Repeatable.
    func pauseAccepting() {
        guard isAccepting else { return }
        isAccepting = false
        watch.setAccepting(false)
        for handler in handlers { handler.pointee.pause?(handler.pointee.context) }
    }

    /// Where a plugin wants its descriptors.
    private struct Room {
        var descriptors: UnsafeMutablePointer<Int32>?
        var capacity: Int
        var count: UnsafeMutablePointer<Int>?
    }

    private func open(
        _ name: muster_string, _ handler: UnsafePointer<muster_listener_handler>?, _ room: Room,
        _ reason: UnsafeMutablePointer<muster_error>?
    ) -> muster_status {
        func refuse(_ status: muster_status, _ sentence: String) -> muster_status {
            ErrorMessage.write(sentence, to: reason)
            return status
        }
        guard isPreparing() else {
            return refuse(MUSTER_WRONG_STATE, "listeners are opened on the control thread, in prepare")
        }
        guard let name = name.text(limit: ManifestLimits.word), rawListeners.contains(name) else {
            return refuse(MUSTER_INVALID, "the manifest has no listener of this name whose transport is raw")
        }
        guard let handler, let reading = handler.read(atLeast: Int(MUSTER_LISTENER_HANDLER_SIZE_1_0)),
            reading.start != nil, reading.pause != nil
        else {
            return refuse(MUSTER_INVALID, "the handler of '\(name)' is NULL, too small, or lacks start or pause")
        }
        guard let count = room.count, room.descriptors != nil || room.capacity == 0 else {
            return refuse(MUSTER_INVALID, "there is no room for the descriptors of '\(name)'")
        }
        guard !opened.contains(name) else {
            return refuse(MUSTER_WRONG_STATE, "the listener '\(name)' is open already")
        }
        let sockets: [Descriptor]
        do throws(ListenerRefusal) {
            // Asked for once: a plugin with too little room comes again.
            sockets = if let kept = descriptors[name] { kept } else { try obtain(name) }
        } catch {
            return refuse(MUSTER_FAILED, error.reason)
        }
        descriptors[name] = sockets
        count.pointee = sockets.count
        guard UInt(bitPattern: room.capacity) >= UInt(sockets.count) else {
            return refuse(MUSTER_INVALID, "'\(name)' has \(sockets.count) sockets, more than there is room for")
        }
        for (index, socket) in sockets.enumerated() { room.descriptors?[index] = socket.rawValue }
        opened.insert(name)
        watch.add(name, sockets)
        handlers.append(handler)
        return MUSTER_OK
    }
}

/// Why a component does not get a listener: a sentence for the operator.
struct ListenerRefusal: Error, CustomStringConvertible {
    var reason: String

    var description: String { reason }
}
