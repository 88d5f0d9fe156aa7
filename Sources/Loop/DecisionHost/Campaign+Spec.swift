// From the plan people made to the spec the decision core works with.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model

extension Campaign {
    /// The decision-relevant part of the plan.
    ///
    /// `unticker`: Who is recorded for the do-not-disturb classes that were unticked.
    public func spec(unticker: String) -> CampaignSpec {
        CampaignSpec(
            id: id,
            revision: revision,
            name: plan.name,
            category: plan.category,
            product: plan.product,
            conflictingProducts: plan.conflictingProducts,
            channel: plan.channel,
            validFrom: plan.planned.day,
            validTo: plan.validTo,
            unticked: plan.unticked.sorted().map { .init(dndClass: $0, by: unticker) },
            score: plan.score,
            limit: plan.limit,
            budgetMinor: plan.budgetMinor,
            costPerContactMinor: plan.costPerPartMinor * Int64(plan.messageSize.parts),
            controlPPM: plan.controlPPM,
            touchpoints: plan.touchpoints,
            priority: plan.priority,
            personalPriority: plan.personalPriority,
            valuePerOrderMinor: plan.valuePerOrderMinor
        )
    }
}
