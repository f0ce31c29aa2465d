@testable import Worker
import ControlProtocol
import FoundationEssentials
import MusterABI
import PluginManifest
import Testing

@Suite struct LifecycleTests {
    @Test func callsThePluginInOrderFromCreateToDestroy() throws {
        let plugin = TestPlugin()
        plugin.behaviours["release"] = { plugin, _ in plugin.write(state: [1, 2, 3]) }
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"])
        #expect(try worker.nextReport() == .ready)
        #expect(worker.engine.calls(of: "A") == [])
        worker.command(.activate(["A": Data([9])]))
        #expect(try worker.nextReport() == .activated)
        #expect(plugin.receivedState == [9])
        #expect(worker.engine.calls(of: "A") == ["start"])
        worker.command(.quiesce(deadline: .max))
        #expect(try worker.nextReport() == .released(["A": Data([1, 2, 3])]))
        worker.command(.drain(deadline: .max))
        #expect(try worker.nextReport() == .drained)
        #expect(worker.stop() == .done)
        #expect(plugin.notes == ["create", "prepare", "activate", "quiesce", "release", "stop", "destroy"])
        #expect(worker.engine.calls(of: "A") == ["start", "pause", "pause", "drain", "pause", "stop", "stop"])
    }

    @Test func tellsWhichFunctionItIsAboutToCall() throws {
        let worker = try WorkerHarness(["A": TestPlugin(), "B": TestPlugin()])
        #expect(worker.calls == ["A.load", "B.load"])
        try worker.bringUp(["A", "B"])
        #expect(
            worker.calls.dropFirst(2)
                == ["A.create", "A.prepare", "B.create", "B.prepare", "A.activate", "B.activate"])
        #expect(worker.stop() == .done)
        try worker.readRemainingLog()
        #expect(
            worker.calls.dropFirst(8) == [
                "B.quiesce", "B.release", "B.stop", "B.destroy", "A.quiesce", "A.release", "A.stop", "A.destroy",
            ])
    }

    @Test func activatesAgainWithTheReleasedStateWhenTheNewerGenerationFailed() throws {
        let plugin = TestPlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        worker.command(.quiesce(deadline: .max))
        #expect(try worker.nextReport() == .released([:]))
        worker.command(.activate(["A": Data([7, 7])]))
        #expect(try worker.nextReport() == .activated)
        #expect(plugin.receivedState == [7, 7])
        #expect(worker.engine.calls(of: "A") == ["start", "pause", "start"])
        #expect(worker.stop() == .done)
    }

    @Test func quiescesAndReleasesBeforeStopEvenWhenTheSupervisorDoesNotAskForIt() throws {
        let plugin = TestPlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        #expect(worker.stop() == .done)
        #expect(plugin.notes == ["create", "prepare", "activate", "quiesce", "release", "stop", "destroy"])
    }

    @Test func destroysWhatWasPreparedAndNeverWanted() throws {
        let plugin = TestPlugin()
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"])
        #expect(try worker.nextReport() == .ready)
        #expect(worker.stop() == .done)
        #expect(plugin.notes == ["create", "prepare", "stop", "destroy"])
    }

    @Test func reportsAWrongOptionAndWaitsForAReload() throws {
        let plugin = TestPlugin(options: [OptionDeclaration(name: "upstream", type: .url, help: "Where from.")])
        plugin.behaviours["prepare"] = { _, error in
            explain("no such host", option: "upstream", in: error)
            return MUSTER_CONFIGURATION
        }
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"])
        #expect(
            try worker.nextReport()
                == .failed(
                    WorkerFailure(
                        component: "A", stage: .prepare, message: "no such host", option: "upstream",
                        isConfiguration: true)))
        #expect(worker.waitForExit() == .configuration)
        #expect(plugin.notes == ["create", "prepare", "destroy"])
    }

    @Test func doesNotBlameAnOptionThatTheManifestDoesNotDeclare() throws {
        let plugin = TestPlugin()
        plugin.behaviours["prepare"] = { _, error in
            explain("disk\nfull", option: "invented", in: error)
            return MUSTER_FAILED
        }
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"])
        #expect(
            try worker.nextReport()
                == .failed(WorkerFailure(component: "A", stage: .prepare, message: "disk\\nfull")))
        #expect(worker.waitForExit() == .failure)
    }

    @Test(arguments: ["create", "prepare"])
    func saysWhichCallFailedWhereThePluginGivesNoReason(_ call: String) throws {
        let plugin = TestPlugin()
        plugin.behaviours[call] = { _, _ in MUSTER_BUSY }
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"])
        guard case .failed(let failure) = try worker.nextReport() else { throw HarnessFailure("not failed") }
        #expect(
            failure.message == "the plugin's \(call) answered MUSTER_BUSY and gave no reason; its log may tell more")
        #expect(worker.waitForExit() == .failure)
        #expect(plugin.notes.contains("destroy") == (call == "prepare"))
    }

    @Test func readsAReasonThatFillsItsBufferWithoutAnEnd() throws {
        let plugin = TestPlugin()
        plugin.behaviours["prepare"] = { _, error in
            if let error {
                withUnsafeMutableBytes(of: &error.pointee.message) { for index in $0.indices { $0[index] = 0x61 } }
                withUnsafeMutableBytes(of: &error.pointee.option) { for index in $0.indices { $0[index] = 0xFF } }
            }
            return MUSTER_FAILED
        }
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"])
        guard case .failed(let failure) = try worker.nextReport() else { throw HarnessFailure("not failed") }
        #expect(failure.message == String(repeating: "a", count: 1024))
        #expect(worker.waitForExit() == .failure)
    }

    @Test func staysForTheSupervisorToEndWhenActivateFails() throws {
        let plugin = TestPlugin()
        plugin.behaviours["activate"] = { _, error in
            explain("the database is locked", in: error)
            return MUSTER_FAILED
        }
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"])
        #expect(try worker.nextReport() == .ready)
        worker.command(.activate([:]))
        #expect(
            try worker.nextReport()
                == .failed(WorkerFailure(component: "A", stage: .activate, message: "the database is locked")))
        #expect(worker.engine.calls(of: "A") == [])
        #expect(worker.stop() == .done)
        #expect(plugin.notes == ["create", "prepare", "activate", "stop", "destroy"])
    }

    @Test func givesUpWhatWasActivatedWhenAnotherComponentOfTheWorkerCannotBe() throws {
        let first = TestPlugin()
        let second = TestPlugin()
        second.behaviours["activate"] = { _, _ in MUSTER_FAILED }
        let worker = try WorkerHarness(["A": first, "B": second])
        worker.prepare(["A", "B"])
        #expect(try worker.nextReport() == .ready)
        worker.command(.activate([:]))
        guard case .failed(let failure) = try worker.nextReport() else { throw HarnessFailure("not failed") }
        #expect(failure.component == "B")
        #expect(first.notes == ["create", "prepare", "activate", "quiesce", "release"])
        #expect(!worker.engine.calls(of: "A").contains("start"))
        #expect(worker.stop() == .done)
    }

    @Test func endsWhenQuiesceFailsSoThatNothingExclusiveIsHeld() throws {
        let plugin = TestPlugin()
        plugin.behaviours["quiesce"] = { _, _ in MUSTER_FAILED }
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        worker.command(.quiesce(deadline: .max))
        guard case .failed(let failure) = try worker.nextReport() else { throw HarnessFailure("not failed") }
        #expect(failure.stage == .quiesce)
        #expect(worker.waitForExit() == .failure)
        #expect(plugin.notes == ["create", "prepare", "activate", "quiesce", "stop", "destroy"])
    }

    @Test func reportsAComponentThatSaysItCannotGoOnOnce() throws {
        let plugin = TestPlugin()
        plugin.behaviours["activate"] = { plugin, _ in
            for reason in ["the disk is gone", "and so is the rest"] {
                reason.withABI { plugin.host?.pointee.fail?(plugin.host?.pointee.context, $0) }
            }
            return MUSTER_OK
        }
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        #expect(
            try worker.nextReport() == .failed(WorkerFailure(component: "A", stage: .run, message: "the disk is gone")))
        #expect(worker.waitForExit() == .failure)
        #expect(plugin.notes.suffix(4) == ["quiesce", "release", "stop", "destroy"])
    }

    @Test func refusesCommandsOutOfOrder() throws {
        let commands: [WorkerCommand] = [
            .activate([:]), .quiesce(deadline: 0),
            .prepare([ComponentPlan(component: "A", options: [:], listeners: [])]),
        ]
        for command in commands {
            let plugin = TestPlugin()
            let worker = try WorkerHarness(["A": plugin])
            try worker.bringUp(["A"])
            if case .quiesce = command {
                worker.command(command)
                guard case .released = try worker.nextReport() else { throw HarnessFailure("not released") }
            }
            worker.command(command)
            guard case .failed = try worker.nextReport() else { throw HarnessFailure("\(command) was obeyed") }
            #expect(worker.stop() != nil)
        }
    }

    @Test func preparesNothingThatWasNotLoaded() throws {
        let worker = try WorkerHarness(["A": TestPlugin()])
        worker.prepare(["B"])
        guard case .failed(let failure) = try worker.nextReport() else { throw HarnessFailure("not failed") }
        #expect(failure.component == "B")
        #expect(worker.waitForExit() == .failure)
    }

    @Test func refusesAComponentTableWithAHole() throws {
        let holes: [(String, (inout muster_component) -> Void)] = [
            ("prepare", { $0.prepare = nil }), ("activate", { $0.activate = nil }), ("quiesce", { $0.quiesce = nil }),
            ("release", { $0.release = nil }), ("stop", { $0.stop = nil }), ("destroy", { $0.destroy = nil }),
            ("get_extension", { $0.get_extension = nil }), ("struct_size", { $0.struct_size = 71 }),
            ("abi_major", { $0.abi_major = 2 }),
        ]
        for (member, makeHole) in holes {
            let plugin = TestPlugin()
            plugin.alterTable = makeHole
            let worker = try WorkerHarness(["A": plugin])
            worker.prepare(["A"])
            guard case .failed(let failure) = try worker.nextReport() else {
                throw HarnessFailure("\(member) accepted")
            }
            #expect(failure.stage == .create && failure.isConfiguration)
            #expect(failure.message.contains(member), "\(failure.message)")
            #expect(worker.waitForExit() == .configuration)
            #expect(plugin.notes == ["create"])
        }
    }

    @Test func refusesACreateThatHandsOutNoTable() throws {
        let plugin = TestPlugin()
        plugin.handsOutNoTable = true
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"])
        guard case .failed(let failure) = try worker.nextReport() else { throw HarnessFailure("not failed") }
        #expect(failure.message.contains("*component NULL"))
        #expect(worker.waitForExit() == .configuration)
    }

    @Test func acceptsAComponentTableOfANewerMinor() throws {
        let plugin = TestPlugin()
        plugin.alterTable = { table in
            table.struct_size = 4096
            table.abi_minor = 99
        }
        // Larger on paper only: what is beyond 1.0 must not be read, and the page after the table may be anything.
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        #expect(worker.stop() == .done)
    }

    @Test func runsSeveralComponentsInOneWorker() throws {
        let plugins = [TestPlugin(), TestPlugin()]
        plugins[1].behaviours["release"] = { plugin, _ in plugin.write(state: [2]) }
        let worker = try WorkerHarness(["A": plugins[0], "B": plugins[1]])
        try worker.bringUp(["A", "B"])
        worker.command(.quiesce(deadline: .max))
        #expect(try worker.nextReport() == .released(["B": Data([2])]))
        worker.command(.drain(deadline: .max))
        #expect(try worker.nextReport() == .drained)
        #expect(worker.stop() == .done)
        for plugin in plugins { #expect(plugin.notes.last == "destroy") }
    }
}
