// What the decision core reads of subscribers' attributes: rules, scores and single values.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Membership in lists, as rules ask for it (`on_list`, `owns`).
public protocol MembershipReader: Sendable {
    /// The members of a list over all channels; nil when there is no such list.
    func members(ofList code: String) -> Bitset?
    /// The owners of a product; nil when nobody ever owned it.
    func owners(ofProduct code: String) -> Bitset?
    /// The members of a frozen audience; nil when there is none of that name. Decisions never ask for one.
    func members(ofAudience name: String) -> Bitset?
    /// Whether a subscriber is on a list over all channels.
    func isOn(list code: String, _ index: SubscriberIndex) -> Bool
    /// Whether a subscriber owns a product.
    func owns(product code: String, _ index: SubscriberIndex) -> Bool
}

extension MembershipReader {
    public func members(ofAudience name: String) -> Bitset? { nil }

    public func isOn(list code: String, _ index: SubscriberIndex) -> Bool {
        members(ofList: code)?.contains(index.number) ?? false
    }

    public func owns(product code: String, _ index: SubscriberIndex) -> Bool {
        owners(ofProduct: code)?.contains(index.number) ?? false
    }
}

/// Hot attributes as they are asked for one subscriber.
public protocol SubscriberProfile: Sendable {
    /// Whether a rule is true for one subscriber; agrees with ``ProfileReader/members(where:today:lists:)``.
    func holds(_ rule: String, at index: SubscriberIndex, today: LocalDay, lists: any MembershipReader) throws -> Bool
    /// The score of one subscriber in micro-units, or none; agrees with ``ProfileReader/scorer(_:today:lists:)``.
    func score(
        _ expression: String,
        at index: SubscriberIndex,
        today: LocalDay,
        lists: any MembershipReader
    ) throws -> Int32?
}

/// Hot attributes of all subscribers at one log position.
///
/// Implementations are deterministic: same columns, lists and day give the same answer on every machine.
public protocol ProfileReader: SubscriberProfile {
    /// The subscribers for whom a rule is true.
    func members(where rule: String, today: LocalDay, lists: any MembershipReader) throws -> Bitset
    /// Prepares a numeric expression as a score in micro-units.
    func scorer(_ expression: String, today: LocalDay, lists: any MembershipReader) throws -> any BlockScorer
    /// Prepares a rule for many single subscribers; agrees with ``holds(_:at:today:lists:)``.
    func test(_ rule: String, today: LocalDay, lists: any MembershipReader) throws -> SubscriberTest
    /// Prepares a score for many single subscribers; agrees with ``score(_:at:today:lists:)``.
    func subscriberScore(_ expression: String, today: LocalDay) throws -> @Sendable (SubscriberIndex) -> Int32?
    /// An attribute of one subscriber as text; nil when it is NULL or not hot.
    func text(of attribute: String, at index: SubscriberIndex) -> String?
}

/// A rule prepared for many single subscribers.
public struct SubscriberTest: Sendable {
    /// Whether lists or product owners are looked at, so that the test ends with the next change of a list.
    public var usesLists: Bool
    /// Whether the rule is true for a subscriber.
    public var holds: @Sendable (SubscriberIndex) -> Bool

    /// Makes a test; see the properties.
    public init(usesLists: Bool, holds: @escaping @Sendable (SubscriberIndex) -> Bool) {
        self.usesLists = usesLists
        self.holds = holds
    }
}

/// A prepared score: Int32 micro-units per subscriber, or none.
public protocol BlockScorer: Sendable {
    /// Fills scores of a block for the members given.
    ///
    /// - Parameters:
    ///   - block: Block number.
    ///   - members: 1 024 words; only these offsets are filled.
    ///   - scores: Room for 65 536 scores.
    ///   - present: 1 024 words; the bit of a member is set when it has a score.
    func fill(
        block: Int,
        members: UnsafePointer<UInt64>,
        scores: UnsafeMutablePointer<Int32>,
        present: UnsafeMutablePointer<UInt64>
    )
}

/// Where the decision core reads the content-addressed files that log records name.
public protocol DecisionInputs: Sendable {
    /// A whole file, its digest checked.
    func bytes(_ file: ContentHash) throws -> [UInt8]
    /// Part of a file, unchecked; used to explain one subscriber without reading everything.
    func bytes(_ file: ContentHash, offset: Int, count: Int) throws -> [UInt8]
    /// The hot profile made of these column files, typed by the catalogue file.
    func profile(catalogue: ContentHash, columns: [AttributeColumn], subscribers: Int) throws -> any ProfileReader
    /// The same for one subscriber, without reading the others.
    func profile(
        of index: SubscriberIndex,
        catalogue: ContentHash,
        columns: [AttributeColumn],
        subscribers: Int
    ) throws -> any SubscriberProfile
}

extension DecisionInputs {
    public func profile(
        of index: SubscriberIndex,
        catalogue: ContentHash,
        columns: [AttributeColumn],
        subscribers: Int
    ) throws -> any SubscriberProfile {
        try profile(catalogue: catalogue, columns: columns, subscribers: subscribers)
    }
}
