import Fleet
import FoundationEssentials
import Testing
import UpdateTrust
@testable import CommAgent

@Suite struct RealDeltaTests {
    @Test func definitionsOfMegabytesComeByARealDelta() async throws {
        let vendor = try Vendor()
        let workstation = try Workstation()
        func lines(_ version: String, _ salt: Int) -> [UInt8] {
            var state: UInt64 = 88_172_645_463_325_252
            var text: [UInt8] = []
            for number in 0..<20_000 {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                text += Array(
                    "\(String(number % 100 == 0 ? state &+ UInt64(salt) : state, radix: 16)):\(number)\n".utf8)
            }
            return text + Array("of \(version)\n".utf8)
        }
        let (old, new) = (lines("1", 1), lines("2", 2))
        try vendor.publish(["definitions/version": Array("1\n".utf8), "definitions/main.hsb": old])
        workstation.transport.serve(vendor)
        let real: Staging.Apply = { (patch, from, into, limit) throws(UpdateError) in
            try DeltaPatch.apply(patch: patch, from: from, into: into, limit: limit)
        }
        _ = await (try workstation.process(vendor, apply: real)).check()
        let scratch = workstation.folder
        try Data(old).write(to: URL(filePath: scratch + "/old"))
        try Data(new).write(to: URL(filePath: scratch + "/new"))
        try DeltaPatch.make(from: scratch + "/old", to: scratch + "/new", into: scratch + "/patch")
        let patch = [UInt8](try Data(contentsOf: URL(filePath: scratch + "/patch")))
        let delta = Vendor.delta("definitions/main.hsb", from: old, to: new)
        try vendor.publish(
            ["definitions/version": Array("2\n".utf8), "definitions/main.hsb": new, delta.path: patch],
            custom: [delta.path: delta.custom])
        workstation.transport.serve(vendor)
        let updater = try await workstation.process(vendor, apply: real)
        let outcome = await updater.check()
        #expect(outcome == .done)
        #expect(try workstation.version() == "2")
        #expect(await updater.standing().deltaBytes == patch.count)
        #expect(patch.count * 10 < new.count)
    }
}
