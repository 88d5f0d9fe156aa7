// Evaluation of a wave from what was logged: reach, losses, response, lift, cost and benefit (EVL).
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
import Kernel
public import Model

/// What a wave came to.
public struct WaveEvaluation: Hashable, Sendable {
    /// Campaign and occurrence.
    public var wave: WaveID
    /// Name of the campaign.
    public var name: String
    /// Members of the audience.
    public var target: Int
    /// Members per outcome, in the order of checks.
    public var outcomes: [OutcomeTotal]
    /// Reserved contacts.
    public var contacts: Int
    /// Left for the channel.
    public var sent: Int
    /// Delivered.
    public var delivered: Int
    /// Given back: failed, refused, dropped or never sent.
    public var released: Int
    /// Neither settled nor released yet.
    public var open: Int
    /// Replies that were no unsubscription.
    public var replies: Int
    /// Unsubscriptions.
    public var unsubscriptions: Int
    /// Orders of both arms.
    public var lift: Lift
    /// Cost of all messages that left, in minor units.
    public var costMinor: Int64
    /// Value of one order in minor units.
    public var valuePerOrderMinor: Int64

    /// Reads the evaluation of a wave.
    ///
    /// `valuePerOrderMinor`: What an order is worth, from the plan.
    public init(_ state: WaveState, valuePerOrderMinor: Int64) {
        wave = state.wave
        name = state.spec.name
        outcomes = state.totals
        target = Int(state.totals.reduce(0) { $0 + $1.count })
        contacts = state.sum(\.contact)
        sent = state.sum(\.handedOff)
        delivered = state.sum(\.delivered)
        released = state.sum(\.released)
        open = state.sum(\.open)
        replies = state.sum(\.replied)
        unsubscriptions = state.sum(\.unsubscribed)
        let ordered = { (arm: KeyPath<WaveBlockState, BlockSet>) in
            state.blocks.values.reduce(0) { $0 + $1.ordered.intersection($1[keyPath: arm]).count }
        }
        lift = Lift(
            contact: Proportion(ordered(\.contact), of: contacts),
            control: Proportion(ordered(\.control), of: state.sum(\.control))
        )
        costMinor = Int64(sent) * state.spec.costPerContactMinor
        self.valuePerOrderMinor = valuePerOrderMinor
    }

    /// Members whom nothing bars from contact: contacted, control, and those only the limit, capacity or budget left out.
    public var reachable: Int {
        contacts + lift.control.total + count(.outranked) + count(.capacity) + count(.budget)
    }

    /// Members with an outcome.
    public func count(_ outcome: Outcome) -> Int {
        Int(outcomes.first { $0.outcome == outcome }?.count ?? 0)
    }

    /// Members removed because they must not be disturbed: classes, black and grey list.
    public var blockedByLists: Int {
        outcomes.reduce(0) {
            $0 + ($1.outcome.dndClass != nil || $1.outcome == .listBlack || $1.outcome == .listGrey ? Int($1.count) : 0)
        }
    }

    /// Members removed because of caps, intervals and similar campaigns.
    public var blockedByFrequency: Int {
        let codes: [Outcome] = [
            .capSMS, .capOutbound, .capInbound, .capWebsite, .capOverall, .interval, .similarCampaign,
        ]
        return codes.reduce(0) { $0 + count($1) }
    }

    /// Cost of one additional order in minor units; nil when there was none.
    public var costPerAdditionalOrderMinor: Int64? {
        let orders = lift.additional.orders
        return orders > 0 ? Int64((Double(costMinor) / orders).rounded()) : nil
    }

    /// Value of the additional orders less the cost, in minor units.
    public var netBenefitMinor: Int64 {
        Int64((lift.additional.orders * Double(valuePerOrderMinor)).rounded()) - costMinor
    }
}
