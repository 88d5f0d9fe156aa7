// A solved arbitration: who gets which offer, what it is worth, what was proven, what each constraint costs.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// What a constraint takes and what it costs.
public struct ConstraintReport: Hashable, Sendable {
    /// Name of the constraint.
    public var name: String
    /// Capacity, budget or minimum.
    public var kind: ArbitrationConstraint.Kind
    /// Contacts or minor currency units.
    public var limit: Int64
    /// What the assignment uses of it.
    public var used: Int64
    /// The shadow price in 1/65,536 micro-units, 0 or more; solving again starts from it.
    public var dual: Int64

    /// Joins the figures.
    public init(name: String, kind: ArbitrationConstraint.Kind, limit: Int64, used: Int64, dual: Int64) {
        self.name = name
        self.kind = kind
        self.limit = limit
        self.used = used
        self.dual = dual
    }

    /// Micro-units of value per contact or minor currency unit.
    ///
    /// It estimates what one more unit of a capacity or budget (one contact less of a minimum) would bring; the more units,
    /// the less each brings.
    public var shadowPrice: Int64 { dual >> PriceTable.fraction }
}

/// The subscribers that get one offer.
public struct OfferAssignment: Hashable, Sendable {
    /// Number of the offer.
    public var offer: UInt32
    /// Numbers of its subscribers, strictly ascending.
    public var subscribers: [UInt32]

    /// Joins offer and subscribers.
    public init(offer: UInt32, subscribers: [UInt32]) {
        self.offer = offer
        self.subscribers = subscribers
    }
}

/// A solved arbitration.
///
/// As bytes it is an input file of the waves: a proposal that the waves check again.
public struct ArbitrationSolution: Hashable, Sendable {
    /// Digest of the problem it solves (``ArbitrationProblem/digest()``).
    public var problem: ContentHash
    /// Contacts a subscriber may get.
    public var limits: ContactLimits
    /// The constraints in the problem's order, with use and dual.
    public var constraints: [ConstraintReport]
    /// The assignment, by offer in the problem's order.
    public var assignments: [OfferAssignment]
    /// Expected value of the assignment, micro-units.
    public var value: Int64
    /// Proven upper bound of the value of any assignment, micro-units: the dual value at the duals above.
    public var bound: Int64
    /// Expected value of the greedy assignment; nil when greedy misses a minimum.
    public var greedyValue: Int64?

    /// Joins the parts; see the properties.
    public init(
        problem: ContentHash,
        limits: ContactLimits,
        constraints: [ConstraintReport],
        assignments: [OfferAssignment],
        value: Int64,
        bound: Int64,
        greedyValue: Int64?
    ) {
        self.problem = problem
        self.limits = limits
        self.constraints = constraints
        self.assignments = assignments
        self.value = value
        self.bound = bound
        self.greedyValue = greedyValue
    }

    /// What the value may be short of the best possible, in millionths of the bound, rounded up.
    public var gapPPM: Int64 {
        guard bound > value else { return 0 }
        return Int64((Int128(bound - value) * 1_000_000 + Int128(bound) - 1) / Int128(bound))
    }

    /// Duals by constraint, to start the next solution from.
    public var duals: [Int64] { constraints.map(\.dual) }

    /// Reads the assignment off a draft that meets all constraints.
    init(_ draft: Draft, at point: DualPoint, greedyValue: Int64?) {
        let problem = draft.problem
        self.init(
            problem: problem.digest(),
            limits: problem.limits,
            constraints: problem.constraints.indices.map {
                let constraint = problem.constraints[$0]
                return ConstraintReport(
                    name: constraint.name,
                    kind: constraint.kind,
                    limit: constraint.limit,
                    used: draft.used[$0],
                    dual: point.duals[$0]
                )
            },
            assignments: problem.assignments(where: draft.isAssigned),
            value: draft.value,
            bound: Int64(clamping: point.bound),
            greedyValue: greedyValue
        )
    }
}
