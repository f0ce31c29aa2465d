internal import MusterABI
internal import PluginManifest

extension ManifestReader {
    func helpers(_ table: muster_plugin) throws(PluginProblem) -> [HelperDeclaration] {
        let path = "processes"
        var helpers: [HelperDeclaration] = []
        let specifications = try structures(
            table.processes, table.process_count, path, limit: ManifestLimits.processes,
            size: Int(MUSTER_PROCESS_SPEC_SIZE_1_0))
        for (index, specification) in specifications.enumerated() {
            let helper = try self.helper(specification, FieldReader(path: "\(path)[\(index)]"))
            if helpers.contains(where: { $0.name == helper.name }) {
                throw PluginProblem("the manifest's \(path) has two called '\(helper.name)'")
            }
            helpers.append(helper)
        }
        return helpers
    }

    private func helper(
        _ specification: muster_process_spec, _ fields: FieldReader
    ) throws(PluginProblem) -> HelperDeclaration {
        let known = MUSTER_PROCESS_READS_FILES | MUSTER_PROCESS_WRITES_STATE
        guard specification.flags & ~known == 0 else {
            throw fields.problem(
                "flags", "is \(specification.flags): this host knows MUSTER_PROCESS_READS_FILES and _WRITES_STATE alone"
            )
        }
        return HelperDeclaration(
            name: try fields.word(specification.name, "name", as: "lower-case words joined by _") {
                ManifestPatterns.isName($0)
            },
            program: try fields.word(
                specification.program, "program", as: "a file's name without a folder, muster-sweeper"
            ) {
                ManifestPatterns.isProgramName($0)
            },
            readsFiles: specification.flags & MUSTER_PROCESS_READS_FILES != 0,
            writesState: specification.flags & MUSTER_PROCESS_WRITES_STATE != 0,
            capabilities: try capabilities(
                specification.capabilities, specification.capability_count, "\(fields.path).capabilities"),
            help: try fields.line(specification.help, "help"))
    }
}
