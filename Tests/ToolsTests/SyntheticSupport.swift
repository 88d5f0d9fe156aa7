// What the tests of the synthetic operator share: the example's number ranges, and tables held in memory.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Ports
import Synthetic
import Testing

enum Example {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Examples")
        .standardizedFileURL

    static func text(_ path: String) throws -> String {
        try String(contentsOf: folder.appending(path: path), encoding: .utf8)
    }

    private static let plan = Result { try NumberPlan(csv: text("number-ranges.csv")) }

    static func numbers() throws -> NumberPlan { try plan.get() }

    static func world(_ subscribers: Int, seed: UInt64 = 20_261_116) throws -> SyntheticOperator {
        let asOf = try #require(LocalDay(iso: "2026-11-16"))
        return try SyntheticOperator(seed: seed, subscribers: subscribers, asOf: asOf, numbers: numbers())
    }

    /// 20 000 subscribers, generated once for all tests that only read them.
    static let subscribers = Result { MemoryTable(try world(20_000), .subscriber) }
    static let contacts = Result { MemoryTable(try world(20_000), .contact) }
}

/// A whole table of a small operator, by column name.
struct MemoryTable: Sendable {
    var rowCount = 0
    private var batches: [ColumnBatch] = []

    init(_ world: SyntheticOperator, _ table: SyntheticTable) {
        var source = world.source(table)
        while let batch = source.next() {
            rowCount += batch.rowCount
            batches.append(batch)
        }
    }

    private func column<T>(_ name: String, _ value: (ColumnBatch, Int) throws -> [T]) throws -> [T] {
        try batches.flatMap { batch in
            let position = try #require(batch.fields.firstIndex { $0.name == name }, "no column \(name)")
            return try value(batch, position)
        }
    }

    func integers(_ name: String) throws -> [Int64] { try column(name) { try $0.integers($1) } }
    func days(_ name: String) throws -> [Int32] { try column(name) { try $0.days($1) } }
    func flags(_ name: String) throws -> [Bool] { try column(name) { try $0.flags($1) } }
    func texts(_ name: String) throws -> [String] {
        try column(name) { batch, position in
            let column = try batch.texts(position)
            return (0..<column.count).map { column[$0] }
        }
    }
    func nulls(_ name: String) throws -> [Bool] {
        try column(name) { batch, position in (0..<batch.rowCount).map { batch.columns[position].isNull($0) } }
    }
}

/// Bytes of a table's rows as CSV, for comparing runs.
func csv(_ world: SyntheticOperator, _ table: SyntheticTable, subscribers: Range<Int>? = nil) -> [UInt8] {
    var source = world.source(table, subscribers: subscribers)
    var text = CSVText()
    while let batch = source.next() { text.append(batch) }
    return text.take()
}

/// The share of true values, in percent.
func percent(_ values: some Sequence<Bool>) -> Double {
    var all = 0.0
    var holding = 0.0
    for value in values {
        all += 1
        if value { holding += 1 }
    }
    return all == 0 ? 0 : holding * 100 / all
}

func mean(_ values: some Collection<Int64>) -> Double {
    values.isEmpty ? 0 : Double(values.reduce(0, +)) / Double(values.count)
}

/// Pearson's correlation.
func correlation(_ a: some Collection<Int64>, _ b: some Collection<Int64>) -> Double {
    let (meanA, meanB) = (mean(a), mean(b))
    var (both, onlyA, onlyB) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
        let (dx, dy) = (Double(x) - meanA, Double(y) - meanB)
        both += dx * dy
        onlyA += dx * dx
        onlyB += dy * dy
    }
    return both / (onlyA * onlyB).squareRoot()
}
