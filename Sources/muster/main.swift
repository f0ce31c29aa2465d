internal import Credentials
internal import Worker

// The supervisor starts its workers as `muster worker`, and helpers of theirs as `muster helper`. They give up their
// privileges before anything else of the process has run, so this comes first.
if CommandLine.arguments.dropFirst().first == "worker" { WorkerMain.run() }
if CommandLine.arguments.dropFirst().first == "helper" { HelperMain.run() }
if CommandLine.arguments.dropFirst().first == "credentials" { CredentialMain.run() }

MusterCommand.runToExit()
