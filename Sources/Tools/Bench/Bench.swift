// What all benches share: result, options, prepared data, timing.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
public import Kernel

/// Options of a bench run.
public struct BenchOptions: Sendable {
    /// Size of the base.
    public var subscribers: Int
    /// Workers; 2 on the machine the targets are stated for.
    public var threads: Int
    /// Seed of data and constants.
    public var seed: UInt64
    /// Folder for prepared data, on disk.
    public var folder: String
    /// The DuckDB library; nil = found in `.deps/`.
    public var duckDB: String?
    /// Says what is being done.
    public var note: @Sendable (String) -> Void

    /// Makes options; see the properties.
    public init(
        subscribers: Int,
        threads: Int,
        seed: UInt64,
        folder: String,
        duckDB: String?,
        note: @escaping @Sendable (String) -> Void
    ) {
        self.subscribers = subscribers
        self.threads = threads
        self.seed = seed
        self.folder = folder
        self.duckDB = duckDB
        self.note = note
    }

    /// Format of prepared data; a change of what a bench prepares raises it.
    static let format = 3

    /// The folder of one bench's data, keyed by size, seed and format.
    func folder(_ bench: String) -> String {
        "\(folder)/\(bench)-\(subscribers)-\(seed)-v\(Self.format)"
    }
}

/// What a bench measured.
public struct BenchResult: Codable, Sendable {
    /// Name of the bench.
    public var bench: String
    /// Size of the base.
    public var subscribers: Int
    /// Workers.
    public var threads: Int
    /// Figures by name; times in the unit the name ends with.
    public var results: [String: Double]
}

/// Why a bench has no result.
public enum BenchError: CodedError {
    /// The peer and Gyre came to different answers; the ratio would mean nothing.
    case answersDiffer(String)
    /// The process that was to measure itself ended with an error, which it printed.
    case childFailed(Int32)
    /// The instance is too easy to say anything: its constraints hardly bind.
    case easyInstance(String)
    case unknown(String, known: [String])
    /// A program the bench needs is not there, or failed.
    case noTool(String, why: String)

    public var code: String {
        switch self {
        case .answersDiffer: "bench.answers_differ"
        case .childFailed: "bench.child_failed"
        case .easyInstance: "bench.easy_instance"
        case .unknown: "bench.unknown"
        case .noTool: "bench.no_tool"
        }
    }

    public var description: String {
        switch self {
        case .answersDiffer(let what): "the answers differ, so there is no figure: \(what)"
        case .childFailed(let status): "the measured process ended with status \(status); its message is above"
        case .noTool(let name, let why): "\(name) cannot be used: \(why); install Debian's package \(name)"
        case .easyInstance(let why): "the instance says nothing about the method: \(why); take another seed or size"
        case .unknown(let name, let known): "there is no bench \(name); known: \(known.joined(separator: ", "))"
        }
    }
}

/// Runs benches by name.
public enum Bench {
    /// Names of all benches.
    public static let names = [
        "arbitrate", "behaviour", "count", "count20", "customers", "explain", "generate", "inbound", "ledger", "memory",
        "refresh", "restart", "segments", "wave",
    ]

    /// Runs one bench.
    public static func run(_ name: String, _ options: BenchOptions) async throws -> BenchResult {
        let results: [String: Double] =
            switch name {
            case "arbitrate": try await ArbitrateBench(options: options).run()
            case "behaviour": try await BehaviourBench(options: options).run()
            case "count": try await CountBench(options).run()
            case "count20": try await Count20Bench(options: options).run()
            case "customers": try await CustomersBench(options: options).run()
            case "explain": try await ExplainBench(options: options).run()
            case "generate": try await GenerateBench(options: options).run()
            case "memory": try await MemoryBench(options: options).run()
            case "inbound": try await InboundBench(options: options).run()
            case "ledger": try await LedgerBench(options).run()
            case "refresh": try await RefreshBench(options: options).run()
            case "segments": try await SegmentsBench(options).run()
            case "restart": try await RestartBench(options: options).run()
            case "wave": try await WaveBench(options).run()
            default: throw BenchError.unknown(name, known: names)
            }
        return BenchResult(bench: name, subscribers: options.subscribers, threads: options.threads, results: results)
    }
}

/// Milliseconds that `body` took.
func milliseconds<T>(_ body: () async throws -> T) async rethrows -> (T, Double) {
    let clock = ContinuousClock()
    let start = clock.now
    let result = try await body()
    let elapsed = start.duration(to: clock.now).components
    return (result, Double(elapsed.seconds) * 1000 + Double(elapsed.attoseconds) / 1e15)
}

extension [Double] {
    /// The value below which a share of all values lies (nearest rank).
    func percentile(_ share: Double) -> Double {
        guard !isEmpty else { return 0 }
        let ordered = sorted()
        return ordered[Swift.min(ordered.count - 1, Int((Double(ordered.count) * share).rounded(.up)) - 1)]
    }

    var median: Double { percentile(0.5) }
}

/// Bytes of all files below a folder.
func bytes(below folder: String) -> Double {
    guard let files = FileManager.default.enumerator(atPath: folder) else { return 0 }
    var sum = 0.0
    while let file = files.nextObject() as? String {
        let attributes = try? FileManager.default.attributesOfItem(atPath: folder + "/" + file)
        if attributes?[.type] as? FileAttributeType == .typeRegular {
            sum += (attributes?[.size] as? NSNumber)?.doubleValue ?? 0
        }
    }
    return sum
}

/// Milliseconds of plain `fdatasync` calls after small writes in a folder: what the disk gives at most.
///
/// `pause`: Time between two calls. The last call is made before the task is cancelled.
func rawSyncTimes(in folder: String, count: Int, pause: Duration = .zero) async throws -> [Double] {
    let path = folder + "/fdatasync-probe"
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
    guard file >= 0 else { throw CocoaError(.fileWriteUnknown) }
    defer {
        close(file)
        unlink(path)
    }
    let page = [UInt8](repeating: 7, count: 16_384)
    var times: [Double] = []
    for position in 0..<count {
        if pause > .zero { try? await Task.sleep(for: pause) }
        guard !Task.isCancelled else { break }
        let (_, ms) = await milliseconds {
            _ = pwrite(file, page, page.count, off_t(position * page.count))
            _ = fdatasync(file)
        }
        times.append(ms)
    }
    return times
}
