// Commands that work on a data directory: in this process, or in the server that owns the directory.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import CommandLink
import Foundation
import Texts

/// Who typed a command: where its output goes, which language it is in, where relative file names begin.
struct Caller: Sendable {
    var output: any CommandOutput
    var language: Language
    var folder: String
    /// Runs the campaigns of the server that owns the data directory; nil in a process of its own.
    var runner: CampaignRunner?

    /// The absolute path of a file that was named on the command line.
    func path(_ name: String) -> String {
        name.hasPrefix("/") ? name : "\(folder)/\(name)"
    }

    /// Writes a line of the result.
    func print(_ line: String) { output.write(line + "\n", to: .out) }

    /// Writes a line to stderr.
    func note(_ line: String) { output.write(line + "\n", to: .err) }

    /// Says what of the loads is not settled, where that is so.
    func note(notListed cause: String?) {
        guard let cause else { return }
        note(
            "gyre: the load is live, but is not in the list of loads yet, or not counted: \(cause). The next load and the next opening of "
                + "the data directory put that right"
        )
    }

    /// Writes the result as one line of JSON, keys sorted.
    func printJSON(_ value: some Encodable) throws {
        try output.printJSON(value)
    }
}

/// A command that works on an open platform.
///
/// When a server owns the data directory, the server runs it, with the same arguments and the same code.
protocol PlatformCommand: AsyncParsableCommand, Sendable {
    /// Whether it loads tables, and so may make a data directory.
    static var loadsTables: Bool { get }

    var common: CommonOptions { get }

    /// Finds what is wrong with the command before a data directory is touched.
    func check(for caller: Caller) throws

    /// Does the work; stops soon when it is cancelled.
    func run(on platform: Platform, for caller: Caller) async throws
}

extension PlatformCommand {
    static var loadsTables: Bool { false }

    func check(for caller: Caller) throws {}

    /// Runs in this process, or has the server run it that owns the data directory.
    func run() async throws {
        let caller = Caller(
            output: Terminal(),
            language: common.language,
            folder: FileManager.default.currentDirectoryPath
        )
        try check(for: caller)
        let platform: Platform
        do {
            platform = try await common.platform(mayCreate: Self.loadsTables)
        } catch let error as DataDirectoryError {
            guard case .locked = error, let code = try await runByServer(caller) else { throw error }
            guard code == 0 else { throw ExitCode(code) }
            return
        }
        caller.note(notListed: platform.notListed)
        do {
            try await run(on: platform, for: caller)
        } catch {
            await platform.close()
            throw error
        }
        await platform.close()
    }

    /// Its exit code; nil when the owner of the data directory is no server.
    private func runByServer(_ caller: Caller) async throws -> Int32? {
        try await CommandLinkClient.run(
            LinkRequest(
                arguments: Array(CommandLine.arguments.dropFirst()),
                folder: caller.folder,
                language: caller.language.tag
            ),
            in: common.directory,
            output: caller.output
        )
    }
}
