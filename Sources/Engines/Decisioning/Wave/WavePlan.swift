// Everything a wave needs to know before it looks at the first subscriber, read once from the state.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model

/// Contacts of one day that intervals and similarity look at: those of a wave or of loaded history.
struct RecentContacts: Hashable, Sendable {
    var channel: ChannelClass
    var category: String?
    var product: String?
    var campaign: CampaignID?
    var day: LocalDay
    /// Contacted and not released, by block.
    var blocks: [Int: BlockSet]
    /// The blocks of a wave instead, whose contacts are looked up when they are needed.
    var waveBlocks: [Int: WaveBlockState] = [:]

    /// The contacts of one block.
    func members(ofBlock block: Int) -> BlockSet? { blocks[block] ?? waveBlocks[block]?.counted }

    init(channel: ChannelClass, category: String?, day: LocalDay, blocks: [Int: BlockSet]) {
        self.channel = channel
        self.category = category
        self.day = day
        self.blocks = blocks
    }

    /// Contacts of a campaign, nobody yet.
    init(_ spec: CampaignSpec, day: LocalDay) {
        self.init(channel: spec.channel, category: spec.category, day: day, blocks: [:])
        product = spec.product
        campaign = spec.id
    }
}

/// The checks of one wave in their order, with their data looked up.
struct WavePlan {
    /// Whom a check removes.
    enum Exclusion {
        case members(Bitset)
        /// Those with such an entry in the journal of single offers.
        case offered((OfferEntry) -> Bool)
    }

    /// Earlier contacts that one check looks at.
    struct Recent {
        let outcome: Outcome
        let contacts: [RecentContacts]
        /// Single offers that count as well; nil = none can.
        let isOffered: ((OfferEntry) -> Bool)?
    }

    let wave: WaveID
    let spec: CampaignSpec
    let planned: LocalTime
    let audience: Bitset
    /// Set when the campaign as a whole may not contact anybody.
    let campaignFailure: Outcome?
    /// Members whose outcome is given, whatever the checks would say, by block: those who are erased.
    let given: [Int: [(offset: Int, outcome: Outcome)]]
    /// Sets to remove, in the order of checks up to the lists.
    let exclusions: [(outcome: Outcome, who: Exclusion)]
    /// Recent contacts that block, interval first.
    let recents: [Recent]
    let capRows: [CapRow]
    let tiers: [UInt8]
    let scorer: (any BlockScorer)?
    /// Whom an adopted arbitration left to the campaign; nil = all.
    let assigned: Bitset?
    let controlHash: KeyedHash
    let controlBelow: UInt64
    let rankHash: KeyedHash
    let lines: [Int64]
    /// Ranks after which members are cut off, in the order of checks; strictly falling.
    let ranks: [(outcome: Outcome, rank: Int)]
    /// Those for whom validity ends before their quiet hours do; nil = nobody.
    let keptByQuietHours: Bitset?

    var blocks: Int { Block.count(subscribers: lines.count) }
    var month: LocalMonth { planned.month }

    /// Copies part of the audience's bitmap of a block to 1 024 words; words of no member are zero.
    func copyAudience(ofBlock block: Int, _ part: Range<Int>, to words: UnsafeMutablePointer<UInt64>) {
        let first = block * Block.words
        words.update(repeating: 0, count: Block.words)
        audience.words.withUnsafeBufferPointer { audience in
            for i in part where first + i < audience.count { words[i] = audience[first + i] }
        }
    }

    /// Whether the keyed hash of (campaign, line) draws the subscriber into the control group.
    @inline(__always)
    func isControl(_ index: Int) -> Bool {
        controlHash(lines[index]) < controlBelow
    }
}

extension DecisionState {
    /// Reads the plan of a wave from the current state.
    ///
    /// - Throws: ``DecisionError`` when the campaign or policy is not there, or its rules cannot be evaluated.
    ///
    /// `readsAssignment`: False to see whom the campaign could have without arbitration.
    /// `given`: Outcomes that are known, where deciding again cannot find them.
    func plan(
        wave: WaveID,
        planned: LocalTime,
        audience: Bitset,
        spec draft: CampaignSpec? = nil,
        readsAssignment: Bool = true,
        given: [UInt32: Outcome] = [:]
    ) throws -> WavePlan {
        guard let campaign = draft.map({ CampaignState(spec: $0, status: .live) }) ?? campaigns[wave.campaign] else {
            throw DecisionError.unknownCampaign(wave.campaign)
        }
        guard let policy else { throw DecisionError.noPolicy }
        guard ledger.monthsHeld.contains(planned.month) else {
            throw DecisionError.monthNotHeld(planned.month, held: ledger.monthsHeld)
        }
        let spec = campaign.spec
        var members = audience
        if members.universe < subscribers { members.grow(universe: subscribers) }
        return WavePlan(
            wave: wave,
            spec: spec,
            planned: planned,
            audience: members,
            campaignFailure: campaignFailure(campaign, on: planned.day),
            given: outcomesGiven(given),
            exclusions: try exclusions(for: spec, on: planned.day, policy: policy),
            recents: recents(for: spec, on: planned.day, policy: policy, except: wave),
            capRows: capRows,
            tiers: try tiers(on: planned.day),
            scorer: try spec.score.map { try profileReader().scorer($0, today: planned.day, lists: self.memberships) },
            assigned: readsAssignment ? assigned(to: spec, on: planned.day) : nil,
            controlHash: draw("control", of: spec.id),
            controlBelow: Self.threshold(ppm: spec.controlPPM),
            rankHash: draw("rank", of: spec.id),
            lines: lines,
            ranks: Self.ranks(of: spec),
            keptByQuietHours: try keptByQuietHours(spec: spec, planned: planned, audience: members, policy: policy)
        )
    }

    private func outcomesGiven(_ given: [UInt32: Outcome]) -> [Int: [(offset: Int, outcome: Outcome)]] {
        var all = given
        for index in erased { all[index] = .erased }
        return Dictionary(grouping: all) { Int($0.key >> 16) }
            .mapValues { $0.map { (Int($0.key & 0xFFFF), $0.value) } }
    }

    func campaignFailure(_ campaign: CampaignState, on day: LocalDay) -> Outcome? {
        let spec = campaign.spec
        guard campaign.status == .live, spec.validFrom <= day, day <= spec.validTo else { return .campaignNotLive }
        return spec.isChannelConfirmed ? nil : .channelNotConfirmed
    }

    private func exclusions(
        for spec: CampaignSpec,
        on day: LocalDay,
        policy: ContactPolicy
    ) throws -> [(Outcome, WavePlan.Exclusion)] {
        var result: [(Outcome, WavePlan.Exclusion)] = []
        func exclude(_ outcome: Outcome, _ members: Bitset) { result.append((outcome, .members(members))) }
        if policy.holdout.ppm > 0 { exclude(.holdout, holdoutMembers(policy.holdout)) }
        if let product = spec.product, let owners = lists[.product(product)] { exclude(.productOwned, owners) }
        for product in spec.conflictingProducts {
            if let owners = lists[.product(product)] { exclude(.productConflict, owners) }
        }
        if let isWithdrawn = isWithdrawn(from: spec, on: day) { result.append((.withdrawn, .offered(isWithdrawn))) }
        for (outcome, members) in barringLists(spec, policy: policy) { exclude(outcome, members) }
        for rule in policy.categoryRules where rule.applies(to: spec.category) {
            let members = try profileReader().members(where: rule.rule, today: day, lists: memberships)
            exclude(.categoryRule, members)
        }
        return result
    }

    /// The lists that bar a campaign, in the order of checks: do-not-disturb classes, black list, grey list.
    func barringLists(_ spec: CampaignSpec, policy: ContactPolicy) -> [(outcome: Outcome, members: Bitset)] {
        let classes = applicableDND(spec, policy: policy)
            .map { (Outcome.dnd(class: $0.number), ListID.dnd($0.number).code) }
        return (classes + [(.listBlack, "black"), (.listGrey, "grey")]).flatMap { outcome, code in
            [ListID(code), ListID(code, channel: spec.channel)].compactMap { list in
                lists[list].map { (outcome, $0) }
            }
        }
    }

    /// The classes that apply to a campaign: all but those its planner unticked and may untick.
    func applicableDND(_ spec: CampaignSpec, policy: ContactPolicy) -> [DNDClass] {
        policy.dnd.sorted { $0.number < $1.number }.filter { dnd in
            !(dnd.mayBeUnticked && spec.unticked.contains { $0.dndClass == dnd.number })
        }
    }

    private func recents(
        for spec: CampaignSpec,
        on day: LocalDay,
        policy: ContactPolicy,
        except wave: WaveID
    ) -> [WavePlan.Recent] {
        var result: [WavePlan.Recent] = []
        func look(_ outcome: Outcome, _ days: Int, _ isMeant: @escaping (RecentContacts) -> Bool) {
            let contacts = recentContacts(on: day, within: days, except: wave, where: isMeant)
            let offers = recentOffers(on: day, within: days, where: isMeant)
            if offers != nil || !contacts.isEmpty {
                result.append(WavePlan.Recent(outcome: outcome, contacts: contacts, isOffered: offers))
            }
        }
        if let days = policy.intervalDays[spec.channel] { look(.interval, days) { $0.channel == spec.channel } }
        if let product = spec.product, let days = policy.days(betweenContactsFor: product) {
            look(.interval, days) { $0.product == product }
        }
        if let days = policy.similarDays[spec.category] {
            let similar = policy.categories(similarTo: spec.category)
            look(.similarCampaign, days) { contacts in contacts.category.map(similar.contains) ?? false }
        }
        return result
    }

    /// Ranks at which limit, capacity and budget cut; each only where it is stricter than the one before.
    static func ranks(of spec: CampaignSpec) -> [(outcome: Outcome, rank: Int)] {
        var result: [(Outcome, Int)] = []
        var least = Int.max
        let wanted: [(Outcome, Int?)] = [
            (.outranked, spec.limit), (.capacity, spec.capacity), (.budget, spec.contactsWithinBudget),
        ]
        for case (let outcome, let rank?) in wanted where rank < least {
            result.append((outcome, max(0, rank)))
            least = rank
        }
        return result
    }

    /// The hash value below which a share of `ppm` millionths of all values lies.
    static func threshold(ppm: Int) -> UInt64 {
        ppm >= 1_000_000 ? .max : UInt64(max(0, ppm)) * (UInt64.max / 1_000_000)
    }
}

extension ListID {
    /// The owners of a product, kept as a list of its own.
    public static func product(_ code: String) -> ListID { ListID("product/" + code) }
}
