// What all commands share: options, output, errors, progress.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import Foundation
import Glibc
import Kernel
import Model
import Ports
import SimulatedChannel
import Synchronization
import Texts

/// Options of every command.
struct CommonOptions: ParsableArguments {
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

/// Output to the terminal.
enum Terminal {
    /// Prints a value as one line of JSON, keys sorted.
    static func printJSON(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Writes a line to stderr.
    static func note(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    /// Ends the process for an error: bad usage 64, everything else 1, with the error's own sentence.
    static func exit(withError error: any Error) -> Never {
        let code = Gyre.exitCode(for: error)
        if code == .success || code == .validationFailure || error is CleanExit || error is ExitCode {
            Gyre.exit(withError: error)
        }
        if let coded = error as? any CodedError {
            note("gyre: \(coded)")
        } else {
            note("gyre: \(Gyre.message(for: error))")
        }
        Glibc.exit(1)
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
            FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8))
        }
    }

    /// Removes the bar.
    func finish() {
        guard isShown else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    }
}
