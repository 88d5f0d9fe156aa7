// How customers of the real table Examples/telco-churn react to a retention offer; the column `churn` is not used.
// SPDX-License-Identifier: Apache-2.0

/// Attributes of a customer of the real table that the simulated reaction depends on.
public struct TelcoChurnCustomer: Hashable, Sendable {
    /// `Month-to-month`, `One year` or `Two year`.
    public var contract: String
    /// Months with the operator.
    public var tenureMonths: Int
    /// Monthly charges in cents.
    public var monthlyChargesCents: Int
    /// `DSL`, `Fiber optic` or `No`.
    public var internetService: String
    /// Whether the customer has technical support.
    public var hasTechSupport: Bool
    /// Whether the bill comes without paper.
    public var isPaperless: Bool
    /// Whether the customer is 65 or older.
    public var isSenior: Bool

    /// Joins the attributes.
    public init(
        contract: String,
        tenureMonths: Int,
        monthlyChargesCents: Int,
        internetService: String,
        hasTechSupport: Bool,
        isPaperless: Bool,
        isSenior: Bool
    ) {
        self.contract = contract
        self.tenureMonths = tenureMonths
        self.monthlyChargesCents = monthlyChargesCents
        self.internetService = internetService
        self.hasTechSupport = hasTechSupport
        self.isPaperless = isPaperless
        self.isSenior = isSenior
    }

    /// The reaction to an offer of a one-year contract at a discount.
    ///
    /// Invented, not estimated: the table holds no campaign. Customers without a contract and with high charges gain
    /// most from the offer; long-standing ones take it more readily; fibre customers without support hesitate.
    public var retentionTraits: ResponseTraits {
        let isFree = contract == "Month-to-month"
        let tenure = [6, 24, 48].count { tenureMonths >= $0 }
        let charges = [4_000, 7_000, 9_000].count { monthlyChargesCents >= $0 }
        let base = [22_000, 31_000, 40_000, 46_000][tenure] + [0, 3_000, 6_000, 8_000][charges]
        let uplift = [34_000, 46_000, 58_000, 52_000][tenure] + [0, 8_000, 18_000, 26_000][charges]
        let doubt = internetService == "Fiber optic" && !hasTechSupport ? 9_000 : 0
        return ResponseTraits(
            failurePPM: 25_000 + (isSenior ? 20_000 : 0) + (isPaperless ? 0 : 10_000),
            baseOrderPPM: isFree ? base : base / 4,
            upliftPPM: isFree ? uplift - doubt : uplift / 6,
            unsubscribePPM: 4_000 + (tenure == 0 ? 4_000 : 0),
            otherReplyPPM: 15_000 + (isPaperless ? 8_000 : 0)
        )
    }
}
