// Runs crash-rig as a process, kills it, and keeps what it said.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Glibc
import TestSupport

/// What one run of crash-rig came to.
struct CrashRigRun: Sendable {
    /// Everything it told clients and gateways before it ended.
    var told: [Told] = []
    /// Everything else it said, except the marks of batch work.
    var lines: [String] = []
    /// Whether a batch was being worked on and not committed yet when it ended.
    var endedInsideBatch = false
    /// Whether SIGKILL ended it.
    var wasKilled = false
    /// Its exit code, when it ended by itself.
    var exitCode: Int32 = 0

    /// The rest of the line that begins with a word.
    func rest(of word: String) -> String? {
        lines.first { $0.hasPrefix(word + " ") }.map { String($0.dropFirst(word.count + 1)) }
    }
}

enum CrashRigProcess {
    struct NotStarted: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs crash-rig to its end, or until SIGKILL so many milliseconds after it said that it is ready.
    static func run(_ arguments: [String], killAfterMs: Double? = nil) async throws -> CrashRigRun {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try runBlocking(arguments, killAfterMs: killAfterMs) })
            }
        }
    }

    /// The program beside the one that runs the tests.
    private static var path: String {
        get throws {
            let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            return URL(fileURLWithPath: tests).deletingLastPathComponent().path + "/crash-rig"
        }
    }

    private static func runBlocking(_ arguments: [String], killAfterMs: Double?) throws -> CrashRigRun {
        let (process, pipe) = try starting.withLock { _ in try start(arguments) }
        defer { close(pipe) }
        var output = Output(descriptor: pipe)
        if let killAfterMs {
            output.read(until: { $0.contains("ready") })
            output.read(forMs: killAfterMs)
            kill(process, SIGKILL)
        }
        output.read()
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        var run = parse(output.lines)
        run.wasKilled = status & 0x7F == SIGKILL
        run.exitCode = status >> 8 & 0xFF
        return run
    }

    /// One process is started at a time, so that none inherits the pipe of another.
    private static let starting = LockedValue(())

    private static func start(_ arguments: [String]) throws -> (process: pid_t, output: Int32) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw NotStarted(description: "pipe: \(String(cString: strerror(errno)))") }
        defer { close(ends[1]) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        do {
            return (try spawn(arguments, output: ends[1]), ends[0])
        } catch {
            close(ends[0])
            throw error
        }
    }

    private static func spawn(_ arguments: [String], output: Int32) throws -> pid_t {
        let path = try path
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, path, &actions, nil, words, environ)
        guard code == 0 else { throw NotStarted(description: "\(path): \(String(cString: strerror(code)))") }
        return process
    }

    private static func parse(_ lines: [String]) -> CrashRigRun {
        var run = CrashRigRun()
        for line in lines {
            if line == "+" || line == "-" {
                run.endedInsideBatch = line == "+"
            } else if let told = Told(line: line) {
                run.told.append(told)
            } else {
                run.lines.append(line)
            }
        }
        return run
    }
}

/// Lines from a pipe; a last line that was cut short is dropped.
private struct Output {
    let descriptor: Int32
    var lines: [String] = []
    private var rest: [UInt8] = []
    private var isAtEnd = false

    init(descriptor: Int32) { self.descriptor = descriptor }

    mutating func read(until isEnough: ([String]) -> Bool = { _ in false }) {
        while !isAtEnd, !isEnough(lines) { take() }
    }

    mutating func read(forMs ms: Double) {
        let end = DispatchTime.now().uptimeNanoseconds + UInt64(ms * 1_000_000)
        while !isAtEnd {
            let now = DispatchTime.now().uptimeNanoseconds
            guard now < end else { return }
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let wholeMs = Int32((end - now) / 1_000_000)
            if poll(&wanted, 1, wholeMs) > 0 {
                take()
            } else if wholeMs == 0 {
                usleep(useconds_t((end - now) / 1_000))
            }
        }
    }

    private mutating func take() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count > 0 else {
            if count == 0 || errno != EINTR { isAtEnd = true }
            return
        }
        rest += buffer[..<count]
        let whole = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        lines += whole.dropLast().map { String(decoding: $0, as: UTF8.self) }
        rest = Array(whole.last ?? [])
    }
}
