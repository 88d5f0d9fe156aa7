// The server's side of commands that are typed beside it.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import CommandLink
import Kernel
import Logging
import Planning
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
    let logger: Logger
    private let loads = OneAtATime()

    /// Works on a platform that stays open.
    init(_ platform: Platform, logger: Logger) {
        self.platform = platform
        self.logger = logger
    }

    /// Runs a command line as the process would that was started with it; returns the exit code.
    func answer(_ request: LinkRequest, _ output: any CommandOutput) async -> Int32 {
        let caller = Caller(output: output, language: Language(tag: request.language), folder: request.folder)
        do {
            guard let command = try Gyre.parseAsRoot(request.arguments) as? any PlatformCommand else {
                throw CommandDeskError.notHere
            }
            try await run(command, for: caller)
            return 0
        } catch {
            let failure = CommandFailure(Task.isCancelled ? CommandDeskError.cancelled : error)
            if let text = failure.text { caller.note(text) }
            return failure.exitCode
        }
    }

    private func run(_ command: some PlatformCommand, for caller: Caller) async throws {
        try command.check(for: caller)
        guard type(of: command).loadsTables else { return try await command.run(on: platform, for: caller) }
        try await loads.run {
            do {
                try await command.run(on: platform, for: caller)
            } catch {
                // As after a restart: what is shown is what the log says, however far the load got.
                await Task { await showLoaded() }.value
                throw error
            }
        }
    }

    private func showLoaded() async {
        do {
            try await platform.loading.open()
        } catch {
            logger.error("tables not shown after a failed load; restart", metadata: ["error": "\(error)"])
        }
    }
}

/// Lets work in one after the other, first come, first served.
private actor OneAtATime {
    private var last: Task<Void, Never>?

    /// Waits for its turn, then works; gives up its turn when the caller is cancelled.
    func run(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let before = last
        let task = Task {
            await before?.value
            try Task.checkCancellation()
            try await work()
        }
        last = Task { _ = await task.result }
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
