// bench count: a rule over six hot attributes, counted on the whole base, beside DuckDB on the same rows.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Assembly
import Foundation
import Kernel
import Model
import Ports
import Profiles
import Rules

struct CountBench {
    private let options: BenchOptions
    private static let repetitions = 200
    /// Repetitions whose members are compared one by one; the others compare count and fingerprint.
    private static let compared = 3

    init(_ options: BenchOptions) { self.options = options }

    func run() async throws -> [String: Double] {
        let folder = options.folder("count")
        let profile = try await prepare(folder)
        let engine = try await open(folder)
        var own: [Double] = []
        var peer: [Double] = []
        var random = SeededRandom(seed: options.seed &+ 1)
        let scope = RuleScope(catalogue: Self.catalogue)
        let today = LocalDay(number: 20_700)
        for repetition in 0..<Self.repetitions {
            let rule = Self.rule(&random)
            let (count, ms) = try await milliseconds {
                let checked = try scope.check(rule)
                return try profile.compile(checked, today: today).count(threads: options.threads)
            }
            own.append(ms)
            let condition = try scope.check(rule).sql(.duckdb, today: today).text
            let (found, peerMs) = try await milliseconds {
                try await engine.integer(SQLText("SELECT count(*) FROM base WHERE \(condition)"))
            }
            peer.append(peerMs)
            guard found == Int64(count) else { throw BenchError.answersDiffer("\(rule): \(count) and \(found ?? -1)") }
            let members = try profile.compile(scope.check(rule), today: today).evaluate(threads: options.threads)
            try await compare(members, condition, engine, isFull: repetition < Self.compared, rule: rule)
            if repetition % 50 == 0 { options.note("repetition \(repetition) of \(Self.repetitions)") }
        }
        await engine.close()
        return [
            "p50_ms": own.median, "p95_ms": own.percentile(0.95), "duckdb_p50_ms": peer.median,
            "ratio": peer.median / own.median, "repetitions": Double(Self.repetitions), "seed": Double(options.seed),
            "data_bytes": bytes(below: folder),
        ]
    }

    // MARK: Rules

    /// Two enumerations, two decimals, a day and a flag with one OR; each alone selects 30-95 %.
    private static func rule(_ random: inout SeededRandom) -> String {
        let brands = ["a", "b", "c", "d", "e"].shuffled(using: &random).prefix(Int.random(in: 3...4, using: &random))
        let cities = (0..<20).shuffled(using: &random).prefix(Int.random(in: 9...18, using: &random))
        let fee = Scaled(unscaled: Int64.random(in: 1_500...9_000, using: &random), scale: 2)
        let data = Scaled(unscaled: Int64.random(in: 20_000...60_000, using: &random), scale: 3)
        let day = LocalDay(number: 20_700 - Int32.random(in: 1_200...3_300, using: &random))
        return """
            brand IN (\(brands.map { "'\($0)'" }.joined(separator: ", "))) AND (fee >= \(fee) OR data_use < \(data))
            AND joined >= DATE '\(day.iso)' AND is_app_user
            AND city IN (\(cities.map { "'c\($0)'" }.joined(separator: ", ")))
            """
    }

    private static let catalogue = AttributeCatalogue(
        groups: [],
        attributes: [
            attribute("brand", .enumeration, domain: ["a", "b", "c", "d", "e"]),
            attribute("city", .enumeration, domain: (0..<20).map { "c\($0)" }),
            attribute("fee", .decimal(scale: 2), range: 0...99_999_999),
            attribute("data_use", .decimal(scale: 3), range: 0...99_999_999),
            attribute("joined", .day),
            attribute("is_app_user", .flag),
        ]
    )

    private static func attribute(
        _ code: String,
        _ type: AttributeType,
        domain: [String] = [],
        range: ClosedRange<Int64>? = nil
    ) -> Attribute {
        Attribute(
            code: code,
            name: BilingualText(zh: code, en: code),
            type: type,
            group: "bench",
            domain: domain.map { DomainValue(value: $0, label: BilingualText(zh: $0, en: $0)) },
            range: range
        )
    }

    // MARK: Data

    /// The value of an attribute: a place in the domain, an unscaled number, a day or 0/1; nil = NULL.
    private func value(_ attribute: Int, _ index: Int) -> Int64? {
        let draw = SeededRandom.mix(
            SeededRandom.mix(options.seed &+ UInt64(attribute) &* 0x9E37_79B9) &+ UInt64(index) &* 0xD134_2543_DE82_EF95
        )
        switch attribute {
        case 0: return Int64(draw % 5)
        case 1: return Int64(draw % 20)
        case 2: return Int64(draw % 10_000) + Int64((draw >> 32) % 64 == 0 ? (draw >> 40) % 100_000 : 0)
        case 3: return draw % 20 == 0 ? nil : Int64((draw >> 8) % 80_000)  // 5 % NULLs
        case 4: return 20_700 - Int64(draw % 5_000)
        default: return draw % 100 < 70 ? 1 : 0
        }
    }

    private func prepare(_ folder: String) async throws -> HotProfile {
        let ready = folder + "/ready"
        let rows = options.subscribers
        if !FileManager.default.fileExists(atPath: ready) {
            options.note("preparing \(rows) subscribers")
            try? FileManager.default.removeItem(atPath: folder)
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for (position, attribute) in Self.catalogue.attributes.enumerated() {
                var builder = HotColumnBuilder(attribute, rows: rows)
                for start in stride(from: 0, to: rows, by: Block.size) {
                    let range = start..<min(start + Block.size, rows)
                    try append(range, of: position, attribute, to: &builder)
                }
                let column = try builder.finish().encoded()
                try Data(column).write(to: URL(filePath: "\(folder)/\(attribute.code).column"))
            }
            let engine = try await open(folder)
            let fields =
                [WarehouseField("idx", .integer)]
                + Self.catalogue.attributes.map { WarehouseField($0.code, $0.type.warehouseType) }
            try await engine.execute(engine.dialect.createTable("base", fields))
            try await engine.ingest(
                into: "base",
                fields: fields,
                from: CountRows(rows: rows, fields: fields, bench: self)
            )
            try await engine.sync()
            await engine.close()
            try Data().write(to: URL(filePath: ready))
        }
        var profile = try HotProfile(catalogue: Self.catalogue, universe: rows)
        for attribute in Self.catalogue.attributes {
            let bytes = try Data(contentsOf: URL(filePath: "\(folder)/\(attribute.code).column"))
            try profile.set(attribute.code, HotColumn(decoding: [UInt8](bytes)))
        }
        return profile
    }

    private func append(
        _ range: Range<Int>,
        of position: Int,
        _ attribute: Attribute,
        to builder: inout HotColumnBuilder
    )
        throws
    {
        let values = range.map { value(position, $0) }
        var valid = [UInt64](repeating: 0, count: (values.count + 63) / 64)
        for (row, value) in values.enumerated() where value != nil { valid[row >> 6] |= 1 << UInt64(row & 63) }
        try valid.withUnsafeBufferPointer { valid in
            switch attribute.type {
            case .flag:
                try values.map { $0 == 1 }.withUnsafeBufferPointer { try builder.append(flags: $0, valid: valid) }
            case .enumeration:
                try values.map { UInt16($0 ?? 0) }.withUnsafeBufferPointer {
                    try builder.append(places: $0, valid: valid)
                }
            default:
                try values.map { $0 ?? 0 }.withUnsafeBufferPointer { try builder.append(integers: $0, valid: valid) }
            }
        }
    }

    private func open(_ folder: String) async throws -> DuckDBWarehouse {
        try await DuckDBWarehouse.open(
            DuckDBSettings(
                library: try DuckDBSettings.findLibrary(setting: options.duckDB, from: PlatformSettings.places),
                database: folder + "/peer.duckdb",
                memoryLimitBytes: 6 << 30,
                threads: options.threads
            )
        )
    }

    private func compare(
        _ members: Bitset,
        _ condition: String,
        _ engine: DuckDBWarehouse,
        isFull: Bool,
        rule: String
    ) async throws {
        if isFull {
            let found = try await engine.query(
                SQLText("SELECT idx FROM base WHERE \(condition)"),
                into: Bitset(universe: options.subscribers)
            ) { set, batch in for index in try batch.integers(0) { set.insert(UInt32(index)) } }
            guard found == members else { throw BenchError.answersDiffer("members of \(rule)") }
            return
        }
        var fingerprint: Int64 = 0
        members.forEach { fingerprint ^= Int64($0) * 2_654_435_761 }
        let sql = "SELECT coalesce(bit_xor(idx * 2654435761), 0) FROM base WHERE \(condition)"
        guard try await engine.integer(SQLText(sql)) == fingerprint else {
            throw BenchError.answersDiffer("fingerprint of the members of \(rule)")
        }
    }

    /// Rows for the peer's table.
    private struct CountRows: ColumnBatchSource {
        let rows: Int
        let fields: [WarehouseField]
        let bench: CountBench
        var position = 0

        mutating func next() -> ColumnBatch? {
            guard position < rows else { return nil }
            let range = position..<min(position + ColumnBatch.rows, rows)
            position = range.upperBound
            var columns = [ColumnData(.integers(range.map(Int64.init)))]
            for (number, attribute) in CountBench.catalogue.attributes.enumerated() {
                let values = range.map { bench.value(number, $0) }
                var validity = Validity(allValid: values.count)
                for (row, value) in values.enumerated() where value == nil { validity.setNull(row) }
                let data: ColumnData.Values =
                    switch attribute.type {
                    case .flag: .flags(values.map { $0 == 1 })
                    case .enumeration: .texts(TextColumn(values.map { attribute.domain[Int($0 ?? 0)].value }))
                    case .day: .days(values.map { Int32($0 ?? 0) })
                    default: .integers(values.map { $0 ?? 0 })
                    }
                columns.append(ColumnData(data, validity: validity.nullCount == 0 ? nil : validity))
            }
            return ColumnBatch(fields: fields, columns: columns)
        }
    }
}
