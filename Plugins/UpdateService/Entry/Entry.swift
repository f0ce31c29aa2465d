public import MusterABI
import PluginKit
import UpdateService

@c @implementation public func muster_plugin_entry_v1() -> UnsafePointer<muster_plugin>? {
    PluginEntry.manifest(of: UpdateServer.self)
}
