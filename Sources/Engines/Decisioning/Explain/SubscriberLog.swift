// Finds in the log what concerns one subscriber, without reading the rest.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Synchronization

/// The log by subscriber.
///
/// What concerns everybody (policies, campaigns, loads) is kept decoded; a wave is looked into when its audience holds
/// the subscriber, which rows of 64 waves tell at once; single decisions and changes of lists are found through postings.
/// Each question first reads what the log got since the last one.
final class SubscriberLog: Sendable {
    private let log: any DecisionLog
    private let inputs: DecodedInputs
    private let postings: any SubscriberPostings
    private let rows: any WaveRows
    private let world = Mutex(World())
    private let catchingUp = Mutex(())

    /// A wave as the common chain tells it.
    struct Wave: Sendable {
        var wave: WaveID
        var audience: ContentHash
        var opened: (sequence: Int64, record: LogRecord)
        var selected: (sequence: Int64, record: LogRecord)?
        var aborted: (sequence: Int64, record: LogRecord)?
    }

    /// What concerns everybody up to a position of the log.
    struct World: Sendable {
        var end: Int64 = 0
        var records: [(sequence: Int64, record: LogRecord)] = []
        var ticks: [(sequence: Int64, record: LogRecord)] = []
        var waves: [Wave] = []
        var places: [WaveID: Int] = [:]
        /// Names of the groups that are complete: a hash over their waves and audiences.
        fileprivate var keys: [ContentHash] = []
        /// Who is erased, and which files are read in the place of others.
        fileprivate(set) var erasures = Erasures()

        func key(ofGroup number: Int) -> ContentHash { keys[number] }

        func waves(inGroup number: Int) -> ArraySlice<Wave> {
            waves[number * SubscriberLog.waves..<(number + 1) * SubscriberLog.waves]
        }
    }

    init(log: any DecisionLog, inputs: DecodedInputs, postings: any SubscriberPostings, rows: any WaveRows) {
        self.log = log
        self.inputs = inputs
        self.postings = postings
        self.rows = rows
    }

    /// What concerns everybody, up to the end of the log.
    func current() throws -> World {
        let end = try log.position().sequence
        try catchUp(to: end)
        return try world.withLock { world in
            try log.read(chain: .common, from: world.end + 1, withKeys: true) { batch in
                if batch.sequence <= end { try world.add(LogRecord(decoding: batch.payload), at: batch.sequence) }
            }
            world.end = end
            return world
        }
    }

    /// The same for a question about a subscriber.
    ///
    /// - Throws: ``DecisionError/erased(_:)``: nothing of him is read.
    func current(for index: SubscriberIndex) throws -> World {
        let world = try current()
        guard world.erasures.subscribers[index.number] == nil else { throw DecisionError.erased(index) }
        return world
    }

    /// Notes which subscribers the newest batches name.
    func catchUp(to end: Int64) throws {
        try catchingUp.withLock { _ in
            var start = try postings.end()
            if start > end {
                // The log is another one, restored from a backup: what was noted says nothing about it.
                try postings.removeAll()
                start = 0
            }
            guard start < end else { return }
            var found: [SubscriberPosting] = []
            try log.read(chain: nil, from: start + 1, withKeys: false) { batch in
                guard batch.sequence <= end else { return }
                for subscriber in try LogRecord(decoding: batch.payload).namedSubscribers {
                    found.append(SubscriberPosting(subscriber: subscriber, sequence: batch.sequence))
                }
                if found.count >= Self.postingsAtOnce {
                    try postings.add(found, upTo: batch.sequence)
                    found = []
                }
            }
            try postings.add(found, upTo: end)
        }
    }

    private static let postingsAtOnce = 100_000

    /// The records that concern a subscriber, in order.
    ///
    /// `campaign`: Its waves are there in any case, whether the subscriber was meant or not.
    func records(
        of index: SubscriberIndex,
        in world: World,
        campaign: CampaignID?
    ) throws -> [(sequence: Int64, record: LogRecord)] {
        var found: [(sequence: Int64, record: LogRecord)] = []
        func read(_ batches: [LogBatch]) throws {
            for batch in batches where batch.sequence <= world.end {
                found.append((batch.sequence, try LogRecord(decoding: batch.payload)))
            }
        }
        for (wave, isMeant) in zip(world.waves, try membership(of: index, in: world)) {
            guard isMeant || wave.wave.campaign == campaign else { continue }
            found.append(wave.opened)
            if let selected = wave.selected { found.append(selected) }
            if let aborted = wave.aborted { found.append(aborted) }
            guard isMeant else { continue }
            try read(log.batches(for: LogKey(wave: wave.wave.packed, block: Int32(index.block))))
        }
        try read(log.batches(at: postings.sequences(naming: index)))
        found.sort { $0.sequence < $1.sequence }
        return world.merged(with: found)
    }
}

// MARK: Rows

extension SubscriberLog {
    /// Waves in a row.
    static let waves = 64
    /// Words of each audience that are turned into rows at a time.
    private static let wordsAtOnce = 8_192

    /// Makes the rows of groups that are complete and have none.
    func makeRows(_ world: World) throws {
        for number in 0..<world.waves.count / Self.waves {
            let key = world.key(ofGroup: number)
            guard try rows.group(number)?.key != key else { continue }
            let audiences = world.waves(inGroup: number).map(\.audience)
            let words = try audiences.map { try inputs.words(ofSet: $0) }.max() ?? 0
            var next = 0
            try rows.write(group: number, key: key) {
                guard next < words else { return nil }
                let count = min(Self.wordsAtOnce, words - next)
                defer { next += count }
                let parts = try audiences.map { try inputs.words(ofSet: $0, from: next, count: count) }
                return Self.turned(parts, count: count)
            }
        }
    }

    /// Rows of bits from 64 columns of them.
    private static func turned(_ columns: [[UInt64]], count: Int) -> [UInt8] {
        var rows = [UInt64](repeating: 0, count: count * 64)
        rows.withUnsafeMutableBufferPointer { rows in
            for word in 0..<count {
                for (bit, column) in columns.enumerated() {
                    var left = column[word]
                    while left != 0 {
                        rows[word * 64 + left.trailingZeroBitCount] |= 1 << UInt64(bit)
                        left &= left - 1
                    }
                }
            }
        }
        return rows.withUnsafeBytes { Array($0) }
    }

    /// Whether each wave's audience holds the subscriber: from rows, and from the audience where there is none yet.
    private func membership(of index: SubscriberIndex, in world: World) throws -> [Bool] {
        var found: [Bool] = []
        found.reserveCapacity(world.waves.count)
        for number in 0..<world.waves.count / Self.waves {
            guard let group = try rows.group(number), group.key == world.key(ofGroup: number) else { break }
            let row = Int(index.number) < group.rows ? try rows.row(Int(index.number), ofGroup: number) : 0
            for bit in 0..<Self.waves { found.append(row >> UInt64(bit) & 1 == 1) }
        }
        var known: [ContentHash: Bool] = [:]
        for wave in world.waves[found.count...] {
            let isMeant = try known[wave.audience] ?? inputs.isMember(index, ofSet: wave.audience)
            known[wave.audience] = isMeant
            found.append(isMeant)
        }
        return found
    }
}

extension SubscriberLog.World {
    fileprivate mutating func add(_ record: LogRecord, at sequence: Int64) {
        switch record {
        case .tick: ticks.append((sequence, record))
        case .waveOpened(let wave, _, let audience, _, _):
            places[wave] = waves.count
            waves.append(SubscriberLog.Wave(wave: wave, audience: audience, opened: (sequence, record)))
            if waves.count % SubscriberLog.waves == 0 {
                var writer = ByteWriter()
                for wave in waves(inGroup: keys.count) {
                    writer.write(wave.wave.packed)
                    writer.write(wave.audience)
                }
                keys.append(.sha256(writer.bytes))
            }
        case .waveSelected(let wave, _):
            if let place = places[wave] { waves[place].selected = (sequence, record) }
        case .waveAborted(let wave):
            if let place = places[wave] { waves[place].aborted = (sequence, record) }
        case .listChanged, .waveClosed, .checkpoint: break
        case .erased:
            erasures.add(record, at: sequence)
            for place in records.indices { records[place].record = records[place].record.reading(erasures) }
        default: records.append((sequence, record))
        }
    }

    /// Joins what concerns everybody and one subscriber's records; of the ticks, those that another record follows.
    fileprivate func merged(
        with own: [(sequence: Int64, record: LogRecord)]
    ) -> [(sequence: Int64, record: LogRecord)] {
        var merged: [(sequence: Int64, record: LogRecord)] = []
        merged.reserveCapacity((records.count + own.count) * 2)
        var (place, tick, lastTick) = (0, 0, -1)
        /// A record is dated by the last tick before it.
        func addTick(before sequence: Int64) {
            tick = ticks.partitionIndex(from: tick) { $0.sequence < sequence }
            guard tick > 0, tick - 1 != lastTick else { return }
            lastTick = tick - 1
            merged.append(ticks[lastTick])
        }
        for record in own + [(end + 1, .listChanged(ListID(""), added: [], removed: []))] {
            while place < records.count, records[place].sequence < record.sequence {
                addTick(before: records[place].sequence)
                merged.append(records[place])
                place += 1
            }
            addTick(before: record.sequence)
            if record.sequence <= end { merged.append(record) }
        }
        return merged
    }
}

extension Array {
    /// The place of the first element from `start` on for which `isBefore` is false; those before it come first.
    fileprivate func partitionIndex(from start: Int, _ isBefore: (Element) -> Bool) -> Int {
        var (low, high) = (start, count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension LogRecord {
    /// Subscribers that the record names, other than through a wave.
    var namedSubscribers: [UInt32] {
        switch self {
        case .listChanged(_, let added, let removed): added + removed
        case .reserved(let all): all.map(\.index)
        case .concluded(let all): all.map(\.index)
        case .answered(let all): all.map(\.request.index)
        case .responded(let all): all.map(\.index)
        case .lapsed(let all): all.map(\.index)
        default: []
        }
    }
}
