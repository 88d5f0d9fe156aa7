// 客户接待: a customer who is here or calls, the offers of this visit, and what came of them (areas TCH, LNK).
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Execution
import Kernel
import Model
import Texts

/// A customer at the desk.
struct DeskVisit: Sendable {
    var index: UInt32
    /// The number in full: the reader typed it.
    var number: String
    var touchpoint: Touchpoint
    /// Names the interaction in addresses and requests.
    var id: String
    /// Nil when it is no longer kept.
    var visit: TouchpointVisit?
    /// Nil for who may not look customers up.
    var summary: DeskSummary?

    var path: String { "/desk/\(index)?at=\(touchpoint.code)&visit=\(Frame.encoded(value: id))" }
}

/// The page of clerks and agents.
struct DeskPage {
    /// Where a desk may be.
    static let places: [Touchpoint] = [.counter, .hotline]

    var touchpoint: Touchpoint = .counter
    var typed = ""
    var error: String?
    var visit: DeskVisit?
    /// The offer whose later day was wrong, and what is wrong.
    var wrongDay: (campaign: CampaignID, text: String)?

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .desk,
            title: f.t(.menuDesk),
            hint: f.t(.deskHint),
            actions: visit == nil ? .empty : linkButton(f.t(.deskNext), to: "/desk?at=\(touchpoint.code)", .desk),
            body: visit.map { served($0, f) } ?? "\(card(nil, begin(f)))\(card(nil, emptyState(f.t(.deskEmpty))))"
        )
    }

    private func begin(_ f: Frame) -> HTML {
        """
        <form method="post" action="/desk/find" class="rowform">\
        \(field(f.t(.deskPlace), id: "at", select("at", Self.places.map { ($0.code, f.place($0)) }, selected: touchpoint.code)))\
        \(field(f.t(.msisdn), id: "number", isRequired: true, help: f.t(.numberHelp), error: error, "<input id=\"number\" name=\"number\" type=\"tel\" inputmode=\"tel\" value=\"\(typed)\" required maxlength=\"30\" autocomplete=\"off\" autofocus placeholder=\"13800138000\" aria-describedby=\"number-help\">"))\
        <button class="button primary" type="submit">\(Icon.desk.markup)\(f.t(.deskBegin))</button></form>
        """
    }

    private func served(_ desk: DeskVisit, _ f: Frame) -> HTML {
        let title = f.t(.visitOf, desk.number, f.place(desk.touchpoint))
        guard let visit = desk.visit else {
            let again = actionButton(
                f.t(.deskAgain),
                to: "/desk/find",
                .desk,
                isPrimary: true,
                hidden: [("number", desk.number), ("at", desk.touchpoint.code)]
            )
            return card(title, emptyState(f.t(.visitGone), again))
        }
        return """
            <div class="columns wide-left">\(card(title, """
                \(when: visit.notBefore != nil, "<p class=\"help\">\(f.t(.visitQuiet, visit.notBefore.map { f.time($0) } ?? ""))</p>")\
                \(visit.offers.isEmpty ? emptyState(f.t(.noOffers), f.may(.explain) ? linkButton(f.t(.whyNoOffers), to: "/pool/\(desk.index)?at=\(desk.touchpoint.code)") : .empty) : offers(visit, desk, f))
                """))
            \(card(f.t(.historyTitle), history(visit, f)))</div>
            \(desk.summary.map { $0.view(desk, f) } ?? .empty)
            """
    }

    private func offers(_ visit: TouchpointVisit, _ desk: DeskVisit, _ f: Frame) -> HTML {
        """
        <h3 class="first">\(f.t(.offersFor, "\(visit.offers.count)"))</h3>
        <ol class="offers">\(each: visit.offers.enumerated(), { position, each in
            offer(each.offer, each.standing, rank: position + 1, of: visit.offers.count, desk, f)
        })</ol>
        <p class="help">\(f.t(.visitLapses, f.time(visit.lapses)))</p>
        """
    }

    private func offer(
        _ offer: PresentedOffer,
        _ standing: StandingOffer,
        rank: Int,
        of total: Int,
        _ desk: DeskVisit,
        _ f: Frame
    ) -> HTML {
        let segment = offer.segment.map { [f.t(.whySegment, $0)] } ?? []
        let facts =
            [offer.reason] + segment + [f.t(.whyPriority, "\(offer.priority)", "\(rank)", "\(total)"), f.t(.whyPassed)]
        let why = facts.joined(separator: f.language("；", "; ")) + f.language("。", ".")
        return """
            <li class="offer" id="offer-\(offer.campaign.number)"><h3>\(offer.name) \
            \(f.standing(standing.standing, until: standing.until, isReleased: standing.isReleased))</h3>
            <blockquote>\(offer.script)</blockquote>
            <p><b>\(f.t(.whyOffer))</b> \(why)\
            \(when: offer.product != nil, " <span class=\"muted\">\(f.t(.ruleProductText, offer.product ?? ""))</span>")</p>
            \(answers(offer, standing, desk, f))</li>

            """
    }

    /// The buttons that make sense: what was taken or refused is over.
    private func answers(_ offer: PresentedOffer, _ standing: StandingOffer, _ desk: DeskVisit, _ f: Frame) -> HTML {
        guard ![.accepted, .refused].contains(standing.standing) else { return .empty }
        let hidden: HTML = """
            <input type="hidden" name="campaign" value="\(offer.campaign.number)"><input type="hidden" name="visit" \
            value="\(desk.id)"><input type="hidden" name="at" value="\(desk.touchpoint.code)">
            """
        let action = "/desk/\(desk.index)/result"
        let isNew = [.open, .shown].contains(standing.standing)
        let id = "until-\(offer.campaign.number)"
        let tomorrow = f.now.day.adding(days: 1).iso
        let wrong = wrongDay.flatMap { $0.campaign == offer.campaign ? $0.text : nil }
        func button(_ result: ContactResult, _ text: ConsoleText, _ look: String = "") -> HTML {
            "<button class=\"button\(look)\" type=\"submit\" name=\"result\" value=\"\(result.code)\">\(f.t(text))</button>"
        }
        return """
            <div class="answers"><form method="post" action="\(action)" class="inline" role="group" \
            aria-label="\(f.t(.answersOf, offer.name))">\(hidden)\(button(.accepted, .answerAccept, " primary"))\
            \(when: isNew, button(.considering, .answerConsider))\(button(.refused, .answerRefuse))</form>\
            \(when: isNew, """
            <details class="later"\(attribute: "open", wrong == nil ? nil : "")><summary class="button">\(f.t(.answerLater))</summary>\
            <form method="post" action="\(action)">\(hidden)\
            \(field(f.t(.answerLaterDay), id: id, isRequired: true, error: wrong, "<input id=\"\(id)\" name=\"until\" type=\"date\" value=\"\(tomorrow)\" min=\"\(tomorrow)\" required>"))\
            \(button(.later, .answerLaterSave, " primary"))</form></details>
            """)</div>
            """
    }

    private func history(_ visit: TouchpointVisit, _ f: Frame) -> HTML {
        let list: HTML =
            visit.history.isEmpty
            ? "<p>\(f.t(.historyEmpty))</p>"
            : """
            <ul class="list history">\(each: visit.history, { each in
                "<li><span><b>\(f.language(each.touchpoint.name))</b> \(each.name)</span>\(f.standing(each.standing, until: each.until))<time datetime=\"\(each.day.iso)\">\(each.day.iso)</time></li>"
            })</ul>
            """
        return "\(list)<p class=\"help\">\(f.t(.historyNote))</p>"
    }
}

extension Frame {
    /// Where a desk is, in words.
    func place(_ touchpoint: Touchpoint) -> String {
        touchpoint == .hotline ? t(.deskHotline) : touchpoint == .counter ? t(.deskCounter) : language(touchpoint.name)
    }

    /// How far a contact came.
    func standing(_ standing: ContactStanding, until: LocalDay?, isReleased: Bool = false) -> HTML {
        switch standing {
        case .open: isReleased ? tag(t(.givenBack)) : tag(t(.standingOpen))
        case .shown: tag(t(.standingShown), .info)
        case .considering: tag(t(.standingConsidering), .warn)
        case .later: tag(until.map { t(.standingLaterDay, $0.iso) } ?? t(.answerLater), .warn)
        case .refused: tag(t(.standingRefused), .bad)
        case .accepted: tag(t(.standingAccepted), .good)
        }
    }
}
