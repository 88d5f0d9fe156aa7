// Why an arbitration has no answer.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// A minimum volume that was not reached, and why.
public struct MinimumGap: Hashable, Sendable, CustomStringConvertible {
    /// What stands in the way.
    public enum Reason: Hashable, Sendable {
        /// Fewer contacts are possible with the candidates, whatever the other constraints; proven.
        case candidates
        /// The named capacities or budgets allow fewer contacts, even if they served nothing else; proven.
        case limits([String])
        /// The named capacity or budget serves several minimums and does not hold their sum; proven.
        case shared(String)
        /// All constraints together, the other minimums among them, allow fewer contacts; proven by the bound of the
        /// problem that asks for the most of them.
        case together
        /// The search did not meet it; whether it can be met is not known.
        case notReached
    }

    /// Name of the minimum constraint.
    public var constraint: String
    /// Contacts asked for.
    public var wanted: Int64
    /// Contacts that are possible at most; contacts reached when ``reason`` is `notReached`.
    public var possible: Int64
    /// What stands in the way.
    public var reason: Reason

    /// Joins the parts.
    public init(constraint: String, wanted: Int64, possible: Int64, reason: Reason) {
        self.constraint = constraint
        self.wanted = wanted
        self.possible = possible
        self.reason = reason
    }

    /// One clause for people.
    public var description: String {
        switch reason {
        case .candidates: "\(constraint) wants \(wanted) contacts but its candidates allow \(possible)"
        case .limits(let names):
            "\(constraint) wants \(wanted) contacts but \(names.joined(separator: " + ")) allows \(possible)"
        case .shared(let name):
            "\(constraint) wants \(wanted) contacts but beside the other minimums \(name) leaves \(possible)"
        case .together:
            "\(constraint) wants \(wanted) contacts but capacities, budgets and the other minimums together allow "
                + "\(possible)"
        case .notReached: "\(constraint) wants \(wanted) contacts and the search reached \(possible)"
        }
    }
}

/// Why an arbitration has no answer.
public enum ArbitrationError: CodedError, Equatable {
    /// The problem contradicts itself; the text names the place.
    case invalidProblem(String)
    /// Minimum volumes that cannot be met, or were not; each is named.
    case minimums([MinimumGap])
    /// Duals to start from that do not belong to the problem's constraints.
    case badDuals(String)
    /// Bytes that are no solution file, or a damaged one.
    case badSolution(String)

    public var code: String {
        switch self {
        case .invalidProblem: "arbitration.invalid_problem"
        case .minimums: "arbitration.minimums"
        case .badDuals: "arbitration.bad_duals"
        case .badSolution: "arbitration.bad_solution"
        }
    }

    public var description: String {
        switch self {
        case .invalidProblem(let why): "the arbitration problem is not valid: \(why)"
        case .minimums(let gaps):
            "minimum volumes are not met: \(gaps.map(\.description).joined(separator: "; ")); "
                + "lower them or raise what limits them"
        case .badDuals(let why): "these duals cannot start this problem: \(why); solve without previous duals"
        case .badSolution(let why): "this is not a sound arbitration solution: \(why); restore it or solve again"
        }
    }
}
