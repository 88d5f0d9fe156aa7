// 客户接待.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Execution
import Foundation
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Texts

extension Console {
    func addDesk() {
        page("/desk", .serve) { frame, _, _ in
            DeskPage(touchpoint: Self.place(frame.parameter("at"))).page(frame)
        }
        form("/desk/find", .serve) { body, frame, context in
            var page = DeskPage(touchpoint: Self.place(body["at"]), typed: body["number"])
            do {
                let index = try await lookUp(body.trimmed("number"), context)
                let who = try context.user().login
                try await site.audit(
                    who,
                    "subscriber.serve",
                    "subscriber/\(index.number)",
                    detail: page.touchpoint.code
                )
                // Each visit is an interaction of its own; its address gives the same offers again.
                let visit = UUID().uuidString.lowercased()
                _ = try await platform.touchpoints.offers(
                    interaction: visit,
                    of: index,
                    at: page.touchpoint,
                    limit: 8,
                    now: frame.now
                )
                return .next("/desk/\(index.number)?at=\(page.touchpoint.code)&visit=\(visit)", nil)
            } catch let error as SpecialListError {
                page.error = frame.problem(error)
                return .page(page.page(frame), nil)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
            }
        }
        site.get("/desk/{subscriber}", .serve) { request, context in
            let frame = try await frame(request, context)
            let place = Self.place(frame.parameter("at"))
            guard let desk = try await desk(frame.parameter("visit"), at: place, context, frame) else {
                return redirect("/desk?at=\(place.code)")
            }
            return respond(frame.render(DeskPage(touchpoint: place, visit: desk).page(frame)))
        }
        form("/desk/{subscriber}/result", .serve) { body, frame, context in
            let place = Self.place(body["at"])
            guard let desk = try await desk(body["visit"], at: place, context, frame) else {
                return .next("/desk?at=\(place.code)", nil)
            }
            var page = DeskPage(touchpoint: place, visit: desk)
            var frame = frame
            frame.path = "/desk/\(desk.index)"
            frame.query = [.init("at", place.code), .init("visit", desk.id)]
            let campaign = CampaignID(Int64(body["campaign"]) ?? 0)
            guard let result = ContactResult(code: body["result"]), let done = Self.done(result) else {
                throw EdgeError.badRequest(field: "result", why: "use accepted, considering, refused or later")
            }
            let until = LocalDay(iso: body["until"])
            if result == .later, until.map({ $0 <= frame.now.day }) ?? true {
                page.wrongDay = (campaign, frame.t(.wrongLaterDay))
                return .page(page.page(frame), nil)
            }
            do {
                try await platform.touchpoints.respond(
                    interaction: desk.id,
                    of: SubscriberIndex(desk.index),
                    at: place,
                    result: result,
                    campaign: campaign,
                    until: result == .later ? until : nil,
                    now: frame.now
                )
                return .next(desk.path, done)
            } catch let error as TouchpointError {
                return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
            }
        }
    }

    private static func place(_ code: String) -> Touchpoint {
        DeskPage.places.first { $0.code == code } ?? DeskPage.places[0]
    }

    /// What a desk may record, and what is then said.
    private static func done(_ result: ContactResult) -> Done? {
        switch result {
        case .accepted: .offerAccepted
        case .refused: .offerRefused
        case .considering: .offerConsidered
        case .later: .offerLater
        default: nil
        }
    }

    /// The visit of a customer whom this session looked up; nil when it did not, or the address names no visit.
    private func desk(
        _ visit: String,
        at touchpoint: Touchpoint,
        _ context: EdgeContext,
        _ frame: Frame
    ) async throws -> DeskVisit? {
        guard let typed = context.parameters.get("subscriber").flatMap({ UInt32($0) }) else { return nil }
        try await site.requireKept(SubscriberIndex(typed))
        guard !visit.isEmpty,
            let number = lookUps.number(of: SubscriberIndex(typed), session: context.sessionToken)
        else { return nil }
        let index = SubscriberIndex(typed)
        var summary: DeskSummary?
        if frame.may(.explain) {
            let (identity, values) = try await platform.customers.profile(of: index)
            let clock = platform.clock
            let contacts = try await platform.customers.contacts(of: index) { clock.local($0) }
            summary = DeskSummary(name: identity.name, profile: values, contacts: contacts)
        }
        return DeskVisit(
            index: typed,
            number: number.national,
            touchpoint: touchpoint,
            id: visit,
            visit: try await platform.touchpoints.visit(
                interaction: String(visit.prefix(128)),
                of: index,
                at: touchpoint,
                now: frame.now
            ),
            summary: summary
        )
    }
}
