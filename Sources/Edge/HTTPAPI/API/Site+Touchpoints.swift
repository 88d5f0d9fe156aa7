// API: offers at touchpoints, and what came of them. Numbers travel in bodies only.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Execution
import Hummingbird
import Kernel
import Model

extension Site {
    private struct OffersWanted: Decodable {
        var number: String
        var interaction: String
        var limit: Int?
        var entrance: String?
        var campaigns: [Int64]?
        var history: Bool?
    }

    private struct Offers: Encodable {
        struct Offer: Encodable {
            var campaign: Int64
            var name: String
            var product: String?
            var script: String
            var reason: String
            var priority: Int
        }

        struct Contact: Encodable {
            var campaign: Int64
            var name: String
            var touchpoint: String
            var day: String
            var result: String
            var until: String?
        }

        var interaction: String
        var offers: [Offer]
        var notBefore: String?
        var history: [Contact]?
    }

    private struct Result: Decodable {
        var number: String
        var interaction: String
        var result: String
        var campaign: Int64?
        var until: String?
    }

    func addTouchpointRoutes() {
        post("\(Self.api)/touchpoints/{touchpoint}/offers", .serve) { [self] request, context in
            let staff = try context.user()
            let touchpoint = try Self.touchpoint(context)
            let wanted = try await request.json(OffersWanted.self, context)
            guard (1...8).contains(wanted.limit ?? 3) else {
                throw EdgeError.badRequest(field: "limit", why: "use 1 to 8")
            }
            guard [nil, "inbound", "event"].contains(wanted.entrance) else {
                throw EdgeError.badRequest(field: "entrance", why: "use inbound or event, or leave it out")
            }
            let answer = try await platform.touchpoints.offers(
                interaction: wanted.interaction,
                of: try await subscriber(wanted.number, for: staff),
                at: touchpoint,
                entrance: wanted.entrance == "event" ? .event : .inbound,
                limit: wanted.limit ?? 3,
                campaigns: (wanted.campaigns ?? []).map(CampaignID.init),
                wantsHistory: wanted.history ?? false,
                now: platform.clock.now
            )
            return try Response.json(
                Offers(
                    interaction: wanted.interaction,
                    offers: answer.offers.map {
                        Offers.Offer(
                            campaign: $0.campaign.number,
                            name: $0.name,
                            product: $0.product,
                            script: $0.script,
                            reason: $0.reason,
                            priority: $0.priority
                        )
                    },
                    notBefore: answer.decision.notBefore?.isoOffset,
                    history: answer.history?.map {
                        Offers.Contact(
                            campaign: $0.campaign.number,
                            name: $0.name,
                            touchpoint: $0.touchpoint.code,
                            day: $0.day.iso,
                            result: $0.standing.rawValue,
                            until: $0.until?.iso
                        )
                    }
                )
            )
        }
        post("\(Self.api)/touchpoints/{touchpoint}/results", .serve) { [self] request, context in
            let staff = try context.user()
            let touchpoint = try Self.touchpoint(context)
            let said = try await request.json(Result.self, context)
            guard let result = ContactResult(code: said.result) else {
                let known = ContactResult.allCases.map(\.code).joined(separator: ", ")
                throw EdgeError.badRequest(field: "result", why: "use one of \(known)")
            }
            let until = said.until.flatMap { LocalDay(iso: $0) }
            if said.until != nil, until == nil {
                throw EdgeError.badRequest(field: "until", why: "write a day as 2026-01-31")
            }
            try await platform.touchpoints.respond(
                interaction: said.interaction,
                of: try await subscriber(said.number, for: staff),
                at: touchpoint,
                result: result,
                campaign: said.campaign.map(CampaignID.init),
                until: until,
                now: platform.clock.now
            )
            return Response.done
        }
    }

    private static func touchpoint(_ context: EdgeContext) throws(EdgeError) -> Touchpoint {
        let code = context.parameters.get("touchpoint") ?? ""
        guard let touchpoint = Touchpoint(code: code) else { throw .notFound("touchpoint \(code.prefix(20))") }
        return touchpoint
    }
}
