// bench segments: set algebra over large audiences, import of a list of numbers, split into many parts.
// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import Kernel
import Model
import Planning
import Segmentation

struct SegmentsBench {
    private static let repetitions = 20
    private static let rows = 5_000_000
    private static let parts = 100
    private let options: BenchOptions
    private var folder: String { options.folder("segments") }

    init(_ options: BenchOptions) { self.options = options }

    func run() async throws -> [String: Double] {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var results = try algebra()
        results.merge(try split()) { $1 }
        let whole = try list(rows: options.subscribers)
        results["import_all_s"] = whole["import_s"]
        results["import_all_members"] = whole["members"]
        results.merge(try list(rows: Self.rows)) { $1 }
        results.merge(try await ProfileBench(options: options).run()) { $1 }
        results["seed"] = Double(options.seed)
        return results
    }

    /// A set of about `ppm` millionths of all.
    private func audience(_ number: Int, ppm: UInt64) -> Bitset {
        let salt = SeededRandom.mix(options.seed &+ UInt64(number))
        var members = Bitset(universe: options.subscribers)
        members.withMutableWords { words in
            for index in 0..<options.subscribers where SeededRandom.mix(salt &+ UInt64(index)) % 1_000_000 < ppm {
                words[index >> 6] |= 1 << UInt64(index & 63)
            }
        }
        return members
    }

    // MARK: Algebra

    /// Five audiences of 1 to 10 of 18 million, combined in another way each time.
    private func algebra() throws -> [String: Double] {
        options.note("five audiences")
        let shares: [UInt64] = [55_556, 166_667, 277_778, 416_667, 555_556]
        let sets = Dictionary(
            uniqueKeysWithValues: zip(Int64(1)..., shares).map { ($0, audience(Int($0), ppm: $1)) }
        )
        var random = SeededRandom(seed: options.seed)
        var times: [Double] = []
        options.note("\(Self.repetitions) expressions")
        for _ in 0..<Self.repetitions {
            let leaves = Array(1...Int64(5)).shuffled(using: &random).map { SegmentAlgebra.segment($0) }
            let expression = SegmentAlgebra.difference([
                .union([leaves[0], .intersection([leaves[1], leaves[2]])]), leaves[3], leaves[4],
            ])
            let start = ContinuousClock.now
            let found = expression.members(of: sets, universe: options.subscribers, threads: options.threads)
            times.append((ContinuousClock.now - start) / .milliseconds(1))
            try check(found, expression, sets)
        }
        return [
            "algebra_ms": times.percentile(0.95), "algebra_p50_ms": times.median,
            "repetitions": Double(Self.repetitions),
        ]
    }

    /// One member after the other, on a sample.
    private func check(_ found: Bitset, _ expression: SegmentAlgebra, _ sets: [Int64: Bitset]) throws {
        func holds(_ part: SegmentAlgebra, _ index: UInt32) -> Bool {
            switch part {
            case .segment(let id): sets[id]?.contains(index) == true
            case .union(let parts): parts.contains { holds($0, index) }
            case .intersection(let parts): parts.allSatisfy { holds($0, index) }
            case .difference(let parts): holds(parts[0], index) && !parts.dropFirst().contains { holds($0, index) }
            }
        }
        for index in stride(from: 0, to: UInt32(options.subscribers), by: 997)
        where found.contains(index) != holds(expression, index) {
            throw BenchError.answersDiffer("member \(index) of \(expression)")
        }
    }

    // MARK: Split

    /// Everybody into equal parts at random.
    private func split() throws -> [String: Double] {
        options.note("split into \(Self.parts)")
        let lines = (0..<options.subscribers).map { Int64(80_000_000_000_000 + $0 * 7) }
        var times: [Double] = []
        for repetition in 0..<3 {
            let hash = KeyedHash(key0: options.seed, key1: UInt64(repetition))
            let draws = Draws(hash: hash, lines: lines, threads: options.threads)
            let all = Bitset(full: options.subscribers)
            let start = ContinuousClock.now
            let parts = draws.split(all, weights: [Int](repeating: 1, count: Self.parts))
            times.append((ContinuousClock.now - start) / .seconds(1))
            let counts = parts.map(\.count)
            guard counts.reduce(0, +) == options.subscribers, (counts.max() ?? 0) - (counts.min() ?? 0) <= 1 else {
                throw BenchError.answersDiffer("parts of \(counts.prefix(5))")
            }
        }
        return ["split_s": times.max() ?? 0]
    }

    // MARK: Import

    /// Rows as people bring them: in any order, written in four ways, some twice, unknown or wrong.
    private func list(rows: Int) throws -> [String: Double] {
        let first: Int64 = 8_613_000_000_000
        let file = folder + "/list.csv"
        options.note("a list of \(rows) numbers")
        var random = SeededRandom(seed: options.seed)
        var text: [UInt8] = Array("name,msisdn\r\n".utf8)
        text.reserveCapacity(rows * 20)
        var expected = Bitset(universe: options.subscribers)
        for _ in 0..<rows {
            let index = UInt32.random(in: 0..<UInt32(options.subscribers), using: &random)
            let number = "\(13_000_000_000 + Int64(index))"
            let draw = random.next() % 1_000
            switch draw {
            case 0..<10: text += Array("a,12\(number.dropFirst(2))\r\n".utf8)
            case 10..<20: text += Array("a,199\(number.dropFirst(3))\r\n".utf8)
            default:
                expected.insert(index)
                let written =
                    draw < 300
                    ? "+86\(number)"
                    : draw < 400
                        ? "\(number.prefix(3)) \(number.dropFirst(3).prefix(4)) \(number.dropFirst(7))" : number
                text += Array("a,\(written)\r\n".utf8)
            }
        }
        try Data(text).write(to: URL(filePath: file))
        text = []
        let numbers = NumberIndex(numbers: (0..<options.subscribers).map { first + Int64($0) })
        options.note("import")
        let start = ContinuousClock.now
        var reader = try IdentityFile(file: file, kind: .msisdn)
        var imported = MemberImport(subscribers: options.subscribers, kind: .msisdn)
        while let batch = try reader.next() { imported.add(batch) { numbers.owner(of: MSISDN($0)) } }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        guard imported.report.rows == rows, imported.report.members == expected.count, imported.members == expected
        else { throw BenchError.answersDiffer("\(imported.report.members) members instead of \(expected.count)") }
        return [
            "import_s": elapsed, "rows": Double(rows), "members": Double(expected.count),
            "rejects": Double(imported.report.left.values.reduce(0, +)), "data_bytes": bytes(below: folder),
        ]
    }
}
