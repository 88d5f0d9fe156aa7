// Lift: how many more order because they were contacted, with an interval that says how sure that is.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Successes among a number of subscribers.
public struct Proportion: Hashable, Sendable, Codable {
    /// Subscribers who did it.
    public var successes: Int
    /// All subscribers.
    public var total: Int

    /// Joins both; successes are at most total.
    public init(_ successes: Int, of total: Int) {
        self.successes = successes
        self.total = total
    }

    /// The share, 0...1; 0 for nobody.
    public var share: Double { total == 0 ? 0 : Double(successes) / Double(total) }

    /// Wilson's score interval at a normal quantile.
    ///
    /// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    public func wilson(z: Double) -> (low: Double, high: Double) {
        guard total > 0 else { return (0, 1) }
        let n = Double(total)
        let center = share + z * z / (2 * n)
        let spread = z * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
        let scale = 1 + z * z / n
        return (max(0, (center - spread) / scale), min(1, (center + spread) / scale))
    }
}

/// The difference between the contacted arm and its control group, intention to treat.
public struct Lift: Hashable, Sendable, Codable {
    /// Normal quantile of a two-sided 95 % interval.
    public static let z95 = 1.959963984540054

    /// Everybody assigned to contact, undelivered included.
    public var contact: Proportion
    /// Everybody in the control group.
    public var control: Proportion

    /// Compares two arms.
    public init(contact: Proportion, control: Proportion) {
        self.contact = contact
        self.control = control
    }

    /// Difference of the shares, contact minus control; in percentage points when multiplied by 100.
    public var difference: Double { contact.share - control.share }

    /// The 95 % interval of the difference.
    ///
    /// Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of
    /// eleven methods", Statistics in Medicine 17, 1998, method 10 (hybrid score).
    public var interval: ClosedRange<Double> {
        guard contact.total > 0, control.total > 0 else { return -1...1 }
        let (a, b) = (contact.wilson(z: Self.z95), control.wilson(z: Self.z95))
        let down =
            ((contact.share - a.low) * (contact.share - a.low) + (b.high - control.share) * (b.high - control.share))
            .squareRoot()
        let up =
            ((a.high - contact.share) * (a.high - contact.share) + (control.share - b.low) * (control.share - b.low))
            .squareRoot()
        return (difference - down)...(difference + up)
    }

    /// Whether the interval leaves 0 out.
    public var isSignificant: Bool { !interval.contains(0) }

    /// The smallest true difference that arms of these sizes show with a power of 80 % at the 5 % level.
    ///
    /// Source: normal approximation, J. L. Fleiss, "Statistical methods for rates and proportions", chapter 4.
    public var smallestDetectable: Double {
        guard contact.total > 0, control.total > 0 else { return 1 }
        let base = min(max(control.share, 0.5 / Double(control.total)), 1)
        let variance = base * (1 - base) * (1 / Double(contact.total) + 1 / Double(control.total))
        return (Self.z95 + 0.8416212335729143) * variance.squareRoot()
    }

    /// Additional orders among those assigned to contact, with the interval.
    public var additional: (orders: Double, low: Double, high: Double) {
        let n = Double(contact.total)
        return (difference * n, interval.lowerBound * n, interval.upperBound * n)
    }
}
