// bench wave: one wave over 5 of 18 million subscribers, durable, against one hand-tuned DuckDB script.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Assembly
import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import ObjectFiles
import Ports
import SQLiteStore

struct WaveBench {
    private let options: BenchOptions
    private let world: BenchWorld
    private static let repetitions = 5

    init(_ options: BenchOptions) {
        self.options = options
        world = BenchWorld(
            subscribers: options.subscribers,
            seed: options.seed,
            folder: options.folder("wave"),
            threads: options.threads
        )
    }

    func run() async throws -> [String: Double] {
        options.note("preparing \(options.subscribers) subscribers")
        let (host, log, inputs) = try await world.open()
        for wave in try await host.read({ $0.waves.values.filter { $0.sum(\.open) > 0 }.map(\.wave) }) {
            try await release(wave, host)  // an earlier run was interrupted
        }
        let audience = world.audience
        let first = try await host.nextCampaignNumber()
        // How many survive the checks is only known by asking; the limit is 60 % of them, anew each repetition.
        let probe = try await host.rehearse(
            world.campaign(first, limit: nil),
            occurrence: 1,
            planned: world.start,
            audience: audience
        )
        let survivors = Int(probe.count(.contact))
        var times: [Double] = []
        var last: (summary: WaveSummary, spec: CampaignSpec)?
        for repetition in 0..<Self.repetitions {
            options.note("wave \(repetition + 1) of \(Self.repetitions)")
            if let last { try await release(last.summary.wave, host) }
            let jitter = Int(SeededRandom.mix(options.seed &+ UInt64(repetition)) % 1000)
            let spec = world.campaign(first + repetition, limit: survivors * 6 / 10 - jitter)
            try await world.publish(spec, on: host)
            let wave = WaveID(campaign: spec.id, occurrence: 1)
            let (summary, ms) = try await milliseconds {
                try await host.run(wave: wave, planned: world.start, audience: audience)
            }
            times.append(ms)
            last = (summary, spec)
        }
        guard let last else { return [:] }
        try checkExplain(log, inputs, audience, last.summary)
        options.note("the same in DuckDB")
        let peer = try await peerSeconds(last.summary, last.spec, host: host, audience: audience)
        let members = Double(last.summary.target)
        let shares = last.summary.totals.filter {
            $0.outcome != .contact && $0.outcome != .control && $0.outcome != .outranked
        }
        .map { Double($0.count) / members * 100 }
        return [
            "decisions_per_s": members / (times.median / 1000), "wave_ms": times.median,
            "wave_max_ms": times.max() ?? 0,
            "audience": members, "contacts": Double(last.summary.count(.contact)),
            "least_removed_percent": shares.min() ?? 0, "most_removed_percent": shares.max() ?? 0,
            "duckdb_s": peer, "ratio": peer / (times.median / 1000), "repetitions": Double(Self.repetitions),
            "seed": Double(options.seed), "data_bytes": bytes(below: world.folder),
        ]
    }

    /// Gives all contacts of a wave back, so that the next repetition starts from the same counters.
    private func release(_ wave: WaveID, _ host: DecisionHost) async throws {
        try await host.record([.campaignStatus(wave.campaign, .stopped)])
        try await host.releaseUnsent(wave)
    }

    /// Explain reads the wave and agrees with it.
    private func checkExplain(
        _ log: any DecisionLog,
        _ inputs: StoredInputs,
        _ audience: Bitset,
        _ summary: WaveSummary
    ) throws {
        let rows = try RowFiles(folder: world.folder + "/explain")
        let postings = try SQLitePostings(path: world.folder + "/explain/postings.sqlite")
        let explainer = Explainer(log: log, inputs: inputs, postings: postings, rows: rows)
        var position = UInt32(options.seed % 1000)
        for _ in 0..<20 {
            while !audience.contains(position) { position += 1 }
            let explanation = try explainer.explain(summary.wave.campaign, SubscriberIndex(position))
            let naive = explanation.checks.first { !$0.isPassed }?.outcome ?? .contact
            guard naive == explanation.outcome else {
                throw BenchError.answersDiffer(
                    "explain of subscriber \(position): \(naive.code), \(explanation.outcome.code)"
                )
            }
            position = UInt32((UInt64(position) + 7919) % UInt64(options.subscribers / 2))
        }
    }

    // MARK: The peer

    /// Seconds of a script that durably writes the same member-and-reason table; its members are compared one by one.
    private func peerSeconds(
        _ summary: WaveSummary,
        _ spec: CampaignSpec,
        host: DecisionHost,
        audience: Bitset
    ) async throws -> Double {
        let path = world.folder + "/peer.duckdb"
        for file in [path, path + ".wal"] { try? FileManager.default.removeItem(atPath: file) }
        let engine = try await DuckDBWarehouse.open(
            DuckDBSettings(
                library: try DuckDBSettings.findLibrary(setting: options.duckDB, from: PlatformSettings.places),
                database: path,
                memoryLimitBytes: 8 << 30,
                threads: options.threads
            )
        )
        let fields = Self.fields
        try await engine.execute(engine.dialect.createTable("base", fields))
        let source = try await PeerRows(world: world, spec: spec, audience: audience, host: host, fields: fields)
        try await engine.ingest(into: "base", fields: fields, from: source)
        try await engine.sync()
        var times: [Double] = []
        for _ in 0..<3 {
            for table in ["checked", "result"] { try await engine.execute(engine.dialect.dropTable(table)) }
            let (_, ms) = try await milliseconds {
                try await engine.execute(SQLText(Self.checks))
                try await engine.execute(SQLText(Self.decisions(limit: spec.limit ?? 0)))
                try await engine.sync()
            }
            times.append(ms / 1000)
        }
        try await compare(engine, host: host, wave: summary.wave)
        try await release(summary.wave, host)
        await engine.close()
        for file in [path, path + ".wal"] { try? FileManager.default.removeItem(atPath: file) }
        return times.median
    }

    private static let fields =
        [
            ("idx", WarehouseType.integer), ("member", .flag), ("holdout", .flag), ("owned", .flag),
            ("lists", .integer),
            ("recent", .flag), ("is_similar", .flag), ("sms", .integer), ("counted", .integer), ("sms_cap", .integer),
            ("overall_cap", .integer), ("score", .integer), ("hash", .integer), ("control", .flag),
        ].map { WarehouseField($0.0, $0.1) }

    private static let checks: String = {
        let lists = BenchWorld.lists.indices.map { position in
            let outcome =
                Outcome(code: BenchWorld.lists[position].list.code) ?? (position == 15 ? .listBlack : .listGrey)
            return "WHEN lists & \(1 << position) <> 0 THEN \(outcome.rawValue)"
        }
        return """
            CREATE TABLE checked AS SELECT idx, CASE WHEN holdout THEN 4 WHEN owned THEN 5 \(lists.joined(separator: " "))
            WHEN recent THEN 24 WHEN is_similar THEN 25 WHEN sms >= sms_cap THEN 26 WHEN counted >= overall_cap THEN 30
            ELSE 0 END AS reason, score, hash, control FROM base WHERE member
            """
    }()

    private static func decisions(limit: Int) -> String {
        """
        CREATE TABLE result AS
        WITH cut AS (SELECT score AS s, hash AS h, idx AS i FROM checked WHERE reason = 0 AND NOT control
            ORDER BY score DESC, hash, idx LIMIT 1 OFFSET \(max(0, limit - 1)))
        SELECT idx, CAST(CASE WHEN reason <> 0 THEN reason
            WHEN score < s OR (score = s AND (hash > h OR (hash = h AND idx > i))) THEN 32
            WHEN control THEN 40 ELSE 41 END AS TINYINT) AS reason FROM checked, cut
        """
    }

    private func compare(_ engine: DuckDBWarehouse, host: DecisionHost, wave: WaveID) async throws {
        guard let state = try await host.read({ $0.waves[wave] }) else { throw DecisionError.unknownWave(wave) }
        var contact = Bitset(universe: options.subscribers)
        var control = Bitset(universe: options.subscribers)
        for index in state.members(\.contact) { contact.insert(index.number) }
        for index in state.members(\.control) { control.insert(index.number) }
        let counts = Dictionary(uniqueKeysWithValues: state.totals.map { (Int64($0.outcome.rawValue), $0.count) })
        let sql = SQLText("SELECT CAST(reason AS BIGINT), count(*) FROM result GROUP BY 1")
        for row in try await engine.rows(sql) {
            guard case .integer(let reason) = row[0], case .integer(let count) = row[1], counts[reason] == count else {
                throw BenchError.answersDiffer("DuckDB \(row), Gyre \(counts)")
            }
        }
        for (reason, expected) in [(41, contact), (40, control)] {
            let found = try await engine.query(
                SQLText("SELECT idx FROM result WHERE reason = \(reason)"),
                into: Bitset(universe: options.subscribers)
            ) { set, batch in for index in try batch.integers(0) { set.insert(UInt32(index)) } }
            guard found == expected else { throw BenchError.answersDiffer("members with outcome \(reason)") }
        }
    }
}

/// The peer's table: everything the checks need, looked up beforehand, one row per subscriber.
private struct PeerRows: ColumnBatchSource {
    let world: BenchWorld
    let fields: [WarehouseField]
    let audience: Bitset
    let holdout: Bitset
    let owned: Bitset
    let lists: [Bitset]
    let recent: Bitset
    let similar: Bitset
    let control: Bitset
    let rank: KeyedHash
    let lines: [Int64]
    var position = 0

    init(
        world: BenchWorld,
        spec: CampaignSpec,
        audience: Bitset,
        host: DecisionHost,
        fields: [WarehouseField]
    ) async throws {
        self.world = world
        self.fields = fields
        self.audience = audience
        owned = world.members(5, ppm: 40_000)
        lists = BenchWorld.lists.indices.map(world.listMembers)
        var recent = world.members(51, ppm: 8_000)
        recent.formUnion(world.members(52, ppm: 8_000))
        self.recent = recent
        similar = world.members(53, ppm: 30_000)
        (holdout, control, rank, lines) = try await host.read { state in
            (
                state.holdoutMembers(try state.livePolicy().holdout), state.controlGroup(of: spec),
                state.rankHash(of: spec.id), state.lines
            )
        }
    }

    mutating func next() -> ColumnBatch? {
        guard position < world.subscribers else { return nil }
        let range = position..<min(position + ColumnBatch.rows, world.subscribers)
        position = range.upperBound
        let caps = world.policy.tiers
        func flags(_ set: Bitset) -> ColumnData { ColumnData(.flags(range.map { set.contains(UInt32($0)) })) }
        func numbers(_ value: (Int) -> Int64) -> ColumnData { ColumnData(.integers(range.map(value))) }
        let month = 0
        return ColumnBatch(
            fields: fields,
            columns: [
                numbers { Int64($0) }, flags(audience), flags(holdout), flags(owned),
                numbers { index in
                    lists.indices.reduce(0) { $0 | (lists[$1].contains(UInt32(index)) ? 1 << $1 : 0) }
                },
                flags(recent), flags(similar), numbers { Int64(world.contacts(.sms, back: month, $0)) },
                numbers { index in
                    [ChannelClass.sms, .outbound, .inbound]
                        .reduce(0) { $0 + Int64(world.contacts($1, back: month, index)) }
                },
                numbers { Int64(caps[world.tier($0)].caps[.sms]?.count ?? 0) },
                numbers { Int64(caps[world.tier($0)].overall.count) }, numbers { world.score($0) },
                numbers { Int64(bitPattern: rank(lines[$0]) >> 1) }, flags(control),
            ]
        )
    }
}

extension DecisionHost {
    /// A campaign number that no earlier run used.
    func nextCampaignNumber() async throws -> Int {
        try await read { Int($0.campaigns.keys.map(\.number).max() ?? 0) + 1 }
    }
}
