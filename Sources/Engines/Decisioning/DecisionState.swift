// The state of the decision core: what the log says so far. A deterministic fold; no clock, no I/O.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
public import Kernel
public import Model
import Profiles

/// A campaign as the decision core sees it.
public struct CampaignState: Hashable, Sendable {
    /// The revision that is live.
    public internal(set) var spec: CampaignSpec
    /// Live, paused or stopped.
    public internal(set) var status: CampaignStatus
}

/// Everything a decision depends on, built from the log alone.
///
/// Not thread-safe: one owner applies records and decides. Large parts (counters, lists) are shared memory that the
/// owner hands to workers block by block.
public final class DecisionState {
    /// Sequence of the last record applied; 0 before the first.
    public private(set) var sequence: Int64 = 0
    /// Logical time of the last tick.
    public private(set) var now: LocalTime
    /// Line id by index; 0 for those who are erased.
    public private(set) var lines: [Int64] = []
    /// Subscribers who are erased: their line ids are 0, and no decision contacts them.
    public private(set) var erased: Set<UInt32> = []
    /// Contact counters.
    public let ledger: ContactLedger
    /// Special lists and product owners.
    public private(set) var lists: [ListID: Bitset] = [:]
    /// The policy revision that is live.
    public var policy: ContactPolicy? { side.policy }
    /// The caps of the live policy by tier; empty before there is one.
    var capRows: [CapRow] { side.capRows }
    /// The live policy with what is derived from it; another one while a shadow decides.
    private var side = PolicySide()
    /// Campaigns by number.
    public internal(set) var campaigns: [CampaignID: CampaignState] = [:]
    /// Waves by id.
    public internal(set) var waves: [WaveID: WaveState] = [:]
    /// The waves of each campaign.
    private(set) var wavesOf: [CampaignID: [WaveID]] = [:]
    /// What an adopted arbitration gave to the waves of a campaign; gone once its days are over.
    public internal(set) var assignments: [CampaignID: AdoptedAssignment] = [:]
    /// Contacts of loaded history that intervals look at.
    private(set) var history: [RecentContacts] = []
    /// Open single reservations by request.
    public internal(set) var singles: [UInt64: SingleReservation] = [:]
    /// Requests that are settled (true) or released (false).
    public internal(set) var concluded: [UInt64: Bool] = [:]
    /// Answers to single subscribers that may still be asked for again.
    var interactions = InteractionTable()
    /// Requests in the order of their answers: those that may still lapse, those that are due, those to forget.
    var waiting: [UInt64] = []
    var due: [UInt64] = []
    var kept: [UInt64] = []
    let pool = OfferPool()
    let journal = OfferJournal()
    let recent = RecentIndex()
    let bars = BarIndex()
    var offerPlans: OfferPlans { side.offerPlans }
    /// What ``warm(_:at:)`` read, kept so that it is read.
    var warmth: UInt64 = 0

    /// The load whose columns are live, and the catalogue that types them; nil before the first.
    public var attributes: (load: String, catalogue: ContentHash)? { loaded.map { ($0.load, $0.catalogue) } }
    /// The files of the hot columns.
    public var hotColumns: [AttributeColumn] { loaded?.columns ?? [] }
    private(set) var loaded: LoadedAttributes?
    private(set) var policyFile: ContentHash?

    private(set) var salt: [UInt8] = []
    let inputs: any DecisionInputs
    private var profile: (any ProfileReader)?
    /// Revision of the attributes, for caches derived from them.
    public private(set) var profileVersion = 0
    /// Revision of the lists.
    private(set) var listVersion = 0
    /// Revision of everything a plan of an offer is made from.
    private(set) var inputVersion = 0
    /// An empty state that reads files named by records from `inputs`.
    public init(inputs: any DecisionInputs) {
        self.inputs = inputs
        now = LocalTime(instant: Instant(epochMs: 0), offsetSeconds: 0)
        ledger = ContactLedger(currentMonth: LocalMonth(number: 0))
    }

    /// Number of subscribers with an index.
    public var subscribers: Int { lines.count }

    /// The open wave, if there is one; waves run one after the other.
    public var openWave: WaveState? { waves.values.first { $0.status == .open } }

    /// Decides under another policy, with everything else as it is; nothing of it may be applied.
    public func under<T>(_ shadow: ShadowPolicy, _ body: () throws -> T) rethrows -> T {
        swap(&side, &shadow.side)
        defer { swap(&side, &shadow.side) }
        return try body()
    }

    // MARK: Fold

    /// Applies the next record of the log.
    ///
    /// `countsContacts`: False when the counters were already raised by the decision itself.
    /// - Throws: ``DecisionError`` or a file error; the state is unchanged then.
    public func apply(_ record: LogRecord, sequence: Int64, countsContacts: Bool = true) throws {
        switch record {
        case .genesis(let salt, let now):
            begin(salt: salt, now: now, month: now.month)
        case .linesAssigned(let base, let count, let file):
            try assignLines(base: base, count: count, file: file)
        case .attributesLoaded(let load, let catalogue, let columns):
            try self.load(LoadedAttributes(load: load, catalogue: catalogue, columns: columns))
        case .listReplaced(let list, let file):
            replace(list, by: try Bitset(listFile: inputs.bytes(file), subscribers: subscribers, file: file))
        case .listChanged(let list, let added, let removed):
            change(list, added: added, removed: removed)
        case .policySet(_, let file): try setPolicy(file)
        case .campaignSet(let id, _, let file):
            let spec = try Self.decode(CampaignSpec.self, inputs.bytes(file), file: file)
            campaigns[id] = CampaignState(spec: spec, status: campaigns[id]?.status ?? .live)
            inputVersion += 1
        case .campaignStatus(let id, let status):
            guard campaigns[id] != nil else { throw DecisionError.unknownCampaign(id) }
            campaigns[id]?.status = status
            if status == .stopped { pool.remove(id) }
            inputVersion += 1
        case .historyLoaded(let file):
            try loadHistory(ContactHistory(decoding: inputs.bytes(file)))
            recent.forgetAll()
        case .historyRemoved(let file):
            try removeHistory(ContactHistory(decoding: inputs.bytes(file)))
            recent.forgetAll()
        case .tick(let time):
            now = max(now, time) { $0.instant < $1.instant }
            ledger.advance(to: now.month)
            assignments = assignments.filter { $0.value.assignment.days.upperBound >= now.day }
            ageInteractions()
        case .waveOpened(let wave, let planned, let audience, _, _):
            guard let spec = campaigns[wave.campaign]?.spec else { throw DecisionError.unknownCampaign(wave.campaign) }
            add(
                WaveState(
                    wave: wave,
                    serial: UInt32(waves.count + 1),
                    planned: planned,
                    audience: audience,
                    openedAt: sequence,
                    spec: spec
                )
            )
        case .waveSelected(let wave, let cuts): waves[wave]?.cuts = cuts
        case .waveBlock(let wave, let block, let outcomes):
            try reserve(wave, block: Int(block), outcomes: outcomes, counts: countsContacts)
        case .waveClosed(let wave, let totals, let outcome):
            waves[wave]?.status = .closed
            waves[wave]?.totals = totals
            waves[wave]?.outcome = outcome
        case .waveAborted(let wave): abort(wave)
        case .handedOff(let wave, let block, let from, let to, let at, let drops):
            handOff(wave, block: Int(block), range: Int(from)..<Int(to), at: at, drops: drops)
        case .handedOffSome(let wave, let block, let from, let to, let members, let at, let drops):
            handOff(wave, block: Int(block), range: Int(from)..<Int(to), only: members, at: at, drops: drops)
        case .feedback(let wave, let block, let kind, let members, _):
            take(kind, wave: wave, block: Int(block), members: members)
        case .released(let wave, let block, let members):
            release(wave, block: Int(block), members: members)
        case .reserved(let all):
            for reservation in all {
                singles[reservation.request] = reservation
                guard countsContacts else { continue }
                ledger.add(
                    SubscriberIndex(reservation.index),
                    channel: reservation.channel,
                    month: reservation.month
                )
            }
        case .concluded(let all): conclude(all)
        case .checkpoint: break
        case .poolSet(let id, let file):
            guard campaigns[id] != nil else { throw DecisionError.unknownCampaign(id) }
            let members = try Bitset(listFile: inputs.bytes(file), subscribers: subscribers, file: file)
            pool.set(id, audience: file, members: members)
            inputVersion += 1
        case .answered(let all): for answer in all { take(answer) }
        case .responded(let all): for response in all { take(response) }
        case .lapsed(let all): for lapse in all { self.lapse(lapse) }
        case .assignmentSet(let id, let file):
            assignments[id] = try file.map { AdoptedAssignment(file: $0, assignment: try assignment($0, of: id)) }
        case .reported(let wave, let block, let kind, let members, _):
            report(kind, wave: wave, block: Int(block), members: members)
        case .erased(let indices, let files, _): try erase(indices, files)
        }
        self.sequence = sequence
    }

    func begin(salt: [UInt8], now: LocalTime, month: LocalMonth) {
        self.salt = salt
        self.now = now
        ledger.advance(to: month)
    }

    func load(_ attributes: LoadedAttributes) throws {
        profile = try inputs.profile(
            catalogue: attributes.catalogue,
            columns: attributes.columns,
            subscribers: subscribers
        )
        loaded = attributes
        profileVersion += 1
        inputVersion += 1
    }

    private func erase(_ indices: [UInt32], _ files: [FileReplacement]) throws {
        if let now = loaded?.reading(files), now != loaded { try load(now) }
        for index in indices where Int(index) < lines.count {
            lines[Int(index)] = 0
            erased.insert(index)
        }
        profileVersion += 1
        inputVersion += 1
    }

    /// Takes over lines whose ids are known, 0 for those who are erased.
    func restoreLines(_ new: [Int64]) {
        add(new)
        erased = Set(new.indices.lazy.filter { new[$0] == 0 }.map { UInt32($0) })
    }

    func replace(_ list: ListID, by members: Bitset) {
        lists[list] = members
        listVersion += 1
        inputVersion += 1
        bars.forget()
    }

    func setPolicy(_ file: ContentHash) throws {
        side.policy = try Self.decode(ContactPolicy.self, inputs.bytes(file), file: file)
        policyFile = file
        inputVersion += 1
    }

    /// Takes over recent contacts whose counters the ledger holds already.
    func restoreHistory(_ loaded: ContactHistory) {
        history = loaded.recents
    }

    /// Checks that records can be applied one after the other: what is in the log must fold for ever.
    ///
    /// - Throws: what ``apply(_:sequence:countsContacts:)`` would throw; nothing is changed.
    public func check(_ records: [LogRecord]) throws {
        var subscribers = subscribers
        var campaigns = Set(campaigns.keys)
        for record in records {
            switch record {
            case .linesAssigned(let base, let count, let file):
                guard Int(base) == subscribers, try inputs.bytes(file).count == Int(count) * 8 else {
                    throw DecisionError.badFile(file, why: "it should hold \(count) line ids from index \(subscribers)")
                }
                subscribers += Int(count)
            case .attributesLoaded(_, let catalogue, let columns):
                _ = try inputs.profile(catalogue: catalogue, columns: columns, subscribers: subscribers)
            case .listReplaced(_, let file):
                _ = try Bitset(listFile: inputs.bytes(file), subscribers: subscribers, file: file)
            case .policySet(_, let file): _ = try Self.decode(ContactPolicy.self, inputs.bytes(file), file: file)
            case .campaignSet(let id, _, let file):
                _ = try Self.decode(CampaignSpec.self, inputs.bytes(file), file: file)
                campaigns.insert(id)
            case .campaignStatus(let id, _):
                guard campaigns.contains(id) else { throw DecisionError.unknownCampaign(id) }
            case .poolSet(let id, let file):
                guard campaigns.contains(id) else { throw DecisionError.unknownCampaign(id) }
                _ = try Bitset(listFile: inputs.bytes(file), subscribers: subscribers, file: file)
            case .historyLoaded(let file), .historyRemoved(let file):
                _ = try ContactHistory(decoding: inputs.bytes(file))
            case .erased(let indices, let files, _): try checkErasure(indices, files)
            case .assignmentSet(let id, let file):
                guard campaigns.contains(id) else { throw DecisionError.unknownCampaign(id) }
                if let file { _ = try assignment(file, of: id) }
            default: break
            }
        }
    }

    /// Reads an assignment that a record names.
    func assignment(_ file: ContentHash, of campaign: CampaignID) throws -> Assignment {
        let assignment = try Assignment(decoding: inputs.bytes(file), subscribers: subscribers, file: file)
        guard assignment.campaign == campaign else {
            throw DecisionError.badFile(file, why: "it is no assignment of campaign \(campaign.number)")
        }
        return assignment
    }

    /// Says up to where the log holds what the state shows, after a command changed the state directly.
    public func advance(to sequence: Int64) {
        self.sequence = sequence
    }

    private func max<T>(_ a: T, _ b: T, by less: (T, T) -> Bool) -> T { less(a, b) ? b : a }

    private func assignLines(base: UInt32, count: UInt32, file: ContentHash) throws {
        let bytes = try inputs.bytes(file)
        guard Int(base) == lines.count, bytes.count == Int(count) * 8 else {
            throw DecisionError.badFile(file, why: "it should hold \(count) line ids from index \(lines.count)")
        }
        var new: [Int64] = []
        new.reserveCapacity(Int(count))
        bytes.withUnsafeBytes { raw in
            for i in 0..<Int(count) {
                new.append(Int64(littleEndian: raw.loadUnaligned(fromByteOffset: i * 8, as: Int64.self)))
            }
        }
        add(new)
    }

    /// Remembers a wave, and that it is one of its campaign.
    func add(_ wave: WaveState) {
        if waves.updateValue(wave, forKey: wave.wave) == nil {
            wavesOf[wave.wave.campaign, default: []].append(wave.wave)
        }
    }

    /// Gives lines the next indices.
    func add(_ new: [Int64]) {
        lines += new
        HugePages.gather(lines)
        ledger.grow(subscribers: lines.count)
        for list in lists.keys { lists[list]?.grow(universe: lines.count) }
        listVersion += 1
        inputVersion += 1
        bars.forget()
    }

    private func change(_ list: ListID, added: [UInt32], removed: [UInt32]) {
        var members = lists[list] ?? Bitset(universe: subscribers)
        for index in removed { members.remove(index) }
        for index in added where Int(index) < subscribers { members.insert(index) }
        lists[list] = members
        listVersion += 1
        inputVersion += 1
        bars.update(list, added: added, removed: removed, lists)
    }

    private func loadHistory(_ loaded: ContactHistory) throws {
        for column in loaded.counters { ledger.add(column.counts, channel: column.channel, month: column.month) }
        history += loaded.recents
    }

    private func removeHistory(_ removed: ContactHistory) {
        for column in removed.counters { ledger.remove(column.counts, channel: column.channel, month: column.month) }
        for recent in removed.recents {
            if let place = history.lastIndex(of: recent) { history.remove(at: place) }
        }
    }

    private func conclude(_ all: [SingleConclusion]) {
        for conclusion in all {
            guard concluded[conclusion.request] == nil, let open = singles.removeValue(forKey: conclusion.request)
            else { continue }
            concluded[conclusion.request] = conclusion.isSettled
            if !conclusion.isSettled {
                ledger.remove(SubscriberIndex(open.index), channel: open.channel, month: open.month)
            }
        }
    }

    static func decode<T: Decodable>(_ type: T.Type, _ bytes: [UInt8], file: ContentHash) throws -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw DecisionError.badFile(file, why: "\(error)")
        }
    }

    // MARK: Derived data

    /// Lists as rules see them.
    public var memberships: any MembershipReader { ListSnapshot(lists: lists) }

    /// The hot profile that is live.
    ///
    /// - Throws: ``DecisionError/noProfile`` before the first load.
    public func profileReader() throws -> any ProfileReader {
        guard let profile else { throw DecisionError.noProfile }
        return profile
    }

    /// The tier of every subscriber as a row of the cap table; unknown = the last row, the strictest.
    func tiers(on day: LocalDay) throws -> [UInt8] {
        guard let policy else { throw DecisionError.noPolicy }
        let key = PolicySide.TierKey(
            policy: policy.revision,
            profile: profileVersion,
            lists: try tiersUseLists(on: day) ? listVersion : 0,
            day: day,
            lines: subscribers
        )
        if let kept = side.tiers, kept.key == key { return kept.tiers }
        var tiers = [UInt8](
            repeating: UInt8(policy.tiers.count),
            count: Block.count(subscribers: subscribers) * Block.size
        )
        for (row, tier) in policy.tiers.enumerated().reversed() {
            try profileReader().members(where: tier.rule, today: day, lists: memberships)
                .forEach { tiers[Int($0)] = UInt8(row) }
        }
        HugePages.gather(tiers)
        side.tiers = (key, tiers)
        return tiers
    }

    /// Whether a tier's rule asks for lists or product owners.
    func tiersUseLists(on day: LocalDay) throws -> Bool {
        guard let policy else { return false }
        if let kept = side.tierUse, kept.policy == policy.revision, kept.profile == profileVersion {
            return kept.usesLists
        }
        let usesLists = try policy.tiers.contains {
            try profileReader().test($0.rule, today: day, lists: memberships).usesLists
        }
        side.tierUse = (policy.revision, profileVersion, usesLists)
        return usesLists
    }

    /// The policy that is live.
    ///
    /// - Throws: ``DecisionError/noPolicy``.
    public func livePolicy() throws -> ContactPolicy {
        guard let policy else { throw DecisionError.noPolicy }
        return policy
    }

    /// Everybody whom a campaign's draw puts into its control group, checked or not.
    public func controlGroup(of spec: CampaignSpec) -> Bitset {
        let hash = draw("control", of: spec.id)
        let below = Self.threshold(ppm: spec.controlPPM)
        var members = Bitset(universe: subscribers)
        for (index, line) in lines.enumerated() where hash(line) < below { members.insert(UInt32(index)) }
        return members
    }

    /// Looks up what all waves under a policy share, so that the plan of the next one takes no time.
    ///
    /// `between`: Called about once a millisecond meanwhile; may decide on single subscribers.
    public func prepareWaves(between: () -> Void) {
        if let holdout = policy?.holdout, holdout.ppm > 0 { _ = holdoutMembers(holdout, between: between) }
    }

    /// The subscribers in the global holdout.
    ///
    /// `between`: See ``prepareWaves(between:)``.
    public func holdoutMembers(_ holdout: Holdout, between: () -> Void = {}) -> Bitset {
        if let cache = side.holdout, cache.holdout == holdout, cache.lines == subscribers { return cache.members }
        let hash = draw("holdout/" + holdout.epoch, of: nil)
        let below = Self.threshold(ppm: holdout.ppm)
        let lines = lines
        var members = Bitset(universe: lines.count)
        for first in stride(from: 0, to: lines.count, by: Block.size) {
            members.withMutableWords { words in
                for index in first..<min(first + Block.size, lines.count) where hash(lines[index]) < below {
                    words[index >> 6] |= 1 << UInt64(index & 63)
                }
            }
            between()
        }
        side.holdout = (holdout, lines.count, members)
        return members
    }

    /// The keyed hash of a draw: salt of the data directory, name of the draw, campaign.
    func draw(_ name: String, of campaign: CampaignID?) -> KeyedHash {
        Self.draw(name, of: campaign, salt: salt)
    }

    static func draw(_ name: String, of campaign: CampaignID?, salt: [UInt8]) -> KeyedHash {
        var writer = ByteWriter()
        writer.write(counted: salt)
        writer.write(text: name)
        writer.write(campaign?.number ?? 0)
        let bytes = ContentHash.sha256(writer.bytes).bytes
        return bytes.withUnsafeBytes {
            KeyedHash(
                key0: UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                key1: UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    /// The keyed hash of line ids that orders equal scores in a campaign's waves.
    public func rankHash(of campaign: CampaignID) -> KeyedHash { draw("rank", of: campaign) }

    /// The codec of message ids in this data directory.
    public var messageCodec: MessageCodec { MessageCodec(key: draw("message", of: nil)) }

    /// The wave with a serial number.
    public func wave(serial: UInt32) -> WaveState? { waves.values.first { $0.serial == serial } }

    /// Contacts of other waves and of history that lie fewer than `days` days from `day`.
    func recentContacts(
        on day: LocalDay,
        within days: Int,
        except wave: WaveID?,
        where isRelevant: (RecentContacts) -> Bool
    ) -> [RecentContacts] {
        var result = history.filter { abs(Int($0.day.number) - Int(day.number)) < days && isRelevant($0) }
        for other in waves.values.sorted(by: { $0.wave < $1.wave }) where other.wave != wave {
            guard abs(Int(other.planned.day.number) - Int(day.number)) < days else { continue }
            var contacts = RecentContacts(other.spec, day: other.planned.day)
            guard isRelevant(contacts) else { continue }
            contacts.waveBlocks = other.blocks
            result.append(contacts)
        }
        return result
    }
}

private struct ListSnapshot: MembershipReader {
    let lists: [ListID: Bitset]

    func members(ofList code: String) -> Bitset? { lists[ListID(code)] }
    func owners(ofProduct code: String) -> Bitset? { lists[.product(code)] }
}

extension Bitset {
    /// Reads a list file: number of subscribers (UInt64), then one bit each.
    init(listFile bytes: [UInt8], subscribers: Int, file: ContentHash) throws {
        var reader = ByteReader(bytes)
        let universe = Int(try reader.read(UInt64.self))
        guard universe <= subscribers, bytes.count == 8 + (universe + 63) / 64 * 8 else {
            throw DecisionError.badFile(file, why: "a list over \(universe) of \(subscribers) subscribers")
        }
        var words: [UInt64] = []
        words.reserveCapacity((universe + 63) / 64)
        bytes.withUnsafeBytes { raw in
            for i in 0..<(universe + 63) / 64 {
                words.append(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 8 + i * 8, as: UInt64.self)))
            }
        }
        self.init(universe: universe, words: words)
        grow(universe: subscribers)
    }

    /// Reads an audience file, which has the form of a list file.
    public init(audienceFile bytes: [UInt8], subscribers: Int) throws {
        try self.init(listFile: bytes, subscribers: subscribers, file: .sha256(bytes))
    }

    /// The set as a list file, see ``init(listFile:subscribers:file:)``.
    public var listFile: [UInt8] {
        var writer = ByteWriter(capacity: 8 + words.count * 8)
        writer.write(UInt64(universe))
        words.withUnsafeBytes { writer.write(raw: $0) }
        return writer.bytes
    }
}
