// A prepared base for the benches of the decision core: lines, columns, lists, history and policy in a log on disk.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import ObjectFiles
import Ports
import Profiles
import SQLiteStore

/// The base of the decision benches.
///
/// Everything depends on seed and index alone.
struct BenchWorld {
    let subscribers: Int
    let seed: UInt64
    let folder: String
    let threads: Int
    let start = LocalTime(instant: Instant(epochMs: 1_789_610_400_000), offsetSeconds: 28_800)  // 2026-09-17 10:00

    /// Campaigns prepared beforehand, so that each repetition has one of its own.
    static let campaigns = 12

    func draw(_ name: UInt64, _ index: Int) -> UInt64 {
        SeededRandom.mix(
            SeededRandom.mix(seed &+ name &* 0x9E37_79B9_7F4A_7C15) &+ UInt64(index) &* 0xD134_2543_DE82_EF95
        )
    }

    /// About `ppm` millionths of all subscribers.
    func members(_ name: UInt64, ppm: UInt64) -> Bitset {
        var set = Bitset(universe: subscribers)
        set.withMutableWords { words in
            for index in 0..<subscribers where draw(name, index) % 1_000_000 < ppm {
                words[index >> 6] |= 1 << UInt64(index & 63)
            }
        }
        return set
    }

    /// 5 of 18 million, or the same share of a smaller base.
    var audience: Bitset { members(1, ppm: 5_000_000 * 1_000_000 / 18_000_000) }

    /// The lists of the wave bench with the share each holds, in millionths.
    static let lists: [(list: ListID, ppm: UInt64)] =
        (1...15).map { (.dnd($0), [28_000, 9_000, 17_000, 22_000, 15_000][($0 - 1) % 5]) }
        + [(ListID("black"), 9_000), (ListID("grey"), 13_000)]

    func listMembers(_ position: Int) -> Bitset { members(100 + UInt64(position), ppm: Self.lists[position].ppm) }

    func tier(_ index: Int) -> Int {
        let roll = draw(2, index) % 100
        return roll < 8 ? 0 : roll < 40 ? 1 : roll < 70 ? 2 : 3
    }

    /// Six decimals; heavy in the middle, many distinct values.
    func score(_ index: Int) -> Int64 {
        let draw = draw(3, index)
        return Int64((draw & 0xFFFFF) * ((draw >> 20) & 0xFFFFF) / 1_099_512)
    }

    /// Contacts of a class in one of the three months before the wave's, or in its own (back = 0).
    func contacts(_ channel: ChannelClass, back: Int, _ index: Int) -> UInt8 {
        let roll = draw(10 + UInt64(channel.rawValue) * 4 + UInt64(back), index) % 1000
        switch channel {
        case .sms: return roll < 620 ? 0 : roll < 900 ? 1 : roll < 965 ? 2 : roll < 990 ? 3 : 4
        case .outbound, .inbound: return roll < 800 ? 0 : roll < 950 ? 1 : 2
        case .website: return roll < 800 ? 0 : roll < 970 ? 1 : 2
        }
    }

    private static let catalogue = AttributeCatalogue(
        groups: [AttributeGroup(code: "bench", name: BilingualText(zh: "基准", en: "Bench"))],
        attributes: [
            Attribute(
                code: "tier",
                name: BilingualText(zh: "层级", en: "Tier"),
                type: .enumeration,
                group: "bench",
                domain: ["vip", "gotone", "mzone", "easyown"].map {
                    DomainValue(value: $0, label: BilingualText(zh: $0, en: $0))
                }
            ),
            Attribute(
                code: "score",
                name: BilingualText(zh: "评分", en: "Score"),
                type: .decimal(scale: 6),
                group: "bench",
                range: 0...1_000_000
            ),
        ]
    )

    var policy: ContactPolicy {
        let limits = [("vip", 2, 3), ("gotone", 3, 4), ("mzone", 4, 5), ("easyown", 4, 5)]
        return ContactPolicy(
            revision: 1,
            tiers: limits.map { code, sms, overall in
                PolicyTier(
                    code: code,
                    name: BilingualText(zh: code, en: code),
                    rule: "tier = '\(code)'",
                    caps: [
                        .sms: Cap(count: sms, months: 1), .outbound: Cap(count: 1, months: 3),
                        .inbound: Cap(count: 1, months: 1), .website: Cap(count: 3, months: 1),
                    ],
                    overall: Cap(count: overall, months: 1)
                )
            },
            dnd: (1...15).map {
                DNDClass(
                    number: $0,
                    name: BilingualText(zh: "\($0)", en: "\($0)"),
                    isByChannel: $0 == 1,
                    mayBeUnticked: false
                )
            },
            intervalDays: [.sms: 3],
            similarDays: ["bench": 30],
            holdout: Holdout(ppm: 20_000, epoch: "bench")
        )
    }

    /// The campaign of a repetition: top-N at 60 % of those who survive the checks.
    func campaign(_ number: Int, limit: Int?) -> CampaignSpec {
        CampaignSpec(
            id: CampaignID(Int64(number)),
            name: "bench \(number)",
            category: "bench",
            product: "BENCH",
            validFrom: start.day,
            validTo: start.day.adding(days: 90),
            score: "score",
            limit: limit,
            costPerContactMinor: 4,
            controlPPM: 100_000
        )
    }

    /// Opens the base, prepared when it is not there yet.
    func open(
        observe: @escaping @Sendable (ProtocolStep) -> Void = { _ in }
    ) async throws -> (
        host: DecisionHost, log: SQLiteDecisionLog, inputs: StoredInputs
    ) {
        let ready = folder + "/ready"
        if !FileManager.default.fileExists(atPath: ready) {
            try? FileManager.default.removeItem(atPath: folder)
        }
        let objects = try ObjectFiles(folder: folder + "/objects")
        let inputs = StoredInputs(objects: objects, threads: threads)
        let log = try SQLiteDecisionLog(folder: folder + "/log")
        let host = try DecisionHost(log: log, objects: objects, inputs: inputs, threads: threads, observe: observe)
        if !FileManager.default.fileExists(atPath: ready) {
            try await prepare(host)
            try Data().write(to: URL(filePath: ready))
        }
        return (host, log, inputs)
    }

    private func prepare(_ host: DecisionHost) async throws {
        var ids = ByteWriter(capacity: subscribers * 8)
        for index in 0..<subscribers { ids.write(60_000_000_000_000 + Int64(index) * 64 + Int64(draw(4, index) % 64)) }
        func column(_ code: String, _ value: (Int) -> Int64) throws -> AttributeColumn {
            guard let attribute = Self.catalogue[code] else { throw DecisionError.noProfile }
            var builder = HotColumnBuilder(attribute, rows: subscribers)
            for start in stride(from: 0, to: subscribers, by: Block.size) {
                let range = start..<min(start + Block.size, subscribers)
                if attribute.type == .enumeration {
                    let places = range.map { UInt16(value($0)) }
                    try places.withUnsafeBufferPointer { try builder.append(places: $0) }
                } else {
                    let numbers = range.map(value)
                    try numbers.withUnsafeBufferPointer { try builder.append(integers: $0) }
                }
            }
            return AttributeColumn(code: code, file: try host.store(builder.finish().encoded()))
        }
        try await host.record([
            .genesis(salt: (0..<16).map { UInt8(truncatingIfNeeded: seed &+ $0) }, now: start),
            .linesAssigned(base: 0, count: UInt32(subscribers), file: try host.store(ids.bytes)),
            .attributesLoaded(
                load: "bench",
                catalogue: try host.store(Self.catalogue.canonicalJSON()),
                columns: [try column("tier") { Int64(tier($0)) }, try column("score", score)]
            ),
            .policySet(revision: 1, file: try host.store(policy.canonicalJSON())),
            .listReplaced(.product("BENCH"), file: try host.store(members(5, ppm: 40_000).listFile)),
        ])
        for position in Self.lists.indices {
            let file = try host.store(listMembers(position).listFile)
            try await host.record([.listReplaced(Self.lists[position].list, file: file)])
        }
        var history = ContactHistory()
        for channel in ChannelClass.allCases {
            for back in 0...3 {
                let counts = (0..<subscribers).map { contacts(channel, back: back, $0) }
                let month = LocalMonth(number: start.month.number - Int32(back))
                history.counters.append(.init(channel: channel, month: month, counts: counts))
            }
        }
        for (day, name) in [(1, UInt64(51)), (2, 52)] {
            var indices: [UInt32] = []
            members(name, ppm: 8_000).forEach { indices.append($0) }
            history.add(channel: .sms, category: "other", day: start.day.adding(days: -day), indices: indices)
        }
        var similar: [UInt32] = []
        members(53, ppm: 30_000).forEach { similar.append($0) }
        history.add(channel: .sms, category: "bench", day: start.day.adding(days: -20), indices: similar)
        try await host.record([.historyLoaded(file: try host.store(history.encoded()))])
    }

    /// Makes a campaign known.
    func publish(_ spec: CampaignSpec, on host: DecisionHost) async throws {
        let file = try host.store(spec.canonicalJSON())
        try await host.record([
            .campaignSet(spec.id, revision: Int32(spec.revision), file: file), .campaignStatus(spec.id, .live),
        ])
    }
}
