// Walks one subscriber's records and names the facts that put him above a cap.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

extension SubscriberFold {
    /// The tier whose caps hold on a day; what is in none has the strictest.
    func tier(_ policy: ContactPolicy, on day: LocalDay) throws -> PolicyTier {
        let profile = try profile()
        return try policy.tiers.first { try profile.holds($0.rule, at: index, today: day, lists: memberships) }
            ?? policy.strictest
    }
}

/// Contacts of one subscriber in the months that are counted: by month, and in it by class.
private struct CountedContacts: Equatable {
    var first: LocalMonth
    var counts: [Int]

    init(_ fold: SubscriberFold) {
        first = LocalMonth(number: fold.now.month.number - Int32(ContactLedger.monthsBack))
        counts = Array(repeating: 0, count: ContactLedger.months * ChannelClass.allCases.count)
        for (month, byClass) in fold.counts {
            let place = Int(month.number - first.number)
            guard (0..<ContactLedger.months).contains(place) else { continue }
            for (channel, count) in byClass {
                counts[place * ChannelClass.allCases.count + Int(channel.rawValue)] = min(255, count)
            }
        }
    }

    /// Contacts of some classes in a window that begins at a place.
    func sum(_ channels: [ChannelClass], from place: Int, months: Int) -> Int {
        var sum = 0
        for month in place..<place + months {
            for channel in channels { sum += counts[month * ChannelClass.allCases.count + Int(channel.rawValue)] }
        }
        return sum
    }

    /// Contacts in a window as it counts for a check.
    func used(_ overrun: Overrun) -> Int {
        let place = Int(overrun.window.first.number - first.number)
        guard place >= 0, place + overrun.window.months <= ContactLedger.months else { return 0 }
        let channels = ChannelClass.allCases.filter {
            overrun.check == .capOverall ? $0.countsOverall : overrun.check == .cap($0)
        }
        return sum(channels, from: place, months: overrun.window.months)
    }
}

/// The caps of one tier, looked up once per policy.
private struct TierCaps {
    var tier: PolicyTier
    var caps: [(check: Outcome, channels: [ChannelClass], cap: Cap)]

    init(_ tier: PolicyTier) { (self.tier, caps) = (tier, tier.checkedCaps) }

    /// What is exceeded, in the order of checks and windows.
    func exceeded(by contacts: CountedContacts) -> [Overrun] {
        var found: [Overrun] = []
        for (check, channels, cap) in caps {
            let months = min(max(cap.months, 1), 3)
            for place in 0...ContactLedger.months - months {
                let used = contacts.sum(channels, from: place, months: months)
                guard used > cap.count else { continue }
                let first = LocalMonth(number: contacts.first.number + Int32(place))
                let window = CapWindow(first: first, months: months)
                found.append(Overrun(check: check, window: window, used: used, cap: cap.count))
            }
        }
        return found
    }
}

/// One pass over a subscriber's records that keeps, for every cap exceeded, the facts behind it.
final class OverrunWalk {
    private struct Key: Hashable {
        var check: Outcome
        var window: CapWindow
    }

    private let fold: SubscriberFold
    /// What was exceeded after the last record, with its causes.
    private var standing: [Key: Overrun] = [:]

    /// The tiers of the live policy, and behind them the strictest row.
    private var tiers: [TierCaps] = []
    /// What was counted after the last record, and the day it was compared on.
    private var contacts: CountedContacts
    private var day: LocalDay

    init(_ fold: SubscriberFold) {
        self.fold = fold
        contacts = CountedContacts(fold)
        day = fold.now.day
    }

    /// Applies the next record.
    func take(_ record: LogRecord, sequence: Int64) throws {
        let campaign = fold.campaign(of: record)
        try fold.apply(record, sequence: sequence)
        if case .policySet = record, let policy = fold.policy {
            tiers = (policy.tiers + [policy.strictest]).map(TierCaps.init)
        }
        let (before, after) = (contacts, CountedContacts(fold))
        guard before != after || record.mayMoveCaps || day != fold.now.day else { return }
        (contacts, day) = (after, fold.now.day)
        // A decision is judged by the caps of its own day, as it was made.
        let decisionDay = record.decisionDay(of: fold, at: day)
        var broken: Set<Key> = []
        if let decisionDay {
            for overrun in try overruns(on: decisionDay) where overrun.used > before.used(overrun) {
                broken.insert(Key(check: overrun.check, window: overrun.window))
            }
        }
        try compare(on: day) { key, overrun in
            let kind: OverrunCause.Kind
            if broken.contains(key) {
                kind = .decision(campaign)
            } else if overrun.used > before.used(overrun), decisionDay == nil {
                kind = record.fact(campaign)
            } else if case .policySet = record {
                kind = .policy(revision: fold.policy?.revision ?? 0)
            } else {
                kind = .tier(try fold.policy.map { try fold.tier($0, on: day).code } ?? "")
            }
            return OverrunCause(kind: kind, at: record.time(of: fold), position: sequence)
        }
    }

    /// What is exceeded in the end, by the tier of a day, with its causes.
    func end(on day: LocalDay, position: Int64) throws -> OverrunSubscriber? {
        guard let policy = fold.policy, fold.line != nil else { return nil }
        let tier = try fold.tier(policy, on: day)
        try compare(on: day) { _, _ in
            OverrunCause(kind: .tier(tier.code), at: fold.now, position: position)
        }
        let found = try overruns(on: day).compactMap { standing[Key(check: $0.check, window: $0.window)] }
        return OverrunSubscriber(index: fold.index, tier: tier.code, tierName: tier.name, overruns: found)
    }

    /// Every cap that is exceeded by what is counted, by the tier of a day.
    ///
    /// The tier costs a row of the load: it is looked up only when some tier's cap is exceeded.
    private func overruns(on day: LocalDay) throws -> [Overrun] {
        guard fold.line != nil, let policy = fold.policy,
            tiers.contains(where: { !$0.exceeded(by: contacts).isEmpty })
        else { return [] }
        let code = try fold.tier(policy, on: day).code
        return tiers.first { $0.tier.code == code }?.exceeded(by: contacts) ?? []
    }

    /// Takes over what is exceeded now; what is exceeded by more than before gets one more cause.
    private func compare(on day: LocalDay, _ cause: (Key, Overrun) throws -> OverrunCause) throws {
        var now: [Key: Overrun] = [:]
        for overrun in try overruns(on: day) {
            let key = Key(check: overrun.check, window: overrun.window)
            var overrun = overrun
            let old = standing[key]
            overrun.causes = old?.causes ?? []
            if overrun.used - overrun.cap > old.map({ $0.used - $0.cap }) ?? 0 {
                overrun.causes.append(try cause(key, overrun))
            }
            now[key] = overrun
        }
        standing = now
    }
}

extension SubscriberFold {
    /// The campaign of the contact that a record is about, for the subscriber; asked before it is applied.
    fileprivate func campaign(of record: LogRecord) -> CampaignID? {
        switch record {
        case .waveBlock(let wave, _, _), .handedOff(let wave, _, _, _, _, _),
            .handedOffSome(let wave, _, _, _, _, _, _), .reported(let wave, _, _, _, _):
            wave.campaign
        case .answered(let all): all.last { $0.request.index == index.number }?.offers.first
        case .responded(let all):
            all.last { $0.index == index.number }.flatMap { response in
                response.campaign
                    ?? offers.first { $0.request.request == response.request && !$0.isControl }?.campaign
            }
        case .reserved(let all): all.last { $0.index == index.number }?.campaign
        default: nil
        }
    }
}

extension LogRecord {
    /// Whether the subscriber's caps may be others after the record.
    fileprivate var mayMoveCaps: Bool {
        switch self {
        case .policySet, .attributesLoaded, .listReplaced, .listChanged, .linesAssigned: true
        default: false
        }
    }

    /// The day by whose caps a decision that counts contacts was made; nil for facts and inputs.
    fileprivate func decisionDay(of fold: SubscriberFold, at now: LocalDay) -> LocalDay? {
        switch self {
        case .waveBlock(let wave, _, _): fold.touches.last { $0.wave == wave }?.planned.day
        case .handedOff(_, _, _, _, let at, _), .handedOffSome(_, _, _, _, _, let at, _): at.day
        case .answered(let all): all.last { $0.request.index == fold.index.number }?.request.at.day
        case .reserved: now
        default: nil
        }
    }

    /// What a fact that counted a contact was.
    fileprivate func fact(_ campaign: CampaignID?) -> OverrunCause.Kind {
        switch self {
        case .reported(let wave, _, _, _, _): .lateReceipt(wave)
        case .historyLoaded: .loaded
        case .responded: .shownAfterAll(campaign)
        default: .decision(campaign)
        }
    }

    /// When the fact came.
    fileprivate func time(of fold: SubscriberFold) -> LocalTime {
        switch self {
        case .reported(_, _, _, _, let at), .feedback(_, _, _, _, let at), .handedOff(_, _, _, _, let at, _),
            .handedOffSome(_, _, _, _, _, let at, _):
            at
        case .responded(let all): all.last { $0.index == fold.index.number }?.at ?? fold.now
        case .answered(let all): all.last { $0.request.index == fold.index.number }?.request.at ?? fold.now
        default: fold.now
        }
    }
}
