// What is arbitrated: candidates of subscribers, contact limits, capacities, budgets and minimum volumes.
// SPDX-License-Identifier: Apache-2.0

import Crypto
public import Kernel

/// An offer that competes: one campaign through one channel, possibly on one day.
public struct ArbitrationOffer: Hashable, Sendable {
    /// The caller's number of the offer; unique in a problem.
    public var number: UInt32
    /// Its channel class: a position in ``ContactLimits/perClass``.
    public var channelClass: UInt8

    /// Joins number and class.
    public init(number: UInt32, channelClass: UInt8) {
        self.number = number
        self.channelClass = channelClass
    }
}

/// How many offers one subscriber may get.
public struct ContactLimits: Hashable, Sendable {
    /// In all; 1...255.
    public var perSubscriber: UInt8
    /// By channel class; at most 16 classes.
    public var perClass: [UInt8]

    /// Joins the limits.
    public init(perSubscriber: UInt8, perClass: [UInt8]) {
        self.perSubscriber = perSubscriber
        self.perClass = perClass
    }
}

/// A capacity, a budget or a minimum volume over some of the offers.
public struct ArbitrationConstraint: Hashable, Sendable {
    /// What is limited, and from which side.
    public enum Kind: UInt8, Sendable {
        /// At most `limit` contacts, for example of a channel on a day.
        case capacity = 1
        /// At most `limit` minor currency units, for example of a campaign.
        case budget = 2
        /// At least `limit` contacts, for example of a campaign.
        case minimum = 3
    }

    /// What one contact with an offer takes of the constraint.
    public struct Term: Hashable, Sendable {
        /// Position of the offer in the problem.
        public var offer: Int
        /// 1 for capacities and minimums; minor currency units for budgets, 1...2³¹ - 1.
        public var weight: Int64

        /// Joins offer and weight.
        public init(offer: Int, weight: Int64) {
            self.offer = offer
            self.weight = weight
        }
    }

    /// Name for people and reports; unique in a problem.
    public var name: String
    /// Capacity, budget or minimum.
    public var kind: Kind
    /// Contacts or minor currency units; 0...2⁶².
    public var limit: Int64
    /// The offers it is about, by position ascending.
    public var terms: [Term]

    /// Joins name, kind, limit and terms.
    public init(name: String, kind: Kind, limit: Int64, terms: [Term]) {
        self.name = name
        self.kind = kind
        self.limit = limit
        self.terms = terms
    }
}

/// Subscribers with candidate offers and what limits their assignment.
///
/// Candidates lie flat, by subscriber: one scan reads six bytes a candidate in order. Two million subscribers with twenty
/// candidates take 256 MB.
public struct ArbitrationProblem: Sendable {
    /// The offers; candidates and terms name them by position.
    public let offers: [ArbitrationOffer]
    /// Contacts a subscriber may get.
    public let limits: ContactLimits
    /// Capacities, budgets and minimums.
    public let constraints: [ArbitrationConstraint]
    /// Numbers of the subscribers (``SubscriberIndex``), strictly ascending.
    public let subscribers: [UInt32]
    /// Where each subscriber's candidates start, and the end of the last one's.
    public let starts: [UInt32]
    /// Offer positions of all candidates; strictly ascending for each subscriber.
    public let candidateOffers: [UInt16]
    /// Expected value of each candidate in micro-units; 0 or more.
    public let values: [Int32]
    /// Most candidates of one subscriber.
    let widest: Int

    static let classLimit = 16
    static let minimumsPerOffer = 64

    /// Joins and checks the parts; see the properties.
    ///
    /// - Throws: ``ArbitrationError/invalidProblem(_:)`` naming the first part that breaks what its property states.
    public init(
        offers: [ArbitrationOffer],
        limits: ContactLimits,
        constraints: [ArbitrationConstraint],
        subscribers: [UInt32],
        starts: [UInt32],
        candidateOffers: [UInt16],
        values: [Int32]
    ) throws(ArbitrationError) {
        self.offers = offers
        self.limits = limits
        self.constraints = constraints
        self.subscribers = subscribers
        self.starts = starts
        self.candidateOffers = candidateOffers
        self.values = values
        try Self.check(offers, limits)
        for constraint in constraints { try Self.check(constraint, offers: offers.count) }
        guard Set(constraints.map(\.name)).count == constraints.count else {
            throw .invalidProblem("two constraints have the same name")
        }
        var minimums = [Int](repeating: 0, count: offers.count)
        for term in constraints.lazy.filter({ $0.kind == .minimum }).flatMap(\.terms) { minimums[term.offer] += 1 }
        guard minimums.allSatisfy({ $0 <= Self.minimumsPerOffer }) else {
            throw .invalidProblem("an offer lies in more than \(Self.minimumsPerOffer) minimums")
        }
        widest = try Self.checkCandidates(offers.count, subscribers, starts, candidateOffers, values)
    }

    /// The same candidates under other constraints.
    ///
    /// - Parameter constraints: Constraints over the same offers.
    /// - Returns: The problem with these constraints.
    /// - Throws: ``ArbitrationError/invalidProblem(_:)`` for constraints that are not sound.
    public func with(constraints: [ArbitrationConstraint]) throws(ArbitrationError) -> ArbitrationProblem {
        try ArbitrationProblem(
            offers: offers,
            limits: limits,
            constraints: constraints,
            subscribers: subscribers,
            starts: starts,
            candidateOffers: candidateOffers,
            values: values
        )
    }

    /// A part of the subscribers with a share of all limits; the limits keep their sense, so parts are sound problems.
    ///
    /// - Parameters:
    ///   - rows: Positions of the subscribers, strictly ascending.
    ///   - limit: The limit of a constraint in the part.
    /// - Returns: The part as a problem of its own.
    public func part(rows: [Int], limit: (ArbitrationConstraint) -> Int64) -> ArbitrationProblem {
        var starts: [UInt32] = [0]
        starts.reserveCapacity(rows.count + 1)
        var part: (subscribers: [UInt32], offers: [UInt16], values: [Int32]) = ([], [], [])
        part.subscribers.reserveCapacity(rows.count)
        let candidates = rows.reduce(0) { $0 + Int(self.starts[$1 + 1] - self.starts[$1]) }
        part.offers.reserveCapacity(candidates)
        part.values.reserveCapacity(candidates)
        for row in rows {
            let range = Int(self.starts[row])..<Int(self.starts[row + 1])
            part.subscribers.append(subscribers[row])
            part.offers.append(contentsOf: candidateOffers[range])
            part.values.append(contentsOf: values[range])
            starts.append(UInt32(part.values.count))
        }
        let scaled = constraints.map {
            ArbitrationConstraint(name: $0.name, kind: $0.kind, limit: limit($0), terms: $0.terms)
        }
        return ArbitrationProblem(of: self, scaled, part.subscribers, starts, part.offers, part.values)
    }

    /// The value of a contact in ``counting(_:)``, micro-units.
    static let countedValue: Int32 = 1_000_000

    /// The problem whose value is the number of contacts that a minimum asks for; all other constraints stay.
    func counting(_ minimum: Int) -> ArbitrationProblem {
        var worth = [Int32](repeating: 0, count: offers.count)
        for term in constraints[minimum].terms { worth[term.offer] = Self.countedValue }
        var others = constraints
        others.remove(at: minimum)
        let values = candidateOffers.map { worth[Int($0)] }
        return ArbitrationProblem(of: self, others, subscribers, starts, candidateOffers, values)
    }

    /// The same problem with a little more value here and there: 0..<`width` micro-units, by a fixed hash of the candidate.
    func blurred(width: Int64) -> ArbitrationProblem {
        var blurred = values
        for place in blurred.indices {
            let more = Int64(SeededRandom.mix(UInt64(place)) % UInt64(width))
            blurred[place] = Int32(min(Int64(blurred[place]) + more, Int64(Int32.max)))
        }
        return ArbitrationProblem(of: self, constraints, subscribers, starts, candidateOffers, blurred)
    }

    private init(
        of whole: ArbitrationProblem,
        _ constraints: [ArbitrationConstraint],
        _ subscribers: [UInt32],
        _ starts: [UInt32],
        _ candidateOffers: [UInt16],
        _ values: [Int32]
    ) {
        offers = whole.offers
        limits = whole.limits
        widest = whole.widest
        self.constraints = constraints
        self.subscribers = subscribers
        self.starts = starts
        self.candidateOffers = candidateOffers
        self.values = values
    }

    /// SHA-256 over everything the solution depends on, numbers little-endian.
    public func digest() -> ContentHash {
        var head = ByteWriter()
        head.write(raw: "gyre arbitration problem 1\n".utf8)
        head.write(UInt32(offers.count))
        for offer in offers {
            head.write(offer.number)
            head.write(offer.channelClass)
        }
        head.write(limits.perSubscriber)
        head.write(counted: limits.perClass)
        head.write(UInt32(constraints.count))
        for constraint in constraints {
            head.write(text: constraint.name)
            head.write(constraint.kind.rawValue)
            head.write(constraint.limit)
            head.write(UInt32(constraint.terms.count))
            for term in constraint.terms {
                head.write(UInt32(term.offer))
                head.write(term.weight)
            }
        }
        head.write(UInt32(subscribers.count))
        head.write(UInt32(values.count))
        var hash = SHA256()
        hash.update(data: head.bytes)
        Self.update(&hash, subscribers)
        Self.update(&hash, starts)
        Self.update(&hash, candidateOffers)
        Self.update(&hash, values)
        return ContentHash(bytes: Array(hash.finalize())) ?? .zero
    }

    private static func update<T: FixedWidthInteger>(_ hash: inout SHA256, _ numbers: [T]) {
        let piece = 65_536
        for first in stride(from: 0, to: numbers.count, by: piece) {
            let part = numbers[first..<min(first + piece, numbers.count)].map(\.littleEndian)
            part.withUnsafeBytes { hash.update(bufferPointer: $0) }
        }
    }
}

// MARK: Checks

extension ArbitrationProblem {
    private static func check(_ offers: [ArbitrationOffer], _ limits: ContactLimits) throws(ArbitrationError) {
        guard (1...65_536).contains(offers.count) else {
            throw .invalidProblem("there are \(offers.count) offers; 1 to 65,536 are possible")
        }
        guard Set(offers.map(\.number)).count == offers.count else {
            throw .invalidProblem("two offers have the same number")
        }
        guard limits.perSubscriber > 0, (1...classLimit).contains(limits.perClass.count) else {
            throw .invalidProblem("a subscriber may get at least one offer, of 1 to \(classLimit) channel classes")
        }
        if let offer = offers.first(where: { Int($0.channelClass) >= limits.perClass.count }) {
            throw .invalidProblem("offer \(offer.number) is of class \(offer.channelClass), which has no limit")
        }
    }

    private static func check(_ constraint: ArbitrationConstraint, offers: Int) throws(ArbitrationError) {
        let heaviest = constraint.kind == .budget ? Int64(Int32.max) : 1
        guard (0...1 << 62).contains(constraint.limit) else {
            throw .invalidProblem("the limit of \(constraint.name) is \(constraint.limit)")
        }
        var last = -1
        for term in constraint.terms {
            guard term.offer > last, term.offer < offers else {
                throw .invalidProblem("\(constraint.name) does not name known offers in ascending order")
            }
            guard (1...heaviest).contains(term.weight) else {
                throw .invalidProblem("a weight of \(constraint.name) is \(term.weight), not 1 to \(heaviest)")
            }
            last = term.offer
        }
    }

    /// Checks the flat arrays in one scan.
    ///
    /// - Returns: Most candidates of one subscriber.
    private static func checkCandidates(
        _ offers: Int,
        _ subscribers: [UInt32],
        _ starts: [UInt32],
        _ candidateOffers: [UInt16],
        _ values: [Int32]
    ) throws(ArbitrationError) -> Int {
        guard starts.count == subscribers.count + 1, starts.first == 0, values.count < UInt32.max,
            subscribers.count <= Int32.max,
            starts.last.map(Int.init) == values.count, candidateOffers.count == values.count
        else { throw .invalidProblem("starts, offers and values of the candidates do not fit together") }
        var widest = 0
        for row in subscribers.indices {
            guard row == 0 || subscribers[row - 1] < subscribers[row] else {
                throw .invalidProblem("subscriber \(subscribers[row]) is not after the one before it")
            }
            guard starts[row] <= starts[row + 1], Int(starts[row + 1]) <= values.count else {
                throw .invalidProblem("the candidates of subscriber \(subscribers[row]) end before they start")
            }
            var last = -1
            for position in Int(starts[row])..<Int(starts[row + 1]) {
                let offer = Int(candidateOffers[position])
                guard offer > last, offer < offers, values[position] >= 0 else {
                    throw .invalidProblem(
                        "candidate \(position - Int(starts[row])) of subscriber \(subscribers[row]) has offer \(offer) "
                            + "and value \(values[position])"
                    )
                }
                last = offer
            }
            widest = max(widest, Int(starts[row + 1] - starts[row]))
        }
        return widest
    }
}
