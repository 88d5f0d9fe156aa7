// The hot profile as the decision core reads it: rules and scores over columns.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
import Model
public import Profiles
public import Rules
import Synchronization

/// A ``ProfileReader`` over hot columns.
public struct ColumnProfile: ProfileReader {
    /// The columns.
    public let profile: HotProfile
    private let threads: Int

    /// Reads columns with a number of threads; answers do not depend on it.
    public init(_ profile: HotProfile, threads: Int) {
        self.profile = profile
        self.threads = threads
    }

    /// The subscribers for whom a checked rule is true.
    public func members(where rule: CheckedRule, today: LocalDay, lists: any MembershipReader) throws -> Bitset {
        try compile(rule, today, lists).evaluate(threads: threads)
    }

    /// How many subscribers a checked rule is true for.
    public func count(where rule: CheckedRule, today: LocalDay, lists: any MembershipReader) throws -> Int {
        try compile(rule, today, lists).count(threads: threads)
    }

    public func members(where rule: String, today: LocalDay, lists: any MembershipReader) throws -> Bitset {
        try members(where: scope.check(rule), today: today, lists: lists)
    }

    public func holds(
        _ rule: String,
        at index: SubscriberIndex,
        today: LocalDay,
        lists: any MembershipReader
    ) throws
        -> Bool
    {
        try compile(scope.check(rule), today, lists).contains(index)
    }

    public func scorer(_ expression: String, today: LocalDay, lists: any MembershipReader) throws -> any BlockScorer {
        ColumnScorer(score: try profile.compile(scope.checkScore(expression), today: today))
    }

    public func score(
        _ expression: String,
        at index: SubscriberIndex,
        today: LocalDay,
        lists: any MembershipReader
    ) throws -> Int32? {
        try profile.compile(scope.checkScore(expression), today: today).value(at: index)
    }

    public func test(_ rule: String, today: LocalDay, lists: any MembershipReader) throws -> SubscriberTest {
        let checked = try scope.check(rule)
        let predicate = try compile(checked, today, lists)
        return SubscriberTest(usesLists: !checked.uses.memberships.isEmpty) { predicate.contains($0) }
    }

    public func subscriberScore(
        _ expression: String,
        today: LocalDay
    ) throws -> @Sendable (SubscriberIndex) -> Int32? {
        let score = try profile.compile(scope.checkScore(expression), today: today)
        return { score.value(at: $0) }
    }

    public func text(of attribute: String, at index: SubscriberIndex) -> String? {
        guard let value = try? profile.value(of: attribute, at: index), value != .null else { return nil }
        return value.description
    }

    /// What rules may refer to: the catalogue and the special lists every operator has.
    fileprivate static func scope(_ profile: HotProfile) -> RuleScope {
        RuleScope(catalogue: profile.catalogue, lists: ListID.standardCodes)
    }

    private var scope: RuleScope { Self.scope(profile) }

    private func compile(
        _ rule: CheckedRule,
        _ today: LocalDay,
        _ lists: any MembershipReader
    ) throws
        -> ColumnPredicate
    {
        try profile.compile(rule, today: today) { membership in
            switch membership.kind {
            case .list: lists.members(ofList: membership.name) ?? Bitset(universe: profile.universe)
            case .product: lists.owners(ofProduct: membership.name) ?? Bitset(universe: profile.universe)
            case .audience: lists.members(ofAudience: membership.name)
            }
        }
    }
}

/// A ``SubscriberProfile`` over columns of one row, which belongs to one subscriber.
public final class RowProfile: SubscriberProfile {
    private let profile: HotProfile
    private let rules = Mutex<[String: CheckedRule]>([:])
    private let scores = Mutex<[String: CheckedScore]>([:])

    /// Reads columns that have one row each.
    public init(_ profile: HotProfile) {
        self.profile = profile
    }

    public func holds(
        _ rule: String,
        at index: SubscriberIndex,
        today: LocalDay,
        lists: any MembershipReader
    ) throws -> Bool {
        let checked = try rules.withLock { rules in
            if let known = rules[rule] { return known }
            let checked = try ColumnProfile.scope(profile).check(rule)
            rules[rule] = checked
            return checked
        }
        return try profile.compile(checked, today: today) { membership in
            let isMember =
                switch membership.kind {
                case .list: lists.isOn(list: membership.name, index)
                case .product: lists.owns(product: membership.name, index)
                case .audience: false
                }
            return Bitset(universe: 1, words: [isMember ? 1 : 0])
        }
        .contains(SubscriberIndex(0))
    }

    public func score(
        _ expression: String,
        at index: SubscriberIndex,
        today: LocalDay,
        lists: any MembershipReader
    ) throws -> Int32? {
        let checked = try scores.withLock { scores in
            if let known = scores[expression] { return known }
            let checked = try ColumnProfile.scope(profile).checkScore(expression)
            scores[expression] = checked
            return checked
        }
        return try profile.compile(checked, today: today).value(at: SubscriberIndex(0))
    }
}

private struct ColumnScorer: BlockScorer {
    let score: ColumnScore

    func fill(
        block: Int,
        members: UnsafePointer<UInt64>,
        scores: UnsafeMutablePointer<Int32>,
        present: UnsafeMutablePointer<UInt64>
    ) {
        score.fill(
            block: block,
            selected: UnsafeBufferPointer(start: members, count: Block.words),
            into: UnsafeMutableBufferPointer(start: scores, count: Block.size)
        )
        forEachBit(members) {
            if scores[$0] != ColumnScore.missing { present[$0 >> 6] |= 1 << UInt64($0 & 63) }
        }
    }
}
