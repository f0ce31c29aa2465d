internal import Credentials
internal import Worker

// The supervisor starts its workers as `muster worker`. A worker gives up its privileges before anything else of the
// process has run, so this comes first.
if CommandLine.arguments.dropFirst().first == "worker" { WorkerMain.run() }
if CommandLine.arguments.dropFirst().first == "credentials" { CredentialMain.run() }

MusterCommand.runToExit()
