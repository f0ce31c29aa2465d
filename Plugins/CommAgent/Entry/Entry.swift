import CommAgent
public import MusterABI
import PluginKit

@c @implementation public func muster_plugin_entry_v1() -> UnsafePointer<muster_plugin>? {
    PluginEntry.manifest(of: CommAgent.self)
}
