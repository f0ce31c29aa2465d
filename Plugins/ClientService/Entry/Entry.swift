public import MusterABI
import ClientService
import PluginKit

@c @implementation public func muster_plugin_entry_v1() -> UnsafePointer<muster_plugin>? {
    PluginEntry.manifest(of: ClientService.self)
}
