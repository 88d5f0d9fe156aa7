// API: offers at touchpoints, and what came of them. Numbers travel in bodies only.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Execution
import Hummingbird
import Kernel
import Model
import NIOCore

extension Site {
    private struct OffersWanted: Decodable {
        var number: String
        var interaction: String
        var limit: Int?
        var entrance: String?
        var campaigns: [Int64]?
        var history: Bool?
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
            return Response.json(Self.text(of: answer, in: wanted.interaction))
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

    private static func text(of answer: TouchpointAnswer, in interaction: String) -> ByteBuffer {
        var text = JSONText()
        if let history = answer.history {
            text.field("history", history) { text, contact in
                text.field("campaign", contact.campaign.number)
                text.field("day", contact.day.iso)
                text.field("name", contact.name)
                text.field("result", contact.standing.rawValue)
                text.field("touchpoint", contact.touchpoint.code)
                text.field("until", contact.until?.iso)
            }
        }
        text.field("interaction", interaction)
        text.field("notBefore", answer.decision.notBefore?.isoOffset)
        text.field("offers", answer.offers) { text, offer in
            text.field("campaign", offer.campaign.number)
            text.field("name", offer.name)
            text.field("priority", offer.priority)
            text.field("product", offer.product)
            text.field("reason", offer.reason)
            text.field("script", offer.script)
        }
        return text.finished()
    }

    private static func touchpoint(_ context: EdgeContext) throws(EdgeError) -> Touchpoint {
        let code = context.parameters.get("touchpoint") ?? ""
        guard let touchpoint = Touchpoint(code: code) else { throw .notFound("touchpoint \(code.prefix(20))") }
        return touchpoint
    }
}
