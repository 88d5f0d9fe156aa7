// What would have had to be different for a contact: the fewest changes, tried out.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// The smallest set of changes under which a decision would have been a contact.
public struct Counterfactual: Hashable, Sendable {
    /// A fact that would have had to be different.
    public enum Change: Hashable, Sendable {
        /// The fact behind a check with one value: status, confirmation, segment, draw, score, rank, capacity, hours.
        case passes(Outcome)
        /// Not on this list, or not an owner of this product.
        case notOn(ListID)
        /// Without this earlier contact.
        case without(campaign: CampaignID?, channel: ChannelClass, day: LocalDay)
        /// This many contacts fewer of a class in a month, whichever.
        case fewer(ChannelClass, LocalMonth, count: Int)
    }

    /// The changes, in the order of the checks they are for.
    public var changes: [Change]
    /// The outcome when the checks are made again with all changes: a contact, or what still stands in the way.
    public var outcome: Outcome
}

/// A campaign, asked for one subscriber.
struct Question {
    var spec: CampaignSpec
    var at: LocalTime
    /// Whether the subscriber is in the audience; nil when there is none yet.
    var isMember: Bool?
    /// Where a wave cut.
    var cuts: [RankCut]?
    /// Where a single offer would be made.
    var touchpoint: Touchpoint?
}

extension SubscriberFold {
    /// All checks of a question, one by one.
    func checks(_ question: Question) throws -> [CheckResult] {
        try checks(
            question.spec,
            on: question.at,
            isMember: question.isMember,
            cuts: question.cuts,
            at: question.touchpoint
        )
    }

    /// The changes that a contact needed; nil when it was one.
    ///
    /// Each failed check needs its own change, except that a contact less may serve intervals and caps at once: those
    /// that an interval rules out are taken first, then as few more as the caps need.
    func counterfactual(_ question: Question, _ made: [CheckResult]) throws -> Counterfactual? {
        let failed = made.filter { !$0.isPassed }
        guard !failed.isEmpty else { return nil }
        let changed = SubscriberFold(copying: self)
        var changes: [Counterfactual.Change] = []
        var passing: Set<Outcome> = []
        let codes = ["list", "product"]
        for check in failed {
            let lists = check.evidence.filter { codes.contains($0.key) }.map {
                $0.key == "list" ? ListID($0.value) : .product($0.value)
            }
            switch check.outcome {
            case .interval, .similarCampaign, .capSMS, .capOutbound, .capInbound, .capWebsite, .capOverall: break
            case let outcome where !lists.isEmpty && outcome != .categoryRule:
                changed.lists = changed.lists.filter { list in !lists.contains { $0.code == list.code } }
                changes += Set(lists).sorted { $0.code < $1.code }.map { .notOn($0) }
            default:
                passing.insert(check.outcome)
                changes.append(.passes(check.outcome))
            }
        }
        if failed.contains(where: { [.interval, .similarCampaign].contains($0.outcome) }) {
            for contact in changed.pastContactsInTheWay(of: question) {
                changed.remove(contact)
                changes.append(
                    .without(campaign: contact.campaign, channel: contact.channel, day: contact.day)
                )
            }
        }
        for (cell, count) in try changed.contactsTooMany(question) {
            changed.count(cell.channel, cell.month, by: -count)
            changes.append(.fewer(cell.channel, cell.month, count: count))
        }
        let again = try changed.checks(question).filter { !passing.contains($0.outcome) }
        return Counterfactual(changes: changes.uniqued(), outcome: again.outcome)
    }

    /// A class and month that contacts are counted in.
    struct Cell: Hashable {
        var channel: ChannelClass
        var month: LocalMonth
    }

    /// The fewest contacts whose absence satisfies every cap, by class and month.
    private func contactsTooMany(_ question: Question) throws -> [(Cell, Int)] {
        let broken = try checks(question).filter { !$0.isPassed && $0.outcome.isCap }
        guard !broken.isEmpty else { return [] }
        let channel = question.touchpoint?.channel ?? question.spec.channel
        let month = question.at.month
        // By how much all windows of all caps are over, taken together.
        func excess(_ fold: SubscriberFold) -> Int {
            broken.reduce(0) { sum, check in
                guard let cap = check.number("cap"), let months = check.number("months") else { return sum }
                let overall = ChannelClass.allCases.filter(\.countsOverall)
                let channels = check.outcome == .capOverall ? overall : [channel]
                return fold.windowSums(of: channels, holding: month, length: months)
                    .reduce(sum) { $0 + max(0, $1 + 1 - cap) }
            }
        }
        var removed: [Cell: Int] = [:]
        let trial = SubscriberFold(copying: self)
        var over = excess(trial)
        while over > 0 {
            // All windows hold the planned month, so what helps most windows is never a worse choice than another.
            var best: (cell: Cell, over: Int)?
            for cell in trial.cells(around: month) {
                trial.count(cell.channel, cell.month, by: -1)
                let left = excess(trial)
                trial.count(cell.channel, cell.month, by: 1)
                if left < best?.over ?? over { best = (cell, left) }
            }
            guard let best else { break }
            trial.count(best.cell.channel, best.cell.month, by: -1)
            removed[best.cell, default: 0] += 1
            over = best.over
        }
        return removed.sorted { ($0.key.month, $0.key.channel.rawValue) < ($1.key.month, $1.key.channel.rawValue) }
            .map { ($0.key, $0.value) }
    }

    /// Cells with contacts in them, the nearest to a month first.
    private func cells(around month: LocalMonth) -> [Cell] {
        counts.flatMap { month, classes in
            classes.filter { $0.value > 0 }.keys.map { Cell(channel: $0, month: month) }
        }
        .sorted {
            let (a, b) = (abs($0.month.number - month.number), abs($1.month.number - month.number))
            return (a, $0.month.number, $0.channel.rawValue) < (b, $1.month.number, $1.channel.rawValue)
        }
    }
}

extension Outcome {
    fileprivate var isCap: Bool {
        [.capSMS, .capOutbound, .capInbound, .capWebsite, .capOverall].contains(self)
    }
}

extension Array where Element: Hashable {
    /// Each element once, at its first place.
    fileprivate func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
