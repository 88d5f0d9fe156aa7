// Reads a decision log as an auditor would, subscriber by subscriber, and says what is wrong with it.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
import Foundation
import Kernel
import Model
public import Ports

/// A naive account of a log: who was reserved, left, was settled or released, and what the counters must be.
///
/// Shares nothing with ``DecisionState`` but the records: caps are checked contact by contact, in every window.
public final class LogAudit {
    /// What is wrong, one sentence each; empty for a log that keeps all promises.
    public private(set) var problems: [String] = []
    /// Reservations made, by waves and singly.
    public private(set) var reserved = 0
    /// Reservations that became contacts.
    public private(set) var settled = 0
    /// Reservations given back.
    public private(set) var released = 0
    /// Reservations that are neither, counted one by one.
    public var open: Int {
        waves.values.reduce(0) { $0 + $1.contacts.values.count { $0.phase == .open } }
            + singles.values.count { $0.phase == .open }
    }
    /// Contacts that came to stand after they were given back, as facts from outside, where a cap or capacity was used up.
    public private(set) var overruns = 0

    private enum Phase { case open, settled, released }

    private struct Contact {
        var phase = Phase.open
        var hasLeft = false
        /// What came back for it, each once.
        var receipts: Set<FeedbackKind> = []
        /// The month it counts in.
        var month: LocalMonth
    }

    private struct Wave {
        var spec: CampaignSpec
        var day: LocalDay
        var month: LocalMonth { day.month }
        var isClosed = false
        var outcome: ContentHash?
        var assignment: Assignment?
        var contacts: [UInt32: Contact] = [:]
        var handOffs: [(block: Int, from: Int, to: Int)] = []
        var feedback: [FeedbackPlace: Int] = [:]
    }

    private struct FeedbackPlace: Hashable {
        var block: Int
        var kind: FeedbackKind
    }

    private struct Counter: Hashable {
        var channel: ChannelClass
        var month: LocalMonth
    }

    private let world: DecisionWorld
    private let objects: any ObjectStore
    private let rules: [@Sendable (UInt32) -> Bool]
    private let areaRules: [String: @Sendable (UInt32) -> Bool]
    private var policy: ContactPolicy?
    /// The tiers of the policy, and behind them the strictest row.
    private var tiers: [PolicyTier] = []
    private var specs: [CampaignID: CampaignSpec] = [:]
    private var ended: Set<CampaignID> = []
    private var waves: [WaveID: Wave] = [:]
    private var singles: [UInt64: (reservation: SingleReservation, phase: Phase)] = [:]
    private var counts: [Counter: [UInt8]] = [:]
    private var assignments: [CampaignID: Assignment] = [:]
    private var offers = OfferAudit()

    /// Reads a whole log of a world.
    public init(_ log: any DecisionLog, world: DecisionWorld, objects: any ObjectStore) throws {
        self.world = world
        self.objects = objects
        let profile = world.inputs(objects).make(world.subscribers)
        rules = world.policy.tiers.compactMap { profile.rules[$0.rule] }
        areaRules = profile.rules
        var builder = LogBuilder(position: .start)
        try log.read(from: 1) { batch in
            try builder.verify(batch)
            try apply(LogRecord(decoding: batch.payload))
        }
        let position = try log.position()
        if position != builder.position { problems.append("the log's position is not that of its last batch") }
    }

    private func apply(_ record: LogRecord) throws {
        switch record {
        case .policySet(_, let file):
            let policy = try JSONDecoder().decode(ContactPolicy.self, from: Data(objects.bytes(file)))
            self.policy = policy
            tiers = policy.tiers + [policy.strictest]
            offers.limits = policy.offers
        case .campaignSet(let id, _, let file):
            specs[id] = try JSONDecoder().decode(CampaignSpec.self, from: Data(objects.bytes(file)))
            offers.specs[id] = specs[id]
        case .campaignStatus(let id, let status):
            if status == .stopped { ended.insert(id) }
            offers.set(id, status)
        case .poolSet(let id, _): offers.pool.insert(id)
        case .assignmentSet(let id, let file):
            assignments[id] = try file.map {
                try Assignment(decoding: objects.bytes($0), subscribers: world.subscribers, file: $0)
            }
        case .genesis(_, let now): offers.now = now
        case .tick(let time):
            if offers.now.instant < time.instant { offers.now = time }
            // An assignment is gone with the first tick after its last day.
            assignments = assignments.filter { $0.value.days.upperBound >= offers.now.day }
        case .answered(let all):
            for answer in all { take(answer.request, offers.take(answer), isDecision: true) }
        case .responded(let all):
            for response in all {
                guard let request = offers.interactions[response.request]?.answer.request else {
                    problems.append("a response to \(response.request), which was not answered")
                    continue
                }
                take(request, offers.take(response), isDecision: false)
            }
        case .lapsed(let all):
            for lapse in all {
                guard let request = offers.interactions[lapse.request]?.answer.request else {
                    problems.append("\(lapse.request) lapsed without an answer")
                    continue
                }
                take(request, offers.take(lapse), isDecision: false)
            }
        case .historyLoaded(let file):
            for column in try ContactHistory(decoding: objects.bytes(file)).counters {
                load(column)
            }
        case .historyRemoved(let file):
            for column in try ContactHistory(decoding: objects.bytes(file)).counters {
                remove(column)
            }
        case .waveOpened(let wave, let planned, _, _, _):
            guard let spec = specs[wave.campaign] else { return problems.append("wave \(wave) of no campaign") }
            if waves[wave] != nil { problems.append("wave \(wave) was opened twice") }
            waves[wave] = Wave(spec: spec, day: planned.day)
            // The wave goes by what holds when it is announced.
            if let adopted = assignments[spec.id], adopted.holds(for: spec, on: planned.day) {
                waves[wave]?.assignment = adopted
            }
        case .waveBlock(let wave, let block, let outcomes):
            let assignment = waves[wave]?.assignment
            try outcomes.members(.contact).forEach {
                let index = UInt32(Int(block) * Block.size + $0)
                if assignment?.members.contains(index) == false { problems.append("\(index) was not assigned") }
                reserve(index, in: wave)
            }
        case .waveClosed(let wave, _, let outcome):
            waves[wave]?.isClosed = true
            waves[wave]?.outcome = outcome
        case .waveAborted(let wave): waves[wave]?.contacts.keys.forEach { release($0, in: wave) }
        case .handedOff(let wave, let block, let from, let to, let at, let drops):
            handOff(wave, block: Int(block), from: Int(from), to: Int(to), at: at, drops: drops)
        case .handedOffSome(let wave, let block, let from, let to, let members, let at, let drops):
            handOff(wave, block: Int(block), from: Int(from), to: Int(to), only: members, at: at, drops: drops)
        case .feedback(let wave, let block, let kind, let members, _):
            waves[wave]?.feedback[FeedbackPlace(block: Int(block), kind: kind), default: 0] += 1
            members.forEach { take(kind, of: UInt32(Int(block) * Block.size + $0), in: wave) }
        case .reported(let wave, let block, let kind, let members, _):
            waves[wave]?.feedback[FeedbackPlace(block: Int(block), kind: kind), default: 0] += 1
            members.forEach { report(kind, of: UInt32(Int(block) * Block.size + $0), in: wave) }
        case .released(let wave, let block, let members):
            members.forEach { release(UInt32(Int(block) * Block.size + $0), in: wave) }
        case .reserved(let all): all.forEach(reserve)
        case .concluded(let all): all.forEach(conclude)
        default: break
        }
    }

    // MARK: Waves

    private func reserve(_ index: UInt32, in wave: WaveID) {
        guard let state = waves[wave] else { return problems.append("block of wave \(wave) before its opening") }
        if state.contacts[index] != nil { problems.append("\(index) was reserved twice in wave \(wave)") }
        waves[wave]?.contacts[index] = Contact(month: state.month)
        count(index, Counter(channel: state.spec.channel, month: state.month))
    }

    private func handOff(
        _ wave: WaveID,
        block: Int,
        from: Int,
        to: Int,
        only: BlockSet? = nil,
        at time: LocalTime,
        drops: [OutcomeSet]
    ) {
        if waves[wave]?.isClosed != true { problems.append("wave \(wave) was handed off before it was closed") }
        waves[wave]?.handOffs.append((block, from, to))
        only?.forEach { offset in
            let index = UInt32(block * Block.size + offset)
            let contact = waves[wave]?.contacts[index]
            if contact?.phase != .open || contact?.hasLeft != false || !(from..<to).contains(offset) {
                problems.append("\(index) left without a reservation, or twice")
            }
        }
        for (index, contact) in waves[wave]?.contacts ?? [:] where contact.phase == .open && !contact.hasLeft {
            let offset = Int(index) - block * Block.size
            guard (from..<to).contains(offset) else { continue }
            if drops.contains(where: { $0.members.contains(offset) }) {
                release(index, in: wave)
            } else if only?.contains(offset) != false {
                if let channel = waves[wave]?.spec.channel, isQuiet(index, channel, time) {
                    problems.append("\(index) left in quiet hours at \(time.isoLocal)")
                }
                waves[wave]?.contacts[index]?.hasLeft = true
                move(index, contact, of: wave, to: time.month)
            }
        }
    }

    /// Whether a subscriber's own hours let nobody make contact.
    private func isQuiet(_ index: UInt32, _ channel: ChannelClass, _ time: LocalTime) -> Bool {
        guard let policy else { return false }
        if policy.holidays.contains(time.day), channel == .sms || channel == .outbound { return true }
        let area = policy.quietAreas.first { areaRules[$0.rule]?(index) == true }
        return (area?.quietHours ?? policy.quietHours)[channel]?.contains(minute: time.minuteOfDay) == true
    }

    /// A contact that leaves in another month than planned counts there, under the caps of that month.
    private func move(_ index: UInt32, _ contact: Contact, of wave: WaveID, to month: LocalMonth) {
        guard let state = waves[wave], contact.month != month else { return }
        discount(index, Counter(channel: state.spec.channel, month: contact.month))
        count(index, Counter(channel: state.spec.channel, month: month))
        (reserved, released) = (reserved - 1, released - 1)
        waves[wave]?.contacts[index]?.month = month
    }

    private func take(_ kind: FeedbackKind, of index: UInt32, in wave: WaveID) {
        guard let contact = waves[wave]?.contacts[index], contact.hasLeft else { return }
        waves[wave]?.contacts[index]?.receipts.insert(kind)
        guard contact.phase == .open else { return }
        switch kind {
        case .delivered, .unknown:
            waves[wave]?.contacts[index]?.phase = .settled
            settled += 1
        case .refused, .failed: release(index, in: wave)
        default: break
        }
    }

    /// What came back says whether a contact counts, whatever came first: delivered, else not delivered, else unknown.
    private func report(_ kind: FeedbackKind, of index: UInt32, in wave: WaveID) {
        guard let state = waves[wave], var contact = state.contacts[index] else { return }
        if kind == .delivered { contact.hasLeft = true }
        if contact.hasLeft { contact.receipts.insert(kind) }
        let old = contact.phase
        if contact.receipts.contains(.delivered) {
            contact.phase = .settled
        } else if !contact.receipts.isDisjoint(with: [.refused, .failed]) {
            contact.phase = .released
        } else if contact.receipts.contains(.unknown), old == .open {
            contact.phase = .settled
        }
        waves[wave]?.contacts[index] = contact
        guard contact.phase != old else { return }
        let counter = Counter(channel: state.spec.channel, month: contact.month)
        if old == .settled { settled -= 1 }
        if old == .released {
            if obstacle(index, counter) != nil { overruns += 1 }
            add(index, counter)
            (reserved, released) = (reserved - 1, released - 1)
        }
        if contact.phase == .settled { settled += 1 }
        if contact.phase == .released { discount(index, counter) }
    }

    private func release(_ index: UInt32, in wave: WaveID) {
        guard let state = waves[wave], let contact = state.contacts[index], contact.phase == .open else { return }
        waves[wave]?.contacts[index]?.phase = .released
        discount(index, Counter(channel: state.spec.channel, month: contact.month))
    }

    // MARK: Singles

    private func reserve(_ reservation: SingleReservation) {
        if singles[reservation.request] != nil { problems.append("request \(reservation.request) was reserved twice") }
        singles[reservation.request] = (reservation, .open)
        count(reservation.index, Counter(channel: reservation.channel, month: reservation.month))
    }

    private func conclude(_ conclusion: SingleConclusion) {
        guard let (open, phase) = singles[conclusion.request], phase == .open else {
            return problems.append("request \(conclusion.request) was concluded without being open")
        }
        singles[conclusion.request]?.phase = conclusion.isSettled ? .settled : .released
        if conclusion.isSettled {
            settled += 1
        } else {
            discount(open.index, Counter(channel: open.channel, month: open.month))
        }
    }

    // MARK: Offers

    /// Counters follow what stands of the offers; only what is decided has to respect caps.
    private func take(_ request: OfferRequest, _ change: OfferAudit.Change, isDecision: Bool) {
        problems += change.problems
        let counter = Counter(channel: request.touchpoint.channel, month: request.at.month)
        if !isDecision, change.isOverCapacity { overruns += 1 }
        for _ in 0..<max(0, change.step) {
            if isDecision {
                count(request.index, counter)
            } else {
                if obstacle(request.index, counter) != nil { overruns += 1 }
                add(request.index, counter)
            }
        }
        for _ in 0..<max(0, -change.step) { discount(request.index, counter) }
    }

    /// Finds what should have lapsed at the last tick; only a log that ends between two commands has nothing of it.
    public func checkNothingIsDue() {
        problems += offers.due.map { "\($0) was not shown in time and did not lapse" }
    }

    // MARK: Counters and caps

    private func load(_ column: ContactHistory.Column) {
        let counter = Counter(channel: column.channel, month: column.month)
        var sums = counts[counter] ?? [UInt8](repeating: 0, count: world.subscribers)
        for (index, count) in column.counts.enumerated() {
            sums[index] = UInt8(min(255, Int(sums[index]) + Int(count)))
        }
        counts[counter] = sums
    }

    private func remove(_ column: ContactHistory.Column) {
        let counter = Counter(channel: column.channel, month: column.month)
        var sums = counts[counter] ?? [UInt8](repeating: 0, count: world.subscribers)
        for (index, count) in column.counts.enumerated() { sums[index] -= min(sums[index], count) }
        counts[counter] = sums
    }

    private func contacts(_ index: UInt32, _ channel: ChannelClass, _ months: Range<Int32>) -> Int {
        months.reduce(0) { sum, month in
            let column = counts[Counter(channel: channel, month: LocalMonth(number: month))] ?? []
            return sum + (Int(index) < column.count ? Int(column[Int(index)]) : 0)
        }
    }

    /// The most contacts in any window of the cap's length that holds the month.
    private func most(_ index: UInt32, _ channels: [ChannelClass], _ cap: Cap, _ month: LocalMonth) -> Int {
        (0..<Int32(cap.months)).map { back in
            let first = month.number - back
            return channels.reduce(0) { $0 + contacts(index, $1, first..<first + Int32(cap.months)) }
        }.max() ?? 0
    }

    /// The cap that one more contact would exceed.
    private func obstacle(_ index: UInt32, _ counter: Counter) -> String? {
        guard let strictest = tiers.last else { return "there is no policy" }
        let tier = rules.firstIndex { $0(index) }.map { tiers[$0] } ?? strictest
        if let cap = tier.caps[counter.channel], most(index, [counter.channel], cap, counter.month) >= cap.count {
            return "\(counter.channel) cap of \(cap.count)"
        }
        let counted = ChannelClass.allCases.filter(\.countsOverall)
        if counter.channel.countsOverall, most(index, counted, tier.overall, counter.month) >= tier.overall.count {
            return "overall cap of \(tier.overall.count)"
        }
        return nil
    }

    private func count(_ index: UInt32, _ counter: Counter) {
        if let cap = obstacle(index, counter) { problems.append("\(index) is over its \(cap) in \(counter.month.iso)") }
        add(index, counter)
    }

    private func add(_ index: UInt32, _ counter: Counter) {
        reserved += 1
        counts[counter, default: [UInt8](repeating: 0, count: world.subscribers)][Int(index)] += 1
    }

    private func discount(_ index: UInt32, _ counter: Counter) {
        released += 1
        counts[counter]?[Int(index)] -= 1
    }

    // MARK: Comparing

    /// Compares with the state the core folded from the same log: counters, reservations and their sums.
    public func compare(with state: DecisionState) {
        let standing = offers.standing
        if reserved != settled + released + open + standing {
            problems.append(
                "reserved \(reserved), but settled \(settled), released \(released), open \(open), offers \(standing)"
            )
        }
        problems += offers.differences(from: state)
        for channel in ChannelClass.allCases {
            for number in state.ledger.monthsHeld.lowerBound.number...state.ledger.monthsHeld.upperBound.number {
                compareCounters(Counter(channel: channel, month: LocalMonth(number: number)), state.ledger)
            }
        }
        for (id, wave) in waves {
            guard let other = state.waves[id] else {
                problems.append("the state does not know wave \(id)")
                continue
            }
            let phases = wave.contacts.values
            let mine = [
                wave.contacts.count, phases.count { $0.phase == .settled }, phases.count { $0.phase == .released },
                phases.count { $0.phase == .open }, phases.count { $0.hasLeft },
            ]
            let theirs = [\WaveBlockState.contact, \.settled, \.released, \.open, \.handedOff].map(other.sum)
            if mine != theirs { problems.append("wave \(id): the log says \(mine), the state \(theirs)") }
        }
        let openSingles = Set(singles.filter { $0.value.phase == .open }.keys)
        if openSingles != Set(state.singles.keys) { problems.append("the state has other open singles than the log") }
        let concluded = singles.filter { $0.value.phase != .open }.mapValues { $0.phase == .settled }
        if concluded != state.concluded { problems.append("the state has other concluded singles than the log") }
    }

    private func compareCounters(_ counter: Counter, _ ledger: ContactLedger) {
        let column = counts[counter] ?? []
        for index in 0..<world.subscribers {
            let mine = index < column.count ? Int(column[index]) : 0
            let theirs = ledger.count(SubscriberIndex(UInt32(index)), channel: counter.channel, month: counter.month)
            guard mine != theirs else { continue }
            return problems.append("\(index) \(counter.channel) \(counter.month.iso): log \(mine), state \(theirs)")
        }
    }

    /// Checks that everything that was told is in the log, and that no gateway got a message twice or too early.
    public func compare(with told: [Told]) {
        var submitted: Set<Told> = []
        var feedback: [WaveID: [FeedbackPlace: Int]] = [:]
        for entry in told {
            switch entry {
            case .recorded(let cycle):
                if cycle > 0, specs[CampaignID(Int64(cycle))] == nil { problems.append("lost: \(entry.line)") }
            case .ran(let cycle, let outcome):
                if waves[LoopScript.wave(cycle)]?.outcome != outcome { problems.append("lost: \(entry.line)") }
            case .leaving(let cycle, let block, let from, let to):
                let handOffs = waves[LoopScript.wave(cycle)]?.handOffs ?? []
                if !handOffs.contains(where: { $0 == (block, from, to) }) { problems.append("lost: \(entry.line)") }
            case .submitted(let cycle, let index):
                if !submitted.insert(entry).inserted { problems.append("twice: \(entry.line)") }
                if waves[LoopScript.wave(cycle)]?.contacts[index]?.hasLeft != true {
                    problems.append("left without a record: \(entry.line)")
                }
            case .tookFeedback(let cycle, let block, let kind):
                feedback[LoopScript.wave(cycle), default: [:]][FeedbackPlace(block: block, kind: kind), default: 0] += 1
            case .offered(let request, let offered, let controls):
                let answer = offers.interactions[request]?.answer
                if answer?.offers ?? [] != offered || answer?.controls ?? [] != controls {
                    problems.append("not so: \(entry.line)")
                }
            case .tookResponse(let request, let result):
                if offers.interactions[request]?.results.contains(result) != true {
                    problems.append("lost: \(entry.line)")
                }
            case .lapsed(let cycle):
                let isLeft = offers.due.contains { $0 / 1_000_000 == UInt64(cycle) }
                if isLeft { problems.append("lost: \(entry.line)") }
            case .ended(let cycle):
                if !ended.contains(CampaignID(Int64(cycle))) { problems.append("lost: \(entry.line)") }
            }
        }
        for (wave, places) in feedback {
            for (place, count) in places where waves[wave]?.feedback[place, default: 0] ?? 0 < count {
                problems.append("lost: feedback \(place.kind) of wave \(wave), block \(place.block)")
            }
        }
    }
}
