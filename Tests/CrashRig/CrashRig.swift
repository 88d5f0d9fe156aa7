// A process that works on a data directory until it is killed, and says on its standard output what it told whom.
// SPDX-License-Identifier: Apache-2.0

import CSyncTrace
import DecisionHost
import Decisioning
import Glibc
import Kernel
import ObjectFiles
import Ports
import SQLiteStore
import TestSupport

/// Plays a ``LoopScript`` on a data directory.
///
/// `crash-rig DIR [--seed N] [--subscribers N] [--limit N] [--requests N] [--cycles N] [MODE]` uses `DIR/log` and
/// `DIR/objects` and writes a line for everything that is told, `+` when work
/// on a batch begins, `-` when it is committed, and `state HASH` of its account at the end. Modes:
///   --kill STEP N    kills itself with SIGKILL when the step comes by for the N-th time
///   --trace          writes `unsynced PATH` for whatever a power cut could take at an answer, and the counts
///   --file-limit N   lets no file grow beyond N bytes, says `refused CODE` when that bites, then lifts the limit
///   --zone NAME      sets the machine's time zone, and writes `hash HASH` of the state it opened
///   --as-nobody      gives up root's rights and only opens both stores, and says `refused CODE TEXT` or `opened`
@main
struct CrashRig {
    private static let committed: Set<ProtocolStep> = [
        .waveOpened, .waveSelected, .blocksCommitted, .waveClosed, .handOffCommitted, .feedbackCommitted,
        .reservationsCommitted, .checkpointCommitted,
    ]

    static func main() async {
        do {
            try await run(Options(CommandLine.arguments))
        } catch {
            say("failed \(error)")
            exit(1)
        }
    }

    private static func run(_ options: Options) async throws {
        if options.isNobody { return openAsNobody(options.folder) }
        signal(SIGXFSZ, SIG_IGN)
        if let zone = options.zone {
            setenv("TZ", zone, 1)
            tzset()
        }
        let work = BatchWork()
        let steps = LockedValue<[ProtocolStep: Int]>([:])
        let objects = try ObjectFiles(folder: options.folder + "/objects")
        if options.traces { sync_trace_begin(options.folder) }
        let log = try ObservedLog(SQLiteDecisionLog(folder: options.folder + "/log", checkpointPages: 200), work)
        let script = LoopScript(
            world: DecisionWorld(seed: options.seed, subscribers: options.subscribers),
            limit: options.limit,
            requests: options.requests,
            objects: objects,
            observe: { step in
                let count = steps.withLock { counts in
                    counts[step, default: 0] += 1
                    return counts[step]
                }
                if options.traces, committed.contains(step) { sayWhatIsUnsynced() }
                if step == .batchBegun { work.begin() }
                if options.kill?.step == step, options.kill?.count == count { kill(getpid(), SIGKILL) }
            },
            tell: { say($0.line) }
        )
        let host = try script.host(log)
        say("ready")
        if options.zone != nil { say("hash \(try await host.read { $0.stateSHA256() }.hex)") }
        if let limit = options.fileLimit { try await playWithoutRoom(script, host, options.cycles, limit) }
        try await script.play(on: host, to: options.cycles)
        say("state \(try await host.read { $0.account() }.hex)")
        if options.traces {
            let seen = sync_trace_seen()
            say("traced \(seen.writes) \(seen.syncs)")
        }
    }

    /// Writes one line with one system call, so that it is in the pipe whole before anything else happens.
    static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }

    private static func sayWhatIsUnsynced() {
        var text = [CChar](repeating: 0, count: 65_536)
        guard sync_trace_unsynced(&text, Int32(text.count)) > 0 else { return }
        let paths = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for path in paths.split(separator: "\n") { say("unsynced \(path)") }
    }

    private static func playWithoutRoom(
        _ script: LoopScript,
        _ host: DecisionHost,
        _ cycles: Int,
        _ limit: UInt64
    ) async throws {
        var old = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &old)
        var low = rlimit(rlim_cur: rlim_t(limit), rlim_max: old.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &low)
        // Twice: what is refused once must be refused again, not half done.
        for _ in 0..<2 {
            do {
                try await script.play(on: host, to: cycles)
            } catch let error as any CodedError {
                say("refused \(error.code) \(error)")
            }
        }
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &old)
    }

    private static func openAsNobody(_ folder: String) {
        if geteuid() == 0 {
            setgroups(0, nil)
            setgid(65_534)
            setuid(65_534)
        }
        func attempt(_ what: String, _ body: () throws -> Void) {
            do {
                try body()
                say("opened \(what)")
            } catch let error as any CodedError {
                say("refused \(what) \(error.code) \(error)")
            } catch {
                say("untyped \(what) \(error)")
            }
        }
        attempt("log") { _ = try SQLiteDecisionLog(folder: folder + "/log") }
        attempt("objects") { _ = try ObjectFiles(folder: folder + "/objects").put([1, 2, 3]) }
    }
}

/// Says when work on a batch begins and when it is committed.
private final class BatchWork: Sendable {
    private struct Depth {
        var isBegun = false
        var appends = 0
        var isInside: Bool { isBegun || appends > 0 }
    }

    private let depth = LockedValue(Depth())

    private func change(_ body: @Sendable (inout Depth) -> Void) {
        depth.withLock { depth in
            let wasInside = depth.isInside
            body(&depth)
            if wasInside != depth.isInside { CrashRig.say(depth.isInside ? "+" : "-") }
        }
    }

    func begin() { change { $0.isBegun = true } }

    func beginAppend() {
        change {
            $0.appends += 1
            $0.isBegun = false
        }
    }

    func endAppend() { change { $0.appends -= 1 } }
}

/// A log that says when it is written.
private struct ObservedLog: DecisionLog {
    private let log: SQLiteDecisionLog
    private let work: BatchWork

    init(_ log: SQLiteDecisionLog, _ work: BatchWork) {
        self.log = log
        self.work = work
    }

    func append(_ batches: [LogBatch]) throws {
        work.beginAppend()
        defer { work.endAppend() }
        try log.append(batches)
    }

    func position() throws -> LogPosition { try log.position() }

    func read(from sequence: Int64, _ body: (LogBatch) throws -> Void) throws { try log.read(from: sequence, body) }

    func batches(for key: LogKey) throws -> [LogBatch] { try log.batches(for: key) }

    func batches(at sequences: [Int64]) throws -> [LogBatch] { try log.batches(at: sequences) }

    func read(chain: LogChain?, from sequence: Int64, withKeys: Bool, _ body: (LogBatch) throws -> Void) throws {
        try log.read(chain: chain, from: sequence, withKeys: withKeys, body)
    }
}

private struct Options {
    var folder = ""
    var seed: UInt64 = 1
    var subscribers = 2_000
    var limit = 300
    var requests = 64
    var cycles = 1
    var kill: (step: ProtocolStep, count: Int)?
    var traces = false
    var fileLimit: UInt64?
    var isNobody = false
    var zone: String?

    struct Usage: Error {
        let argument: String
    }

    init(_ arguments: [String]) throws {
        var rest = arguments.dropFirst()
        folder = rest.popFirst() ?? ""
        guard !folder.isEmpty else { throw Usage(argument: "DIR") }
        func next<T: LosslessStringConvertible>(_ name: String) throws -> T {
            guard let text = rest.popFirst(), let value = T(text) else { throw Usage(argument: name) }
            return value
        }
        while let name = rest.popFirst() {
            switch name {
            case "--seed": seed = try next(name)
            case "--subscribers": subscribers = try next(name)
            case "--limit": limit = try next(name)
            case "--requests": requests = try next(name)
            case "--cycles": cycles = try next(name)
            case "--kill":
                guard let step = ProtocolStep(rawValue: try next(name)) else { throw Usage(argument: name) }
                kill = (step, try next(name))
            case "--trace": traces = true
            case "--file-limit": fileLimit = try next(name)
            case "--as-nobody": isNobody = true
            case "--zone": zone = try next(name)
            default: throw Usage(argument: name)
            }
        }
    }
}
