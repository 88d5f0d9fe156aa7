// A whole synthetic operator of any size: pure, seeded, every subscriber independent of all others.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// An operator that cannot be made as asked.
public enum SyntheticError: CodedError, Equatable {
    /// The number of subscribers is outside 1 ... ``SyntheticOperator/largest``.
    case size(Int)
    /// The number ranges hold fewer numbers than there are subscribers.
    case tooFewNumbers(subscribers: Int, numbers: Int)

    public var code: String {
        switch self {
        case .size: "synthetic.size"
        case .tooFewNumbers: "synthetic.too_few_numbers"
        }
    }

    public var description: String {
        switch self {
        case .size(let subscribers):
            "\(subscribers) subscribers cannot be generated; choose 1 to \(SyntheticOperator.largest)"
        case .tooFewNumbers(let subscribers, let numbers):
            "the number ranges hold \(numbers) numbers for \(subscribers) subscribers; add ranges to the file"
        }
    }
}

/// A synthetic operator of any size.
///
/// Everything about subscriber `i` depends on the seed, the reference day, the number ranges and `i` alone, so any part
/// can be generated on any thread, in any order, with the same bytes.
///
/// Subscribers are numbered in the order of their line ids, which is the order of the dense subscriber index; their
/// values are not related to those of their neighbours, except that a few neighbours share a customer.
public struct SyntheticOperator: Sendable {
    /// Most subscribers an operator may have.
    public static let largest = 40_000_000

    static let lineBase: Int64 = 60_000_000_000_000
    static let lineStride: Int64 = 64
    static let customerBase: Int64 = 40_000_000_000_000
    static let accountBase: Int64 = 50_000_000_000_000

    /// Chooses the operator; equal seeds give equal subscribers, also among operators of different size.
    public let seed: UInt64
    /// Number of subscribers.
    public let subscribers: Int
    /// The day on which the operator is looked at: ages, terms and history count from here; it has no facts itself.
    public let asOf: LocalDay
    /// Seconds that the operator's local time is ahead of UTC.
    public let utcOffsetSeconds: Int32
    let numbers: NumberPlan
    let permutation: Permutation
    let tables: Tables
    private let salt: UInt64

    /// Describes an operator; nothing is generated yet.
    ///
    /// - Parameters:
    ///   - seed: Chooses the operator.
    ///   - subscribers: 1 ... ``largest``.
    ///   - asOf: The reference day; monthly facts cover the three calendar months before it, contacts these and the
    ///     days of its own month before it.
    ///   - numbers: The number ranges; they decide how subscribers spread over cities.
    ///   - utcOffsetSeconds: 28 800 for Asia/Shanghai.
    /// - Throws: ``SyntheticError``.
    public init(
        seed: UInt64,
        subscribers: Int,
        asOf: LocalDay,
        numbers: NumberPlan,
        utcOffsetSeconds: Int32 = 28_800
    ) throws(SyntheticError) {
        guard (1...Self.largest).contains(subscribers) else { throw .size(subscribers) }
        guard subscribers <= numbers.capacity else {
            throw .tooFewNumbers(subscribers: subscribers, numbers: numbers.capacity)
        }
        self.seed = seed
        self.subscribers = subscribers
        self.asOf = asOf
        self.numbers = numbers
        self.utcOffsetSeconds = utcOffsetSeconds
        salt = SeededRandom.mix(seed ^ 0x6779_7265)
        permutation = Permutation(count: numbers.capacity, seed: SeededRandom.mix(seed ^ 0x4E75_6D62))
        tables = Tables(asOf: asOf, cityCodes: numbers.cityCodes)
    }

    /// The key of all draws of subscriber `index`.
    @inline(__always)
    func key(_ index: Int) -> UInt64 {
        SeededRandom.mix(salt &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15)
    }

    /// The line id of subscriber `index`; it grows with the index.
    public func line(_ index: Int) -> LineID {
        LineID(Self.lineBase + Int64(index) * Self.lineStride + Int64(key(index) & UInt64(Self.lineStride - 1)))
    }

    /// The subscriber with this line id; nil when this operator has no such line.
    public func index(of line: LineID) -> Int? {
        let offset = line.number - Self.lineBase
        guard offset >= 0 else { return nil }
        let index = Int(offset / Self.lineStride)
        return index < subscribers && self.line(index) == line ? index : nil
    }
}
