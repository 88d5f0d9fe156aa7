// The log as it concerns one subscriber: a second, naive implementation of the state, for explain and as an oracle.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
public import Ports

/// What one subscriber's part of the state was at a log position.
///
/// Reads the common chain, the subscriber's own block in each wave (a few KiB each) and the single reservations of
/// its partition; of large files only the bytes that concern the subscriber.
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
    public private(set) var lists: Set<ListID> = []
    /// Waves in order of opening.
    public private(set) var touches: [Touch] = []
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
    /// Answers without any offer or control.
    var emptyRequests: Set<UInt64> = []

    let inputs: any DecisionInputs
    private var salt: [UInt8] = []
    private var subscribers = 0
    private var columns: (catalogue: ContentHash, columns: [AttributeColumn], subscribers: Int)?
    private var history: [(channel: ChannelClass, category: String?, day: LocalDay)] = []
    private var singles: [UInt64: SingleReservation] = [:]

    /// Reads everything that concerns the subscriber up to and including `position`.
    public init(index: SubscriberIndex, log: any DecisionLog, inputs: any DecisionInputs, upTo position: Int64) throws {
        self.index = index
        self.inputs = inputs
        var records: [(sequence: Int64, payload: [UInt8])] = []
        var waves: [WaveID] = []
        try log.read(chain: .common, from: 1, withKeys: true) { batch in
            guard batch.sequence <= position else { return }
            records.append((batch.sequence, batch.payload))
            if case .waveOpened(let wave, _, _, _, _) = try LogRecord(decoding: batch.payload) { waves.append(wave) }
        }
        for wave in waves {
            for batch in try log.batches(for: LogKey(wave: wave.packed, block: Int32(index.block)))
            where batch.sequence <= position { records.append((batch.sequence, batch.payload)) }
        }
        try log.read(chain: LogChain(ofBlock: index.block), from: 1, withKeys: false) { batch in
            if batch.sequence <= position { records.append((batch.sequence, batch.payload)) }
        }
        for (sequence, payload) in records.sorted(by: { $0.sequence < $1.sequence }) {
            try apply(LogRecord(decoding: payload), sequence: sequence)
        }
    }

    func count(_ channel: ChannelClass, _ month: LocalMonth, by step: Int) {
        counts[month, default: [:]][channel, default: 0] += step
    }

    private func apply(_ record: LogRecord, sequence: Int64) throws {
        switch record {
        case .genesis(let salt, let now):
            self.salt = salt
            self.now = now
        case .linesAssigned(let base, let count, let file):
            subscribers = Int(base) + Int(count)
            guard index.number >= base, index.number - base < count else { return }
            let bytes = try inputs.bytes(file, offset: Int(index.number - base) * 8, count: 8)
            line = LineID(Int64(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }))
        case .attributesLoaded(_, let catalogue, let columns): self.columns = (catalogue, columns, subscribers)
        case .listReplaced(let list, let file):
            let universe = try inputs.bytes(file, offset: 0, count: 8)
                .withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
            let isMember =
                try UInt64(index.number) < universe
                && inputs.bytes(file, offset: 8 + Int(index.number) / 8, count: 1)[0] >> (index.number & 7) & 1 == 1
            if isMember { lists.insert(list) } else { lists.remove(list) }
        case .listChanged(let list, let added, let removed):
            if removed.contains(index.number) { lists.remove(list) }
            if added.contains(index.number) { lists.insert(list) }
        case .policySet(_, let file):
            policy = try DecisionState.decode(ContactPolicy.self, inputs.bytes(file), file: file)
        case .campaignSet(let id, _, let file):
            let spec = try DecisionState.decode(CampaignSpec.self, inputs.bytes(file), file: file)
            campaigns[id] = CampaignState(spec: spec, status: campaigns[id]?.status ?? .live)
        case .campaignStatus(let id, let status):
            campaigns[id]?.status = status
            if status == .stopped { pool[id] = nil }
        case .historyLoaded(let file): try loadHistory(file)
        case .tick(let time): if now.instant < time.instant { now = time }
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
        case .waveBlock(let wave, _, let outcomes):
            let outcome = try outcomes.outcome(at: index.offset)
            update(wave) { $0.outcome = outcome }
            if let touch = touches.first(where: { $0.wave == wave }), outcome == .contact {
                count(touch.spec.channel, touch.planned.month, by: 1)
            }
        case .waveClosed: break
        case .waveAborted(let wave): release(wave)
        case .handedOff(let wave, _, let from, let to, let at, let drops):
            if let drop = drops.first(where: { $0.members.contains(index.offset) }) {
                update(wave) { $0.drop = drop.outcome }
                release(wave)
            } else if (Int(from)..<Int(to)).contains(index.offset) {
                leave(wave, at: at)
            }
        case .feedback(let wave, _, let kind, let members, let at):
            guard members.contains(index.offset) else { return }
            update(wave) { $0.feedback.append((kind, at)) }
            guard let touch = touches.first(where: { $0.wave == wave }), touch.isHandedOff else { return }
            switch kind {
            case .delivered, .unknown: update(wave) { if $0.isCounted { $0.isSettled = true } }
            case .refused, .failed: if !touch.isSettled { release(wave) }
            default: break
            }
        case .released(let wave, _, let members):
            if members.contains(index.offset) { release(wave) }
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
        let excerpt = try ContactHistory.excerpt(of: index) { try inputs.bytes(file, offset: $0, count: $1) }
        for entry in excerpt.counts { count(entry.channel, entry.month, by: entry.count) }
        history += excerpt.days
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
        except wave: WaveID? = nil,
        at touchpoint: Touchpoint? = nil
    ) throws -> [CheckResult] {
        guard let policy else { throw DecisionError.noPolicy }
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
        let isOwn = touchpoint != nil && (channel == .inbound || channel == .website)
        results += recentChecks(
            spec,
            on: planned.day,
            channel: channel,
            policy: policy,
            except: wave,
            ownCampaign: isOwn ? spec.id : nil
        )
        results += try capChecks(spec, channel: channel, month: planned.month, day: planned.day, policy: policy)
        results += try rankChecks(spec, day: planned.day, cuts: cuts, line: line)
        let hours = try policy.quietAreas
            .first { try profile.holds($0.rule, at: index, today: planned.day, lists: memberships) }?
            .quietHours
        let quietEnds = policy.notBefore(planned, channel: channel, hours: touchpoint == nil ? nil : hours)
        results.append(
            CheckResult(
                .quietHours,
                isPassed: quietEnds.map { $0.day <= spec.validTo } ?? false,
                [Evidence("not_before", quietEnds?.isoLocal ?? "never")]
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
        channel: ChannelClass,
        policy: ContactPolicy,
        except wave: WaveID?,
        ownCampaign: CampaignID?
    ) -> [CheckResult] {
        func recent(_ days: Int, _ isRelevant: (ChannelClass, CampaignSpec?, String?) -> Bool) -> LocalDay? {
            let mine = touches.filter {
                $0.wave != wave && $0.isCounted && isRelevant($0.spec.channel, $0.spec, $0.spec.category)
            }
            .map(\.planned.day)
            let before = history.filter { isRelevant($0.channel, nil, $0.category) }.map(\.day)
            let single = offers.filter { offer in
                let spec = campaigns[offer.campaign]?.spec
                return offer.isContact && isRelevant(offer.touchpoint.channel, spec, spec?.category)
            }
            .map(\.at.day)
            return (mine + before + single).filter { abs(Int($0.number) - Int(day.number)) < days }.max()
        }
        func isOther(_ other: CampaignSpec?) -> Bool { ownCampaign == nil || other?.id != ownCampaign }
        func interval(_ days: Int, _ last: LocalDay?, _ more: [Evidence] = []) -> CheckResult {
            let evidence = [Evidence("days", days)] + (last.map { [Evidence("last", $0.iso)] } ?? []) + more
            return CheckResult(.interval, isPassed: last == nil, evidence)
        }
        var results: [CheckResult] = []
        if let days = policy.intervalDays[channel] {
            results.append(interval(days, recent(days) { other, _, _ in other == channel }))
        }
        if let product = spec.product, let days = policy.days(betweenContactsFor: product) {
            let last = recent(days) { _, other, _ in other?.product == product && isOther(other) }
            results.append(interval(days, last, [Evidence("product", product)]))
        }
        if let days = policy.similarDays[spec.category] {
            let similar = policy.categories(similarTo: spec.category)
            let last = recent(days) { _, other, category in
                category.map(similar.contains) ?? false && isOther(other)
            }
            results.append(
                CheckResult(
                    .similarCampaign,
                    isPassed: last == nil,
                    [Evidence("days", days), Evidence("category", spec.category)]
                        + (last.map { [Evidence("last", $0.iso)] } ?? [])
                )
            )
        }
        return results
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
        let kept =
            LocalMonth(
                number: now.month.number - Int32(ContactLedger.monthsBack)
            )...LocalMonth(
                number: now.month.number + 2
            )
        func used(_ channels: [ChannelClass], _ months: Int) -> Int {
            windows(holding: month, length: months, in: kept)
                .map { window in
                    window.reduce(0) { sum, month in
                        sum + channels.reduce(0) { $0 + min(255, counts[month]?[$1] ?? 0) }
                    }
                }
                .max() ?? 0
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

    private func rankChecks(
        _ spec: CampaignSpec,
        day: LocalDay,
        cuts: [RankCut]?,
        line: LineID
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

    func profile() throws -> any ProfileReader {
        guard let columns else { throw DecisionError.noProfile }
        return try inputs.profile(
            catalogue: columns.catalogue,
            columns: columns.columns,
            subscribers: columns.subscribers
        )
    }

    var memberships: any MembershipReader {
        OneMember(index: index, subscribers: subscribers, lists: lists)
    }

    /// Whether the subscriber is in an audience file.
    public func isMember(ofAudience file: ContentHash) throws -> Bool {
        let universe = try inputs.bytes(file, offset: 0, count: 8)
            .withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard UInt64(index.number) < universe else { return false }
        return try inputs.bytes(file, offset: 8 + Int(index.number) / 8, count: 1)[0] >> (index.number & 7) & 1 == 1
    }
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
}
