// The binary form of log records. Frozen: a golden log of each release is folded by every later build.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
import Model

extension LogRecord {
    /// The record's bytes; the first one is its type.
    public func encoded() -> [UInt8] {
        var w = ByteWriter(capacity: 256)
        switch self {
        case .genesis(let salt, let now):
            w.write(UInt8(1))
            w.write(counted: salt)
            w.write(now)
        case .linesAssigned(let base, let count, let file):
            w.write(UInt8(2))
            w.write(base)
            w.write(count)
            w.write(file)
        case .attributesLoaded(let load, let catalogue, let columns):
            w.write(UInt8(3))
            w.write(text: load)
            w.write(catalogue)
            w.write(UInt32(columns.count))
            for column in columns {
                w.write(text: column.code)
                w.write(column.file)
            }
        case .listReplaced(let list, let file):
            w.write(UInt8(4))
            w.write(list)
            w.write(file)
        case .listChanged(let list, let added, let removed):
            w.write(UInt8(5))
            w.write(list)
            w.write(indices: added)
            w.write(indices: removed)
        case .policySet(let revision, let file):
            w.write(UInt8(6))
            w.write(revision)
            w.write(file)
        case .campaignSet(let id, let revision, let file):
            w.write(UInt8(7))
            w.write(id.number)
            w.write(revision)
            w.write(file)
        case .campaignStatus(let id, let status):
            w.write(UInt8(8))
            w.write(id.number)
            w.write(status.rawValue)
        case .historyLoaded(let file):
            w.write(UInt8(9))
            w.write(file)
        case .historyRemoved(let file):
            w.write(UInt8(30))
            w.write(file)
        case .tick(let time):
            w.write(UInt8(10))
            w.write(time)
        case .waveOpened(let wave, let planned, let audience, let policy, let campaign):
            w.write(UInt8(11))
            w.write(wave.packed)
            w.write(planned)
            w.write(audience)
            w.write(policy)
            w.write(campaign)
        case .waveSelected(let wave, let cuts):
            w.write(UInt8(12))
            w.write(wave.packed)
            w.write(UInt8(cuts.count))
            for cut in cuts { w.write(cut) }
        case .waveBlock(let wave, let block, let outcomes):
            w.write(UInt8(13))
            w.write(wave.packed)
            w.write(block)
            w.write(raw: outcomes.bytes)
        case .waveClosed(let wave, let totals, let outcome):
            w.write(UInt8(14))
            w.write(wave.packed)
            w.write(UInt8(totals.count))
            for total in totals {
                w.write(total.outcome.rawValue)
                w.write(total.count)
            }
            w.write(outcome)
        case .waveAborted(let wave):
            w.write(UInt8(15))
            w.write(wave.packed)
        case .handedOff(let wave, let block, let from, let to, let at, let drops):
            w.write(UInt8(16))
            w.write(wave.packed)
            w.write(block)
            w.write(from)
            w.write(to)
            w.write(at)
            w.write(drops)
        case .handedOffSome(let wave, let block, let from, let to, let members, let at, let drops):
            w.write(UInt8(29))
            w.write(wave.packed)
            w.write(block)
            w.write(from)
            w.write(to)
            members.encode(to: &w)
            w.write(at)
            w.write(drops)
        case .feedback(let wave, let block, let kind, let members, let at):
            w.write(UInt8(17))
            w.write(wave.packed)
            w.write(block)
            w.write(kind.rawValue)
            members.encode(to: &w)
            w.write(at)
        case .released(let wave, let block, let members):
            w.write(UInt8(18))
            w.write(wave.packed)
            w.write(block)
            members.encode(to: &w)
        case .reserved(let reservations):
            w.write(UInt8(19))
            w.write(UInt32(reservations.count))
            for reservation in reservations { w.write(reservation) }
        case .concluded(let conclusions):
            w.write(UInt8(20))
            w.write(UInt32(conclusions.count))
            for c in conclusions {
                w.write(c.request)
                w.write(c.index)
                w.write(UInt8(c.isSettled ? 1 : 0))
            }
        case .checkpoint(let file):
            w.write(UInt8(21))
            w.write(file)
        case .poolSet(let campaign, let file):
            w.write(UInt8(22))
            w.write(campaign.number)
            w.write(file)
        case .answered(let answers):
            w.write(UInt8(23))
            w.write(UInt32(answers.count))
            for answer in answers { w.write(answer) }
        case .responded(let responses):
            w.write(UInt8(24))
            w.write(UInt32(responses.count))
            for response in responses { w.write(response) }
        case .lapsed(let lapses):
            w.write(UInt8(25))
            w.write(UInt32(lapses.count))
            for lapse in lapses {
                w.write(lapse.request)
                w.write(lapse.index)
            }
        case .erased(let indices, let files, let at):
            w.write(UInt8(28))
            w.write(indices: indices)
            w.write(UInt32(files.count))
            for file in files {
                w.write(file.old)
                w.write(file.new)
            }
            w.write(at)
        case .assignmentSet(let campaign, let file):
            w.write(UInt8(26))
            w.write(campaign.number)
            w.write(UInt8(file == nil ? 0 : 1))
            if let file { w.write(file) }
        case .reported(let wave, let block, let kind, let members, let at):
            w.write(UInt8(27))
            w.write(wave.packed)
            w.write(block)
            w.write(kind.rawValue)
            members.encode(to: &w)
            w.write(at)
        }
        return w.bytes
    }

    /// Reads a record written by ``encoded()``; every byte must be accounted for.
    public init(decoding bytes: [UInt8]) throws(MalformedBytes) {
        var r = ByteReader(bytes)
        let type: UInt8 = try r.read()
        switch type {
        case 1: self = .genesis(salt: Array(try r.readCounted()), now: try r.readTime())
        case 2: self = .linesAssigned(base: try r.read(), count: try r.read(), file: try r.readDigest())
        case 3:
            let load = try r.readText()
            let catalogue = try r.readDigest()
            let count: UInt32 = try r.read()
            var columns: [AttributeColumn] = []
            for _ in 0..<count {
                columns.append(AttributeColumn(code: try r.readText(), file: try r.readDigest()))
            }
            self = .attributesLoaded(load: load, catalogue: catalogue, columns: columns)
        case 4: self = .listReplaced(try r.readList(), file: try r.readDigest())
        case 5:
            self = .listChanged(try r.readList(), added: try r.readIndices(), removed: try r.readIndices())
        case 6: self = .policySet(revision: try r.read(), file: try r.readDigest())
        case 7: self = .campaignSet(CampaignID(try r.read()), revision: try r.read(), file: try r.readDigest())
        case 8:
            self = .campaignStatus(
                CampaignID(try r.read()),
                try r.readRaw(CampaignStatus.self, "a campaign status")
            )
        case 9: self = .historyLoaded(file: try r.readDigest())
        case 10: self = .tick(try r.readTime())
        case 11:
            self = .waveOpened(
                try r.readWave(),
                planned: try r.readTime(),
                audience: try r.readDigest(),
                policyRevision: try r.read(),
                campaignRevision: try r.read()
            )
        case 12:
            let wave = try r.readWave()
            let count: UInt8 = try r.read()
            var cuts: [RankCut] = []
            for _ in 0..<count { cuts.append(try r.readCut()) }
            self = .waveSelected(wave, cuts: cuts)
        case 13:
            let wave = try r.readWave()
            let block: Int32 = try r.read()
            let rest = try r.read(count: bytes.count - r.offset)
            self = .waveBlock(wave, block: block, outcomes: try BlockOutcomes(bytes: Array(rest)))
        case 14:
            let wave = try r.readWave()
            let count: UInt8 = try r.read()
            var totals: [OutcomeTotal] = []
            for _ in 0..<count {
                totals.append(
                    OutcomeTotal(outcome: try r.readRaw(Outcome.self, "an outcome"), count: try r.read())
                )
            }
            self = .waveClosed(wave, totals: totals, outcome: try r.readDigest())
        case 15: self = .waveAborted(try r.readWave())
        case 16:
            self = .handedOff(
                try r.readWave(),
                block: try r.read(),
                from: try r.read(),
                to: try r.read(),
                at: try r.readTime(),
                drops: try r.readOutcomeSets()
            )
        case 17:
            self = .feedback(
                try r.readWave(),
                block: try r.read(),
                kind: try r.readRaw(FeedbackKind.self, "a kind of feedback"),
                members: try BlockSet(from: &r),
                at: try r.readTime()
            )
        case 18: self = .released(try r.readWave(), block: try r.read(), members: try BlockSet(from: &r))
        case 19:
            let count: UInt32 = try r.read()
            var all: [SingleReservation] = []
            for _ in 0..<count { all.append(try r.readSingle()) }
            self = .reserved(all)
        case 20:
            let count: UInt32 = try r.read()
            var all: [SingleConclusion] = []
            for _ in 0..<count {
                let request: UInt64 = try r.read()
                let index: UInt32 = try r.read()
                let settled: UInt8 = try r.read()
                all.append(SingleConclusion(request: request, index: index, isSettled: settled == 1))
            }
            self = .concluded(all)
        case 21: self = .checkpoint(file: try r.readDigest())
        case 22: self = .poolSet(CampaignID(try r.read()), file: try r.readDigest())
        case 23:
            var all: [OfferAnswer] = []
            for _ in 0..<(try r.read(UInt32.self)) { all.append(try r.readAnswer()) }
            self = .answered(all)
        case 24:
            var all: [OfferResponse] = []
            for _ in 0..<(try r.read(UInt32.self)) { all.append(try r.readResponse()) }
            self = .responded(all)
        case 25:
            var all: [OfferLapse] = []
            for _ in 0..<(try r.read(UInt32.self)) {
                all.append(OfferLapse(request: try r.read(), index: try r.read()))
            }
            self = .lapsed(all)
        case 26:
            let campaign = CampaignID(try r.read())
            let start = r.offset
            switch try r.read(UInt8.self) {
            case 0: self = .assignmentSet(campaign, file: nil)
            case 1: self = .assignmentSet(campaign, file: try r.readDigest())
            default: throw MalformedBytes(offset: start, expected: "0 or 1")
            }
        case 27:
            self = .reported(
                try r.readWave(),
                block: try r.read(),
                kind: try r.readRaw(FeedbackKind.self, "a kind of feedback"),
                members: try BlockSet(from: &r),
                at: try r.readTime()
            )
        case 28:
            let indices = try r.readIndices()
            var files: [FileReplacement] = []
            for _ in 0..<(try r.read(UInt32.self)) {
                files.append(FileReplacement(old: try r.readDigest(), new: try r.readDigest()))
            }
            self = .erased(indices, files: files, at: try r.readTime())
        case 29:
            self = .handedOffSome(
                try r.readWave(),
                block: try r.read(),
                from: try r.read(),
                to: try r.read(),
                members: try BlockSet(from: &r),
                at: try r.readTime(),
                drops: try r.readOutcomeSets()
            )
        case 30: self = .historyRemoved(file: try r.readDigest())
        default: throw MalformedBytes(offset: 0, expected: "a record type this build knows, not \(type)")
        }
        guard r.isAtEnd else { throw MalformedBytes(offset: r.offset, expected: "the end of the record") }
    }
}

extension ByteWriter {
    mutating func write(_ time: LocalTime) {
        write(time.instant.epochMs)
        write(time.offsetSeconds)
    }

    mutating func write(_ cut: RankCut) {
        write(cut.outcome.rawValue)
        write(cut.score)
        write(cut.hash)
        write(cut.index)
    }

    mutating func write(_ reservation: SingleReservation) {
        write(reservation.request)
        write(reservation.index)
        write(reservation.channel.rawValue)
        write(reservation.month.number)
        write(reservation.campaign.number)
    }

    mutating func write(_ sets: [OutcomeSet]) {
        write(UInt8(sets.count))
        for set in sets {
            write(set.outcome.rawValue)
            set.members.encode(to: &self)
        }
    }

    mutating func write(_ digest: ContentHash) {
        write(raw: digest.bytes)
    }

    mutating func write(_ list: ListID) {
        write(text: list.code)
        write(list.channel?.rawValue ?? .max)
    }

    mutating func write(indices: [UInt32]) {
        write(UInt32(indices.count))
        for index in indices { write(index) }
    }
}

extension ByteReader {
    mutating func readTime() throws(MalformedBytes) -> LocalTime {
        LocalTime(instant: Instant(epochMs: try read()), offsetSeconds: try read())
    }

    mutating func readCut() throws(MalformedBytes) -> RankCut {
        RankCut(
            outcome: try readRaw(Outcome.self, "an outcome"),
            score: try read(),
            hash: try read(),
            index: try read()
        )
    }

    mutating func readSingle() throws(MalformedBytes) -> SingleReservation {
        SingleReservation(
            request: try read(),
            index: try read(),
            channel: try readRaw(ChannelClass.self, "a channel class"),
            month: LocalMonth(number: try read()),
            campaign: CampaignID(try read())
        )
    }

    mutating func readOutcomeSets() throws(MalformedBytes) -> [OutcomeSet] {
        var sets: [OutcomeSet] = []
        for _ in 0..<(try read(UInt8.self)) {
            sets.append(
                OutcomeSet(outcome: try readRaw(Outcome.self, "an outcome"), members: try BlockSet(from: &self))
            )
        }
        return sets
    }

    mutating func readDigest() throws(MalformedBytes) -> ContentHash {
        let start = offset
        guard let digest = ContentHash(bytes: try read(count: 32)) else {
            throw MalformedBytes(offset: start, expected: "32 bytes")
        }
        return digest
    }

    mutating func readWave() throws(MalformedBytes) -> WaveID {
        WaveID(packed: try read())
    }

    mutating func readList() throws(MalformedBytes) -> ListID {
        let code = try readText()
        let start = offset
        let raw: UInt8 = try read()
        guard raw != .max else { return ListID(code) }
        guard let channel = ChannelClass(rawValue: raw) else {
            throw MalformedBytes(offset: start, expected: "a channel class")
        }
        return ListID(code, channel: channel)
    }

    mutating func readIndices() throws(MalformedBytes) -> [UInt32] {
        let count: UInt32 = try read()
        var indices: [UInt32] = []
        for _ in 0..<count { indices.append(try read()) }
        return indices
    }

    mutating func readRaw<T: RawRepresentable<UInt8>>(_ type: T.Type, _ what: String) throws(MalformedBytes) -> T {
        let start = offset
        let raw: UInt8 = try read()
        guard let value = T(rawValue: raw) else { throw MalformedBytes(offset: start, expected: what) }
        return value
    }
}
