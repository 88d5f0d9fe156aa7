// The log as it concerns one subscriber: a second, naive implementation of the state, for explain and as an oracle.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
public import Ports

/// What one subscriber's part of the state was at a log position.
///
/// It is given the records that concern the subscriber, by ``SubscriberLog`` or by reading everything; of large files
/// it reads only the bytes that do.
public final class SubscriberFold {
    /// A wave as it concerns the subscriber.
    public struct Touch: Hashable, Sendable {
        /// The wave.
        public var wave: WaveID
        /// The spec that was live.
        public var spec: CampaignSpec
        /// The slot.
        public var planned: LocalTime
        /// The month the contact counts in: the slot's, from the hand-off on the one it left in.
        public var month: LocalMonth
        /// Sequence of its opening.
        public var openedAt: Int64
        /// The audience file.
        public var audience: ContentHash
        /// Where ranking, capacity and budget cut.
        public var cuts: [RankCut] = []
        /// The logged outcome; nil when the subscriber was not in the audience.
        public var outcome: Outcome?
        /// Why the second check kept it from leaving.
        public var drop: Outcome?
        /// Whether the reservation was given back.
        public var isReleased = false
        /// Whether the reservation was settled.
        public var isSettled = false
        /// Whether it left.
        public var isHandedOff = false
        /// Whether it arrived.
        public var isDelivered = false
        /// What came back, in order.
        public var feedback: [(kind: FeedbackKind, at: LocalTime)] = []

        /// Reserved and not given back.
        public var isCounted: Bool { outcome == .contact && !isReleased }

        public static func == (a: Touch, b: Touch) -> Bool { a.wave == b.wave && a.openedAt == b.openedAt }
        public func hash(into hasher: inout Hasher) { hasher.combine(wave) }
    }

    /// The subscriber.
    public let index: SubscriberIndex
    /// Its line id; nil before the index was assigned.
    public private(set) var line: LineID?
    /// Contacts counted, by month and class.
    public private(set) var counts: [LocalMonth: [ChannelClass: Int]] = [:]
    /// Lists it is on.
    public internal(set) var lists: Set<ListID> = []
    /// Waves in order of opening.
    public internal(set) var touches: [Touch] = []
    /// The policy that was live.
    public private(set) var policy: ContactPolicy?
    /// Campaigns that were known.
    public private(set) var campaigns: [CampaignID: CampaignState] = [:]
    /// Logical time.
    public private(set) var now = LocalTime(instant: Instant(epochMs: 0), offsetSeconds: 0)

    /// Single offers in the order of their answers, those that control groups kept back included.
    public internal(set) var offers: [OfferTouch] = []
    /// Audience file of each campaign that is in the pool.
    var pool: [CampaignID: ContentHash] = [:]
    /// What adopted arbitrations say of the subscriber, by campaign.
    var assignments: [CampaignID: Assignment.Excerpt] = [:]
    /// Answers without any offer or control.
    var emptyRequests: Set<UInt64> = []
    /// Whether who the subscriber was is destroyed.
    public private(set) var isErased = false

    let inputs: DecodedInputs
    private var salt: [UInt8] = []
    private var subscribers = 0
    private var loaded: (catalogue: ContentHash, columns: [AttributeColumn])?
    private var row: (any SubscriberProfile)?
    var history: [(channel: ChannelClass, category: String?, day: LocalDay)] = []
    private var singles: [UInt64: SingleReservation] = [:]

    /// The state before the first record.
    init(index: SubscriberIndex, inputs: DecodedInputs) {
        self.index = index
        self.inputs = inputs
    }

    /// Another fold that goes on from the same state.
    init(copying other: SubscriberFold) {
        (index, inputs, line, counts, lists) = (other.index, other.inputs, other.line, other.counts, other.lists)
        (touches, policy, campaigns, now) = (other.touches, other.policy, other.campaigns, other.now)
        (offers, pool, emptyRequests) = (other.offers, other.pool, other.emptyRequests)
        (salt, subscribers, loaded, row) = (other.salt, other.subscribers, other.loaded, other.row)
        (history, singles, assignments) = (other.history, other.singles, other.assignments)
        isErased = other.isErased
    }

    /// Reads the whole log up to and including `position`: slow, and without any index that could be wrong.
    public convenience init(
        index: SubscriberIndex,
        log: any DecisionLog,
        inputs: any DecisionInputs,
        upTo position: Int64
    ) throws {
        self.init(index: index, inputs: DecodedInputs(inputs))
        let erasures = try Erasures(of: log)
        try log.read(from: 1) { batch in
            guard batch.sequence <= position else { return }
            try apply(LogRecord(decoding: batch.payload).reading(erasures), sequence: batch.sequence)
        }
    }

    func count(_ channel: ChannelClass, _ month: LocalMonth, by step: Int) {
        counts[month, default: [:]][channel, default: 0] += step
    }

    /// Applies the next record; those that concern other blocks change nothing.
    func apply(_ record: LogRecord, sequence: Int64) throws {
        switch record {
        case .genesis(let salt, let now):
            self.salt = salt
            self.now = now
        case .linesAssigned(let base, let count, let file):
            subscribers = Int(base) + Int(count)
            guard index.number >= base, index.number - base < count else { return }
            line = try inputs.line(index, in: file, from: base)
        case .attributesLoaded(_, let catalogue, let columns):
            loaded = (catalogue, columns)
            row = nil
        case .listReplaced(let list, let file):
            let isMember = try inputs.isMember(index, ofSet: file)
            if isMember { lists.insert(list) } else { lists.remove(list) }
        case .listChanged(let list, let added, let removed):
            if removed.contains(index.number) { lists.remove(list) }
            if added.contains(index.number) { lists.insert(list) }
        case .policySet(_, let file):
            policy = try inputs.policy(file)
        case .campaignSet(let id, _, let file):
            let spec = try inputs.campaign(file)
            campaigns[id] = CampaignState(spec: spec, status: campaigns[id]?.status ?? .live)
        case .campaignStatus(let id, let status):
            campaigns[id]?.status = status
            if status == .stopped { pool[id] = nil }
        case .historyLoaded(let file): try loadHistory(file)
        case .historyRemoved(let file): try removeHistory(file)
        case .tick(let time):
            if now.instant < time.instant { now = time }
            assignments = assignments.filter { $0.value.days.upperBound >= now.day }
        case .waveOpened(let wave, let planned, let audience, _, _):
            guard let spec = campaigns[wave.campaign]?.spec else { throw DecisionError.unknownCampaign(wave.campaign) }
            touches.append(
                Touch(
                    wave: wave,
                    spec: spec,
                    planned: planned,
                    month: planned.month,
                    openedAt: sequence,
                    audience: audience
                )
            )
        case .waveSelected(let wave, let cuts): update(wave) { $0.cuts = cuts }
        case .waveBlock(let wave, let block, let outcomes):
            guard Int(block) == index.block else { return }
            let outcome = try outcomes.outcome(at: index.offset)
            update(wave) { $0.outcome = outcome }
            if let touch = touches.first(where: { $0.wave == wave }), outcome == .contact {
                count(touch.spec.channel, touch.planned.month, by: 1)
            }
        case .waveClosed: break
        case .waveAborted(let wave): release(wave)
        case .handedOff(let wave, let block, let from, let to, let at, let drops):
            guard Int(block) == index.block else { return }
            if let drop = drops.first(where: { $0.members.contains(index.offset) }) {
                update(wave) { $0.drop = drop.outcome }
                release(wave)
            } else if (Int(from)..<Int(to)).contains(index.offset) {
                leave(wave, at: at)
            }
        case .handedOffSome(let wave, let block, _, _, let members, let at, let drops):
            guard Int(block) == index.block else { return }
            if let drop = drops.first(where: { $0.members.contains(index.offset) }) {
                update(wave) { $0.drop = drop.outcome }
                release(wave)
            } else if members.contains(index.offset) {
                leave(wave, at: at)
            }
        case .feedback(let wave, let block, let kind, let members, let at):
            guard Int(block) == index.block, members.contains(index.offset) else { return }
            update(wave) { $0.feedback.append((kind, at)) }
            guard let touch = touches.first(where: { $0.wave == wave }), touch.isHandedOff else { return }
            if kind == .delivered { update(wave) { $0.isDelivered = true } }
            switch kind {
            case .delivered, .unknown: update(wave) { if $0.isCounted { $0.isSettled = true } }
            case .refused, .failed: if !touch.isSettled { release(wave) }
            default: break
            }
        case .released(let wave, let block, let members):
            if Int(block) == index.block, members.contains(index.offset) { release(wave) }
        case .reserved(let all):
            for reservation in all where reservation.index == index.number {
                singles[reservation.request] = reservation
                count(reservation.channel, reservation.month, by: 1)
            }
        case .concluded(let all):
            for conclusion in all where conclusion.index == index.number {
                guard let open = singles.removeValue(forKey: conclusion.request), !conclusion.isSettled else {
                    continue
                }
                count(open.channel, open.month, by: -1)
            }
        case .checkpoint: break
        case .poolSet(let id, let file): pool[id] = file
        case .answered(let all): for answer in all where answer.request.index == index.number { take(answer) }
        case .responded(let all): for response in all where response.index == index.number { take(response) }
        case .lapsed(let all): for lapse in all where lapse.index == index.number { take(lapse) }
        case .assignmentSet(let id, let file):
            assignments[id] = try file.map { try inputs.assignment($0, of: index) }
        case .reported(let wave, let block, let kind, let members, let at):
            guard Int(block) == index.block, members.contains(index.offset) else { return }
            update(wave) { $0.feedback.append((kind, at)) }
            report(kind, wave)
        case .erased(let indices, _, _): if indices.contains(index.number) { isErased = true }
        }
    }

    /// A receipt, however late: what arrived counts, what did not arrive does not.
    private func report(_ kind: FeedbackKind, _ wave: WaveID) {
        guard let touch = touches.last(where: { $0.wave == wave }), touch.outcome == .contact else { return }
        switch kind {
        case .delivered:
            update(wave) {
                $0.isHandedOff = true
                $0.isDelivered = true
                $0.isSettled = true
                $0.isReleased = false
            }
            if touch.isReleased { count(touch.spec.channel, touch.month, by: 1) }
        case .unknown: if touch.isHandedOff, touch.isCounted { update(wave) { $0.isSettled = true } }
        case .refused, .failed:
            guard touch.isHandedOff, touch.isCounted, !touch.isDelivered else { return }
            update(wave) { $0.isSettled = false }
            release(wave)
        case .accepted, .replied, .unsubscribed, .ordered: break
        }
    }

    private func update(_ wave: WaveID, _ change: (inout Touch) -> Void) {
        guard let position = touches.lastIndex(where: { $0.wave == wave }) else { return }
        change(&touches[position])
    }

    /// A contact counts in the month in which it leaves.
    private func leave(_ wave: WaveID, at time: LocalTime) {
        guard let touch = touches.last(where: { $0.wave == wave }), touch.isCounted, !touch.isSettled,
            !touch.isHandedOff
        else { return }
        count(touch.spec.channel, touch.month, by: -1)
        count(touch.spec.channel, time.month, by: 1)
        update(wave) {
            $0.isHandedOff = true
            $0.month = time.month
        }
    }

    private func release(_ wave: WaveID) {
        guard let touch = touches.last(where: { $0.wave == wave }), touch.isCounted, !touch.isSettled else { return }
        update(wave) { $0.isReleased = true }
        count(touch.spec.channel, touch.month, by: -1)
    }

    private func loadHistory(_ file: ContentHash) throws {
        let excerpt = try inputs.history(file, of: index)
        for entry in excerpt.counts { count(entry.channel, entry.month, by: entry.count) }
        history += excerpt.days
    }

    private func removeHistory(_ file: ContentHash) throws {
        let excerpt = try inputs.history(file, of: index)
        for entry in excerpt.counts { count(entry.channel, entry.month, by: -entry.count) }
        for day in excerpt.days {
            if let place = history.lastIndex(where: { $0 == day }) { history.remove(at: place) }
        }
    }

    // MARK: Checks

    /// Makes all checks of a campaign at this position, one by one.
    ///
    /// `spec`: The campaign as it was live.
    /// `isMember`: Whether the subscriber is in the audience; nil when no audience exists yet.
    /// `cuts`: Where a wave cut; nil when none ran, and ranking is left out.
    /// `touchpoint`: Where a single offer would be made; nil = by a wave on the campaign's channel.
    public func checks(
        _ spec: CampaignSpec,
        on planned: LocalTime,
        isMember: Bool?,
        cuts: [RankCut]?,
        at touchpoint: Touchpoint? = nil
    ) throws -> [CheckResult] {
        guard let policy else { throw DecisionError.noPolicy }
        if isErased { return [CheckResult(.erased, isPassed: false)] }
        // A line that came later was in no audience; nothing else is known of it.
        guard let line else {
            return [CheckResult(.notInSegment, isPassed: false, [Evidence("line", "not_known_yet")])]
        }
        let channel = touchpoint?.channel ?? spec.channel
        let isConfirmed = touchpoint.map(spec.touchpoints.contains) ?? spec.isChannelConfirmed
        let status = campaigns[spec.id]?.status ?? .stopped
        let isLive = status == .live && spec.validFrom <= planned.day && planned.day <= spec.validTo
        var results = [
            CheckResult(
                .campaignNotLive,
                isPassed: isLive,
                [
                    Evidence("status", "\(status)"), Evidence("valid_from", spec.validFrom.iso),
                    Evidence("valid_to", spec.validTo.iso),
                ]
            ),
            CheckResult(
                .channelNotConfirmed,
                isPassed: isConfirmed,
                touchpoint.map { [Evidence("touchpoint", $0.code)] } ?? []
            ),
        ]
        if let isMember { results.append(CheckResult(.notInSegment, isPassed: isMember)) }
        if policy.holdout.ppm > 0 {
            let isHeldOut =
                draw("holdout/" + policy.holdout.epoch, of: nil)(line.number)
                < DecisionState.threshold(ppm: policy.holdout.ppm)
            results.append(CheckResult(.holdout, isPassed: !isHeldOut, [Evidence("epoch", policy.holdout.epoch)]))
        }
        results += productChecks(spec)
        results.append(withdrawnCheck(spec, on: planned.day, channel: channel, isWave: touchpoint == nil))
        results += listChecks(spec, channel: channel, policy: policy)
        let profile = try profile()
        for rule in policy.categoryRules where rule.applies(to: spec.category) {
            let isTrue = try profile.holds(rule.rule, at: index, today: planned.day, lists: memberships)
            results.append(CheckResult(.categoryRule, isPassed: !isTrue, [Evidence("rule", rule.code)]))
        }
        results += recentChecks(spec, on: planned.day, touchpoint: touchpoint, policy: policy)
        results += try capChecks(spec, channel: channel, month: planned.month, day: planned.day, policy: policy)
        results += try rankChecks(spec, day: planned.day, cuts: cuts, line: line, isWave: touchpoint == nil)
        let area = try policy.quietAreas
            .first { try profile.holds($0.rule, at: index, today: planned.day, lists: memberships) }
        let quietEnds = policy.notBefore(planned, channel: channel, hours: area?.quietHours)
        results.append(
            CheckResult(
                .quietHours,
                isPassed: quietEnds.map { $0.day <= spec.validTo } ?? false,
                [Evidence("not_before", quietEnds?.isoLocal ?? "never")]
                    + (area.map { [Evidence("area", $0.code)] } ?? [])
            )
        )
        let isControl = draw("control", of: spec.id)(line.number) < DecisionState.threshold(ppm: spec.controlPPM)
        results.append(CheckResult(.control, isPassed: !isControl, [Evidence("control_ppm", spec.controlPPM)]))
        return results
    }

    private func check(_ outcome: Outcome, _ codes: [ListID], _ more: [Evidence] = []) -> CheckResult {
        let found = codes.filter(lists.contains)
        return CheckResult(outcome, isPassed: found.isEmpty, found.map { Evidence("list", $0.code) } + more)
    }

    private func productChecks(_ spec: CampaignSpec) -> [CheckResult] {
        let own = spec.product.map { check(.productOwned, [.product($0)], [Evidence("product", $0)]) }
        return (own.map { [$0] } ?? [])
            + spec.conflictingProducts.map { check(.productConflict, [.product($0)], [Evidence("product", $0)]) }
    }

    private func listChecks(_ spec: CampaignSpec, channel: ChannelClass, policy: ContactPolicy) -> [CheckResult] {
        var results: [CheckResult] = []
        for dnd in policy.dnd.sorted(by: { $0.number < $1.number }) {
            let lists = [ListID.dnd(dnd.number), .dnd(dnd.number, channel: channel)]
            if dnd.mayBeUnticked, let unticked = spec.unticked.first(where: { $0.dndClass == dnd.number }) {
                let isOn = lists.contains(where: self.lists.contains)
                let evidence = isOn ? [Evidence("unticked_by", unticked.by)] : []
                results.append(CheckResult(.dnd(class: dnd.number), isPassed: true, evidence))
            } else {
                results.append(check(.dnd(class: dnd.number), lists))
            }
        }
        results.append(check(.listBlack, [ListID("black"), ListID("black", channel: channel)]))
        results.append(check(.listGrey, [ListID("grey"), ListID("grey", channel: channel)]))
        return results
    }

    private func recentChecks(
        _ spec: CampaignSpec,
        on day: LocalDay,
        touchpoint: Touchpoint?,
        policy: ContactPolicy
    ) -> [CheckResult] {
        intervals(of: spec, at: touchpoint, policy: policy).map { interval in
            let last = pastContacts.filter { interval.rulesOut($0, on: day) }.max { $0.day < $1.day }
            return CheckResult(
                interval.outcome,
                isPassed: last == nil,
                [Evidence("days", interval.days)] + (last.map { [Evidence("last", $0.day.iso)] } ?? [])
                    + interval.evidence + (last?.campaign.map { [Evidence("by", $0.number)] } ?? [])
            )
        }
    }

    private func capChecks(
        _ spec: CampaignSpec,
        channel: ChannelClass,
        month: LocalMonth,
        day: LocalDay,
        policy: ContactPolicy
    ) throws -> [CheckResult] {
        let profile = try self.profile()
        let tier =
            try policy.tiers.first { try profile.holds($0.rule, at: index, today: day, lists: memberships) }
            ?? policy.strictest
        func used(_ channels: [ChannelClass], _ months: Int) -> Int {
            windowSums(of: channels, holding: month, length: months).max() ?? 0
        }
        func check(_ outcome: Outcome, _ channels: [ChannelClass], _ cap: Cap) -> CheckResult {
            let used = used(channels, cap.months)
            // A site counts a campaign once a month: one that was seen already costs nothing (FRQ-01).
            let isSeen = channels == [.website] && offers.contains { $0.isCountedWebsite(spec.id, in: month) }
            return CheckResult(
                outcome,
                isPassed: used < cap.count || isSeen,
                [
                    Evidence("used", used), Evidence("cap", cap.count), Evidence("months", cap.months),
                    Evidence("month", month.iso), Evidence("tier", tier.code), Evidence("policy", policy.revision),
                ]
            )
        }
        var results: [CheckResult] = []
        if let cap = tier.caps[channel] { results.append(check(.cap(channel), [channel], cap)) }
        if channel.countsOverall {
            results.append(check(.capOverall, ChannelClass.allCases.filter(\.countsOverall), tier.overall))
        }
        return results
    }

    /// Contacts of classes in each window of months that holds a month, among the months that are counted.
    func windowSums(of channels: [ChannelClass], holding month: LocalMonth, length: Int) -> [Int] {
        let first = LocalMonth(number: now.month.number - Int32(ContactLedger.monthsBack))
        let kept = first...LocalMonth(number: now.month.number + 2)
        return windows(holding: month, length: length, in: kept).map { window in
            window.reduce(0) { sum, month in
                sum + channels.reduce(0) { $0 + min(255, counts[month]?[$1] ?? 0) }
            }
        }
    }

    private func rankChecks(
        _ spec: CampaignSpec,
        day: LocalDay,
        cuts: [RankCut]?,
        line: LineID,
        isWave: Bool
    ) throws -> [CheckResult] {
        var results: [CheckResult] = []
        var score: Int32 = 0
        var evidence: [Evidence] = []
        if let expression = spec.score {
            let profile = try profile()
            var found: Int32?
            var about = [Evidence("expression", expression)]
            do {
                found = try profile.score(expression, at: index, today: day, lists: memberships)
            } catch {
                about.append(Evidence("problem", "\(error)"))
            }
            results.append(CheckResult(.noScore, isPassed: found != nil, about))
            guard let found else { return results }
            score = found
            evidence = [Evidence("score", Scaled(unscaled: Int64(found), scale: 6))]
        }
        if isWave, let assignment = assignments[spec.id], assignment.holds(for: spec, on: day) {
            results.append(
                CheckResult(
                    .outranked,
                    isPassed: assignment.isMember,
                    evidence + [Evidence("assignment", assignment.solution.hex.prefix(12))]
                )
            )
        }
        let hash = draw("rank", of: spec.id)(line.number)
        for cut in cuts ?? [] {
            let passes =
                score > cut.score
                || (score == cut.score && (hash, index.number) <= (cut.hash, cut.index))
            results.append(
                CheckResult(
                    cut.outcome,
                    isPassed: passes,
                    evidence + [Evidence("cut", Scaled(unscaled: Int64(cut.score), scale: 6))]
                )
            )
        }
        return results
    }

    private func draw(_ name: String, of campaign: CampaignID?) -> KeyedHash {
        DecisionState.draw(name, of: campaign, salt: salt)
    }

    func profile() throws -> any SubscriberProfile {
        if let row { return row }
        guard let loaded else { throw DecisionError.noProfile }
        let read = try inputs.profile(
            of: index,
            catalogue: loaded.catalogue,
            columns: loaded.columns,
            subscribers: subscribers
        )
        row = read
        return read
    }

    var memberships: any MembershipReader {
        OneMember(index: index, subscribers: subscribers, lists: lists)
    }

    /// Whether the subscriber is in an audience file.
    func isMember(ofAudience file: ContentHash) throws -> Bool { try inputs.isMember(index, ofSet: file) }
}

/// Lists with at most the one subscriber in them.
private struct OneMember: MembershipReader {
    let index: SubscriberIndex
    let subscribers: Int
    let lists: Set<ListID>

    private func set(_ list: ListID) -> Bitset {
        var members = Bitset(universe: subscribers)
        if lists.contains(list) { members.insert(index.number) }
        return members
    }

    func members(ofList code: String) -> Bitset? { set(ListID(code)) }
    func owners(ofProduct code: String) -> Bitset? { set(.product(code)) }
    func isOn(list code: String, _ index: SubscriberIndex) -> Bool { lists.contains(ListID(code)) }
    func owns(product code: String, _ index: SubscriberIndex) -> Bool { lists.contains(.product(code)) }
}
