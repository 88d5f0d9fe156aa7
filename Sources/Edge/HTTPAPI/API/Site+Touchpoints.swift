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

/// What a touchpoint asks for, as the body of `POST /api/v1/touchpoints/{touchpoint}/offers`.
struct OffersWanted: Decodable, Equatable {
    var number: String
    var interaction: String
    private var limit: Int?
    private var entrance: String?
    private var campaigns: [Int64]?
    private var history: Bool?

    /// Most offers, 1...8.
    func mostOffers() throws(EdgeError) -> Int {
        guard let limit else { return 3 }
        guard (1...8).contains(limit) else { throw .badRequest(field: "limit", why: "use 1 to 8") }
        return limit
    }

    /// Who asked: the customer, or something that happened to him.
    func cause() throws(EdgeError) -> Entrance {
        switch entrance {
        case nil, "inbound": .inbound
        case "event": .event
        default: throw .badRequest(field: "entrance", why: "use inbound or event, or leave it out")
        }
    }

    /// The only campaigns asked for; empty = all.
    var onlyCampaigns: [CampaignID] { (campaigns ?? []).map(CampaignID.init) }

    /// Whether contacts before are wanted too.
    var wantsHistory: Bool { history ?? false }

    /// Reads a body that holds a number and an interaction, both without anything escaped, as nearly all do.
    ///
    /// That takes a tenth of a decoder's time. Nil for every other body, right or wrong.
    init?(plain body: ByteBufferView) {
        guard body.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }) else { return nil }
        let parts = String(decoding: body, as: UTF8.self).utf8.split(
            separator: UInt8(ascii: "\""),
            omittingEmptySubsequences: false
        )
        // {"number":"…","interaction":"…"}: four texts with a mark before, between and behind them.
        guard parts.count == 9,
            zip([0, 2, 4, 6, 8], "{:,:}".utf8).allSatisfy({ place, mark in
                parts[place].lazy.filter { $0 != UInt8(ascii: " ") }.elementsEqual(CollectionOfOne(mark))
            })
        else { return nil }
        switch (String(parts[1]), String(parts[5])) {
        case ("number", "interaction"): (number, interaction) = (String(parts[3]) ?? "", String(parts[7]) ?? "")
        case ("interaction", "number"): (interaction, number) = (String(parts[3]) ?? "", String(parts[7]) ?? "")
        default: return nil
        }
    }
}

extension Site {
    /// The path of what offers are asked by; `{touchpoint}` stands for the touchpoint's code.
    static let offersPath = "\(api)/touchpoints/{touchpoint}/offers"

    private struct Result: Decodable {
        var number: String
        var interaction: String
        var result: String
        var campaign: Int64?
        var until: String?
    }

    func addTouchpointRoutes() {
        post(Self.offersPath, .serve) { [self] request, context in
            let staff = try context.user()
            let touchpoint = try Self.touchpoint(context)
            let wanted = try await request.json(OffersWanted.self, context)
            let answer = try await platform.touchpoints.offers(
                interaction: wanted.interaction,
                of: try await subscriber(wanted.number, for: staff),
                at: touchpoint,
                entrance: try wanted.cause(),
                limit: try wanted.mostOffers(),
                campaigns: wanted.onlyCampaigns,
                wantsHistory: wanted.wantsHistory,
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

    /// The answer as JSON.
    static func text(of answer: TouchpointAnswer, in interaction: String) -> ByteBuffer {
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
