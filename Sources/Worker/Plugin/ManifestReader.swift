internal import CLinux
internal import MusterABI
internal import PluginManifest

/// Reads `muster_plugin` into a `Manifest` and refuses what breaks a rule of `muster/core.h`.
///
/// A pointer that leads nowhere cannot be caught; that is one reason why each component has a process of its own. All
/// else is checked, so that nothing later has to.
struct ManifestReader {
    typealias Create =
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<muster_host>?,
            UnsafeMutablePointer<UnsafePointer<muster_component>?>?, UnsafeMutablePointer<muster_error>?
        ) -> muster_status

    /// The ids this host offers.
    var offeredExtensions = HostExtensions.all
    /// Why one of them is not there.
    var absence: (_ id: String) -> String? = HostExtensions.absence

    /// The manifest and what `create` needs.
    struct Reading {
        var manifest: Manifest
        var create: Create
        var context: UnsafeMutableRawPointer?
    }

    func read(_ pointer: UnsafePointer<muster_plugin>?) throws(PluginProblem) -> Reading {
        guard let pointer else {
            throw PluginProblem("\(MUSTER_PLUGIN_ENTRY_SYMBOL) returned NULL: return the address of the manifest")
        }
        let table = try readTable(pointer)
        guard let create = table.create else {
            throw PluginProblem("the manifest's create is NULL: it is required")
        }
        let fields = FieldReader(path: "")
        let manifest = Manifest(
            id: try fields.word(table.id, "id", as: "a reverse DNS name, com.example.inventory") {
                ManifestPatterns.isReverseDNS($0)
            },
            name: try fields.required(table.name, "name", limit: ManifestLimits.word),
            version: try fields.word(table.version, "version", as: "a semantic version, 1.4.2") {
                ManifestPatterns.isVersion($0)
            },
            summary: try fields.line(table.summary, "summary"),
            vendor: try fields.line(table.vendor, "vendor"),
            licence: try fields.line(table.licence, "licence"),
            url: try fields.line(table.url, "url"),
            abi: ABIVersion(major: Int(table.abi_major), minor: Int(table.abi_minor)),
            minimumABIMinor: Int(table.minimum_abi_minor),
            requiredExtensions: try requiredExtensions(table),
            listeners: try listeners(table),
            bus: try bus(table),
            options: try OptionReader().read(table),
            requiredCapabilities: try capabilities(
                table.required_capabilities, table.required_capability_count, "required_capabilities"),
            helpers: try helpers(table))
        return Reading(manifest: manifest, create: create, context: table.context)
    }

    /// Negotiates the version before anything else is believed.
    private func readTable(_ pointer: UnsafePointer<muster_plugin>) throws(PluginProblem) -> muster_plugin {
        let size = pointer.declaredSize
        guard let table = pointer.read(atLeast: Int(MUSTER_PLUGIN_SIZE_1_0)) else {
            throw PluginProblem(
                """
                the manifest's struct_size is \(size), less than the \(MUSTER_PLUGIN_SIZE_1_0) bytes of ABI 1.0: begin it \
                with MUSTER_INIT(muster_plugin)
                """)
        }
        guard table.abi_major == MUSTER_ABI_MAJOR else {
            throw PluginProblem(
                """
                the plugin was built for ABI \(table.abi_major).\(table.abi_minor), and this host speaks \
                \(MUSTER_ABI_MAJOR).\(MUSTER_ABI_MINOR): build it with this host's headers, or use a host of that major
                """)
        }
        guard table.minimum_abi_minor <= UInt32(table.abi_minor) else {
            throw PluginProblem(
                """
                the manifest's minimum_abi_minor, \(table.minimum_abi_minor), is above the minor it was built for, \
                \(table.abi_minor)
                """)
        }
        guard table.minimum_abi_minor <= UInt32(MUSTER_ABI_MINOR) else {
            throw PluginProblem(
                """
                the plugin needs ABI 1.\(table.minimum_abi_minor) or newer, and this host speaks \
                \(MUSTER_ABI_MAJOR).\(MUSTER_ABI_MINOR): use a newer host
                """)
        }
        return table
    }

    private func requiredExtensions(_ table: muster_plugin) throws(PluginProblem) -> [String] {
        let path = "required_extensions"
        var ids: [String] = []
        for (index, item) in try elements(
            table.required_extensions, table.required_extension_count, path, limit: ManifestLimits.extensions
        ).enumerated() {
            let fields = FieldReader(path: "\(path)[\(index)]")
            let id = try fields.word(item, "", as: "an id like muster.timer/1", ManifestPatterns.isExtensionID)
            guard !ids.contains(id) else { throw PluginProblem("the manifest's \(path) names \(id) twice") }
            guard offeredExtensions.contains(id) else {
                throw PluginProblem(
                    """
                    the plugin requires the extension \(id), which this host (\(MUSTER_ABI_MAJOR).\(MUSTER_ABI_MINOR)) \
                    does not have; it has \(offeredExtensions.joined(separator: ", "))
                    """)
            }
            if let reason = absence(id) {
                throw PluginProblem("the plugin requires the extension \(id), which this host cannot offer: \(reason)")
            }
            ids.append(id)
        }
        return ids
    }

    func capabilities(
        _ start: UnsafePointer<muster_string>?, _ count: Int, _ path: String
    ) throws(PluginProblem) -> [String] {
        var names: [String] = []
        for (index, item) in try elements(start, count, path, limit: ManifestLimits.capabilities).enumerated() {
            let fields = FieldReader(path: "\(path)[\(index)]")
            let name = try fields.word(item, "", as: "the name of a Linux capability, CAP_DAC_READ_SEARCH") {
                clinux_capability_number($0) >= 0
            }
            guard !names.contains(name) else { throw PluginProblem("the manifest's \(path) names \(name) twice") }
            names.append(name)
        }
        return names
    }
}
