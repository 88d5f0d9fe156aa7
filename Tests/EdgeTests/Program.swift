// Programs as processes: started, waited for, killed.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// A process with its output in files.
final class Program: @unchecked Sendable {
    /// What a program said and how it ended.
    struct End: Equatable, Sendable {
        var out: String
        var err: String
        /// Exit code, or minus the number of the signal that ended it.
        var code: Int32
    }

    /// The `gyre` of the build that runs the tests.
    static var gyre: String {
        get throws {
            let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            return URL(filePath: tests).deletingLastPathComponent().appending(path: "gyre").path(percentEncoded: false)
        }
    }

    private let process = Process()
    private let outputs: [String]
    private let ended: AsyncStream<Void>

    init(_ path: String, _ arguments: [String], in folder: String = "/", environment: [String: String] = [:]) throws {
        outputs = (0..<2).map { _ in FileManager.default.temporaryDirectory.path + "/gyre-said-\(UUID().uuidString)" }
        let handles = try outputs.map { file in
            _ = FileManager.default.createFile(atPath: file, contents: nil)
            return try FileHandle(forWritingTo: URL(filePath: file))
        }
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder)
        process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"].merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        (process.standardOutput, process.standardError) = (handles[0], handles[1])
        let (stream, end) = AsyncStream.makeStream(of: Void.self)
        ended = stream
        process.terminationHandler = { _ in end.finish() }
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        for file in outputs { try? FileManager.default.removeItem(atPath: file) }
    }

    /// Number of the process.
    var number: Int32 { process.processIdentifier }

    /// What it has written to stdout until now.
    var out: String { read(0) }

    /// Waits for its end.
    func end() async -> End {
        for await _ in ended {}
        let isExit = process.terminationReason == .exit
        return End(out: read(0), err: read(1), code: isExit ? process.terminationStatus : -process.terminationStatus)
    }

    /// Sends a signal and waits for the end.
    func end(with signal: Int32) async -> End {
        kill(number, signal)
        return await end()
    }

    /// Runs a program to its end.
    static func run(_ path: String, _ arguments: [String], in folder: String = "/") async throws -> End {
        try await Program(path, arguments, in: folder).end()
    }

    private func read(_ stream: Int) -> String {
        String(decoding: FileManager.default.contents(atPath: outputs[stream]) ?? Data(), as: UTF8.self)
    }
}
