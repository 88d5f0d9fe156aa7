// The server's side of commands that are typed beside it.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import CommandLink
import Kernel
import Texts

/// Why a server does not finish a command.
enum CommandDeskError: CodedError {
    case notHere
    case cancelled

    var code: String {
        switch self {
        case .notHere: "command.not_here"
        case .cancelled: "command.cancelled"
        }
    }

    var description: String {
        switch self {
        case .notHere: "this command does not run beside a server; stop the server first"
        case .cancelled: "the server is shutting down and cancelled the command; run it again"
        }
    }
}

/// Runs commands on the server's open platform.
struct CommandDesk: Sendable {
    let platform: Platform
    let runner: CampaignRunner

    /// Runs a command line as the process would that was started with it; returns the exit code.
    func answer(_ request: LinkRequest, _ output: any CommandOutput) async -> Int32 {
        let caller = Caller(
            output: output,
            language: Language(tag: request.language),
            folder: request.folder,
            runner: runner
        )
        do {
            guard let command = try Gyre.parseAsRoot(request.arguments) as? any PlatformCommand else {
                throw CommandDeskError.notHere
            }
            try command.check(for: caller)
            try await command.run(on: platform, for: caller)
            return 0
        } catch {
            let failure = CommandFailure(Task.isCancelled ? CommandDeskError.cancelled : error)
            if let text = failure.text { caller.note(text) }
            return failure.exitCode
        }
    }
}
