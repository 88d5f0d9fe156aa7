// What all commands share: options, output, errors, progress.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import CommandLink
import Foundation
import Glibc
import Kernel
import Model
import Ports
import SimulatedChannel
import Synchronization
import Texts

/// Options of every command.
struct CommonOptions: ParsableArguments, Sendable {
    @Option(help: "Data directory; else GYRE_DATA_DIR, else ./gyre-data.")
    var dataDir: String?

    @Option(help: "Language of texts: zh-CN or en; else GYRE_LANG, LC_ALL, LANG.")
    var lang: String?

    /// The data directory to use.
    var directory: String {
        dataDir ?? ProcessInfo.processInfo.environment["GYRE_DATA_DIR"] ?? "gyre-data"
    }

    /// The language to speak.
    var language: Language {
        .ofTerminal(option: lang, environment: ProcessInfo.processInfo.environment)
    }

    /// Opens the platform; a directory without data is an error unless it may be made.
    func platform(mayCreate: Bool = false) async throws -> Platform {
        if !mayCreate, try DataDirectory.marker(at: directory) == nil {
            throw DataDirectoryError.notThere(path: directory)
        }
        return try await Platform(PlatformSettings(directory: directory)) { _ in
            // Commands that decide do not send; sending belongs to the server and the demo.
            SimulatedGateway { _ in SimulatedReaction(isDelivered: true, receiptSeconds: 1) }
        }
    }
}

/// What an error ends a command with: bad usage 64, everything else 1, and the error's own sentence.
struct CommandFailure {
    let exitCode: Int32
    /// For stderr; nil when all is said already.
    let text: String?

    init(_ error: any Error) {
        let code = Gyre.exitCode(for: error)
        if error is ExitCode {
            (exitCode, text) = (code.rawValue, nil)
        } else if code == .validationFailure {
            (exitCode, text) = (code.rawValue, Gyre.fullMessage(for: error))
        } else {
            (exitCode, text) = (1, "gyre: " + Self.sentence(error))
        }
    }
}

extension CommandFailure {
    private static func sentence(_ error: any Error) -> String {
        switch error {
        case let error as any CodedError: error.description
        case let error as CocoaError:
            (error.filePath ?? "a file") + ": \(error.systemCause); check its folder, its rights and the free space"
        default: Gyre.message(for: error)
        }
    }
}

/// What a command printed did not arrive.
struct OutputError: CodedError {
    var cause: String

    var code: String { "output.not_written" }
    var description: String {
        "the result cannot be written (\(cause)); send the output elsewhere or free some space, and ask for it again"
    }
}

extension CommandOutput {
    /// Writes a value as one line of JSON, keys sorted.
    func printJSON(_ value: some Encodable) throws {
        write(String(decoding: try value.canonicalJSON(), as: UTF8.self) + "\n", to: .out)
    }
}

/// Output to the terminal.
struct Terminal: CommandOutput {
    func write(_ text: String, to stream: CommandStream) {
        switch stream {
        case .out: print(text, terminator: "")
        case .err: Self.writeError(text)
        }
    }

    /// Writes to stderr; where it cannot be written there is nobody to tell.
    static func writeError(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Brings everything printed to its place.
    ///
    /// - Throws: ``OutputError`` when it does not get there.
    static func finish() throws {
        guard fflush(nil) != 0 else { return }
        throw OutputError(cause: String(cString: strerror(errno)))
    }

    /// Prints a value as one line of JSON, keys sorted.
    static func printJSON(_ value: some Encodable) throws {
        try Terminal().printJSON(value)
    }

    /// Writes a line to stderr.
    static func note(_ text: String) {
        Terminal().write(text + "\n", to: .err)
    }

    /// Ends the process for an error.
    static func exit(withError error: any Error) -> Never {
        if error is CleanExit || Gyre.exitCode(for: error) == .success { Gyre.exit(withError: error) }
        let failure = CommandFailure(error)
        if let text = failure.text { note(text) }
        fflush(nil)
        Glibc.exit(failure.exitCode)
    }
}

/// A progress bar on stderr when it is a terminal; nothing otherwise.
final class ProgressBar: Sendable {
    private let isShown = isatty(2) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    private let last = Mutex<String>("")

    /// Shows how far the work is, 0...1, and what is being done.
    func show(_ done: Double, _ text: String) {
        guard isShown else { return }
        let cells = Int(done * 24)
        let bar = String(repeating: "█", count: cells) + String(repeating: "░", count: max(0, 24 - cells))
        let line = "\(bar) \(Int(done * 100)) %  \(text)"
        last.withLock { shown in
            guard shown != line else { return }
            shown = line
            Terminal.writeError("\r\u{1B}[K\(line)")
        }
    }

    /// Removes the bar.
    func finish() {
        guard isShown else { return }
        Terminal.writeError("\r\u{1B}[K")
    }
}
