// What a decision can come to, in the order in which the checks are made (DESIGN section 4, "Order of checks").
// SPDX-License-Identifier: Apache-2.0

/// The outcome of one decision: `contact`, `control`, or the first check that failed.
///
/// Raw values are written to the decision log: a value that shipped is never reused and never changes meaning.
public enum Outcome: UInt8, Sendable, CaseIterable {
    /// Who somebody was is destroyed; nothing else is asked.
    case erased = 42
    case campaignNotLive = 1
    case channelNotConfirmed = 2
    case notInSegment = 3
    case holdout = 4
    case productOwned = 5
    case productConflict = 6
    /// What happened on another channel cancelled the offer here (LNK-09), or the customer asked for a later day.
    case withdrawn = 38
    case dnd01 = 7
    case dnd02 = 8
    case dnd03 = 9
    case dnd04 = 10
    case dnd05 = 11
    case dnd06 = 12
    case dnd07 = 13
    case dnd08 = 14
    case dnd09 = 15
    case dnd10 = 16
    case dnd11 = 17
    case dnd12 = 18
    case dnd13 = 19
    case dnd14 = 20
    case dnd15 = 21
    case listBlack = 22
    case listGrey = 23
    /// A rule of the policy keeps campaigns of this category away (SEG-29, SEG-30).
    case categoryRule = 39
    case interval = 24
    case similarCampaign = 25
    case capSMS = 26
    case capOutbound = 27
    case capInbound = 28
    case capWebsite = 29
    case capOverall = 30
    case noScore = 31
    case outranked = 32
    case capacity = 33
    case budget = 34
    case quietHours = 35
    /// Passed every check when selected, but another entrance took the last free contact before the reservation.
    case takenMeanwhile = 36
    /// At hand-off the line had no number, or the number had another owner.
    case noAddress = 37
    case control = 40
    case contact = 41

    /// Stable reason code for API, reports and evidence.
    public var code: String {
        switch self {
        case .erased: "erased"
        case .campaignNotLive: "campaign_not_live"
        case .channelNotConfirmed: "channel_not_confirmed"
        case .notInSegment: "not_in_segment"
        case .holdout: "holdout"
        case .productOwned: "product_owned"
        case .productConflict: "product_conflict"
        case .withdrawn: "withdrawn"
        case .categoryRule: "category_rule"
        case .listBlack: "list_black"
        case .listGrey: "list_grey"
        case .interval: "interval"
        case .similarCampaign: "similar_campaign"
        case .capSMS: "cap_sms"
        case .capOutbound: "cap_outbound"
        case .capInbound: "cap_inbound"
        case .capWebsite: "cap_website"
        case .capOverall: "cap_overall"
        case .noScore: "no_score"
        case .outranked: "outranked"
        case .capacity: "capacity"
        case .budget: "budget"
        case .quietHours: "quiet_hours"
        case .takenMeanwhile: "taken_meanwhile"
        case .noAddress: "no_address"
        case .control: "control"
        case .contact: "contact"
        default: dndClass.map { $0 < 10 ? "dnd_0\($0)" : "dnd_\($0)" } ?? "unknown"
        }
    }

    /// The outcome with this reason code.
    public init?(code: String) {
        guard let match = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = match
    }

    /// The do-not-disturb class (1...15) of a `dnd_nn` outcome.
    public var dndClass: Int? {
        (Self.dnd01.rawValue...Self.dnd15.rawValue).contains(rawValue)
            ? Int(rawValue - Self.dnd01.rawValue) + 1 : nil
    }

    /// The outcome of do-not-disturb class 1...15.
    public static func dnd(class number: Int) -> Outcome {
        precondition((1...15).contains(number), "do-not-disturb classes are 1...15, not \(number)")
        return Outcome(rawValue: dnd01.rawValue + UInt8(number) - 1) ?? .dnd01
    }

    /// The outcome of the cap of a channel class.
    public static func cap(_ channel: ChannelClass) -> Outcome {
        switch channel {
        case .sms: .capSMS
        case .outbound: .capOutbound
        case .inbound: .capInbound
        case .website: .capWebsite
        }
    }
}
