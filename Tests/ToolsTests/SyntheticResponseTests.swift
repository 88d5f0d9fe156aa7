// The simulator's response model: draws agree with the stated truth, and arms are comparable.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Synthetic
import Testing

@Suite struct SyntheticResponseTests {
    private let telco = TelcoChurnCustomer(
        contract: "Month-to-month",
        tenureMonths: 12,
        monthlyChargesCents: 8_550,
        internetService: "Fiber optic",
        hasTechSupport: false,
        isPaperless: true,
        isSenior: false
    )

    @Test(arguments: OfferCategory.allCases)
    func `the true effect is the mean of the draws`(category: OfferCategory) throws {
        let world = try Example.world(2_000)
        var (extra, delivered, unsubscribed, base) = (0, 0, 0, 0)
        let traits = (0..<2_000).map { world.responseTraits($0, category: category) }
        for campaign in 1...20 {
            let model = ResponseModel(seed: 9, campaign: CampaignID(Int64(campaign)))
            for (index, trait) in traits.enumerated() {
                let response = model.response(of: world.line(index), traits: trait)
                extra += (response.ordersWithContact ? 1 : 0) - (response.ordersWithoutContact ? 1 : 0)
                delivered += response.isDelivered ? 1 : 0
                unsubscribed += response.reply == .unsubscribe ? 1 : 0
                base += response.ordersWithoutContact ? 1 : 0
            }
        }
        let truth = try #require(ResponseModel.trueEffectPPM(over: traits))
        #expect(truth > 1_000, "a contact has an effect")
        // Four standard errors of a difference that is 1, 0 or -1.
        let error = 4 * (Double(truth) / 1_000_000 / 40_000).squareRoot() * 1_000_000
        #expect(abs(Double(extra) * 25 - Double(truth)) < error + 100)
        let expectedBase = traits.reduce(0) { $0 + $1.baseOrderPPM } / 2_000
        let baseError = 4 * (Double(expectedBase) / 1_000_000 / 40_000).squareRoot() * 1_000_000
        #expect(abs(Double(base) * 25 - Double(expectedBase)) < baseError + 100)
        #expect((37_600...39_400).contains(delivered))
        #expect((40...240).contains(unsubscribed))
    }

    @Test func `whoever orders without a contact also orders with one, when contacts help`() throws {
        let model = ResponseModel(seed: 1, campaign: CampaignID(1))
        let responses = (1...5_000).map { model.response(of: LineID($0), traits: telco.retentionTraits) }
        #expect(responses.allSatisfy { !$0.ordersWithoutContact || $0.ordersWithContact })
        let undelivered = responses.filter { !$0.isDelivered }
        #expect(!undelivered.isEmpty)
        #expect(undelivered.allSatisfy { $0.ordersWithContact == $0.ordersWithoutContact && $0.reply == nil })
        #expect(responses.allSatisfy { (2...21_601).contains($0.receiptSeconds) })
        #expect(responses.allSatisfy { (15...86_400).contains($0.replySeconds) })
        #expect(responses.allSatisfy { (60...864_000).contains($0.orderSeconds) })
    }

    @Test func `the same seed, campaign and line react the same way, others independently`() throws {
        let traits = ResponseTraits(
            failurePPM: 500_000,
            baseOrderPPM: 500_000,
            upliftPPM: 0,
            unsubscribePPM: 0,
            otherReplyPPM: 0
        )
        let lines = (1...4_000).map { LineID($0) }
        func orders(_ seed: UInt64, _ campaign: Int64) -> [Int64] {
            let model = ResponseModel(seed: seed, campaign: CampaignID(campaign))
            return lines.map { model.response(of: $0, traits: traits).ordersWithoutContact ? 1 : 0 }
        }
        #expect(orders(1, 1) == orders(1, 1))
        #expect(abs(correlation(orders(1, 1), orders(1, 2))) < 0.07)
        #expect(abs(correlation(orders(1, 1), orders(2, 1))) < 0.07)
        let model = ResponseModel(seed: 1, campaign: CampaignID(1))
        let delivered = lines.map { model.response(of: $0, traits: traits).isDelivered ? Int64(1) : 0 }
        #expect(abs(correlation(orders(1, 1), delivered)) < 0.07)
    }

    @Test func `probabilities are held inside their bounds`() {
        let traits = ResponseTraits(
            failurePPM: -5,
            baseOrderPPM: 900_000,
            upliftPPM: 300_000,
            unsubscribePPM: 700_000,
            otherReplyPPM: 700_000
        )
        #expect(traits.failurePPM == 0)
        #expect(traits.upliftPPM == 100_000)
        #expect(traits.otherReplyPPM == 300_000)
        #expect(ResponseModel.trueEffectPPM(over: [traits]) == 100_000)
        #expect(ResponseModel.trueEffectPPM(over: []) == nil)
    }

    @Test func `the real table's target group gains more from the offer than customers under contract`() {
        let free = telco.retentionTraits
        var bound = telco
        bound.contract = "Two year"
        #expect(free.upliftPPM > 40_000)
        #expect(free.upliftPPM > 5 * bound.retentionTraits.upliftPPM)
        #expect(free.baseOrderPPM > bound.retentionTraits.baseOrderPPM)
    }
}
