import Fleet
import PluginJSON
import PluginKit
import SweepEngine

/// Answers `definitions.test`: whether definitions that are not in use yet can be.
enum DefinitionsTrial {
    static func answer(_ call: BusCall, _ host: Host) async throws {
        guard call.method == UpdateBusService.testMethod else {
            throw CallFailure("'\(call.service)' has the method \(UpdateBusService.testMethod)")
        }
        let order: DefinitionsTestOrder = try call.json()
        guard order.folder.hasPrefix("/"), !order.folder.utf8.contains(0) else {
            throw CallFailure("the folder of the definitions must be an absolute path")
        }
        do {
            let report = try await host.run { try DefinitionsTest.run(order.folder) }
            try call.reply(
                json: DefinitionsTestResult(
                    version: report.version, signatures: report.signatures, files: report.files,
                    untested: report.untested))
        } catch let error as DefinitionsError {
            throw CallFailure("\(error)")
        }
    }
}
