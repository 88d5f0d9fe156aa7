// 接触原因查询: a number, and one plain sentence for every contact and refusal of the last 90 days.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Kernel
import Model
import Ports
import Texts

/// A contact or refusal of a subscriber.
struct ContactRecord: Sendable {
    enum Source: Sendable {
        /// A decision of Gyre, with the names its evidence needs.
        case decision(Explanation, SentenceNames)
        /// A touch that was loaded: channel, kind (care, enquiry, marketing …), category, outcome.
        case loaded(channel: String, kind: String, category: String, outcome: String)
    }

    var at: LocalTime
    var source: Source

    /// How it ended, in a word or two.
    func result(_ f: Frame) -> (text: String, tone: Tone) {
        switch source {
        case .decision(let explanation, _):
            let isWithdrawn = explanation.aftermath.contains { $0.key == "released" || $0.key == "dropped" }
            switch explanation.outcome {
            case .contact:
                if isWithdrawn { return (f.t(.givenBack), .neutral) }
                return (f.t(explanation.isRehearsed ? .passed : .contacted), .good)
            case .control: return (f.language(Outcome.control.name), .info)
            default: return (f.language(explanation.outcome.name), .warn)
            }
        case .loaded: return (f.t(.contacted), .good)
        }
    }

    var isContact: Bool {
        guard case .decision(let explanation, _) = source else { return true }
        return explanation.outcome == .contact
    }

    /// Whether a campaign just had another segment.
    var isUntargeted: Bool {
        if case .decision(let explanation, _) = source { explanation.outcome == .notInSegment } else { false }
    }

    func channel(_ f: Frame) -> String {
        switch source {
        case .decision(_, let names): f.language(names.channel.name)
        case .loaded(let channel, _, _, _): ChannelClass(code: channel).map { f.language($0.name) } ?? channel
        }
    }

    func sentence(_ f: Frame) -> String {
        switch source {
        case .decision(let explanation, let names): explanation.sentence(f.language, names)
        case .loaded(_, let kind, let category, let outcome):
            f.t(
                .loadedSentence,
                f.language.day(at.day),
                channel(f),
                f.touchKind(kind),
                f.category(category),
                f.touchOutcome(outcome)
            )
        }
    }
}

/// The answer for one subscriber.
struct ExplainedSubscriber {
    var index: UInt32
    /// The number in full: the reader typed it.
    var number: String
    var records: [ContactRecord]
    /// Lists the subscriber is on.
    var lists: [ListID]
    /// First day shown.
    var since: LocalDay
}

/// The page that answers why.
struct ExplainPage {
    /// Which records are shown.
    enum Filter: String, CaseIterable, Sendable {
        /// Campaigns whose segment the subscriber is not in are no refusals; they stand apart.
        case all, contacts, refusals, untargeted
    }

    var answer: ExplainedSubscriber?
    var filter: Filter = .all
    var typed = ""
    var error: String?
    var policy: ContactPolicy?

    static func columns(_ f: Frame) -> [Column<ContactRecord>] { columns(f, of: nil) }

    /// `subscriber`: Links the requests of this subscriber to all their candidates.
    static func columns(_ f: Frame, of subscriber: UInt32?) -> [Column<ContactRecord>] {
        [
            Column(f.t(.time), key: "at", rank: { $0.at.instant.epochMs }, plain: { f.time($0.at) }),
            Column(f.t(.channel), key: "channel", plain: { $0.channel(f) }),
            Column(
                f.t(.result),
                key: "result",
                plain: { $0.result(f).text },
                cell: {
                    let result = $0.result(f)
                    return tag(result.text, result.tone)
                }
            ),
            Column(
                f.t(.explanation),
                plain: { $0.sentence(f) },
                cell: { record in
                    guard case .decision(let explanation, let names) = record.source else {
                        return "<p class=\"sentence\">\(record.sentence(f))</p>"
                    }
                    let request = subscriber.flatMap { index in
                        explanation.request.map { "/explain/\(index)/requests/\($0.request)" }
                    }
                    return """
                        <p class="sentence">\(record.sentence(f))</p>\
                        \(explanation.counterfactual.map { counterfactual($0, names, f) })\
                        \(when: !explanation.checks.isEmpty, checks(explanation, names, f))\
                        \(request.map { "<p><a href=\"\($0)\">\(f.t(.allCandidates))</a></p>" })
                        """
                }
            ),
        ]
    }

    /// Records of a filter.
    static func filtered(_ records: [ContactRecord], _ filter: Filter) -> [ContactRecord] {
        switch filter {
        case .all: records
        case .contacts: records.filter(\.isContact)
        case .refusals: records.filter { !$0.isContact && !$0.isUntargeted }
        case .untargeted: records.filter(\.isUntargeted)
        }
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .explain,
            title: f.t(.menuExplain),
            hint: f.t(.explainHint),
            body: """
                \(card(nil, numberForm(f, action: "/explain/find", typed: typed, error: error, button: .find)))
                \(answer.map { answered($0, f) } ?? card(nil, emptyState(f.t(.explainEmpty))))
                """
        )
    }

    private func answered(_ answer: ExplainedSubscriber, _ f: Frame) -> HTML {
        let path = "/explain/\(Int(answer.index))"
        let titles: [Filter: ConsoleText] = [
            .all: .all, .contacts: .contacted, .refusals: .notContacted, .untargeted: .untargeted,
        ]
        let lists = answer.lists.map { f.list($0, policy) + ($0.channel.map { "（" + f.language($0.name) + "）" } ?? "") }
        return """
            \(card(f.t(.contactsOf, answer.number), actions: "\(linkButton(f.t(.menuCustomers), to: "/customers/\(answer.index)", .customers))\(register(answer, f))", facts([
                (f.t(.period), "\(answer.since.iso) ～ \(f.now.day.iso)"),
                (f.t(.onLists), "\(lists.isEmpty ? f.t(.none) : lists.joined(separator: f.language("、", ", ")))"),
            ])))
            \(tabs(f.t(.result), Filter.allCases.map { item in
                (titles[item].map { f.t($0) } ?? "", item == .all ? path : path + "?show=" + item.rawValue, Self.filtered(answer.records, item).count, item == filter)
            } + [(f.t(.wholeHistory), path + "/history", nil, false)]))
            \(card(nil, f.table(
                f.t(.menuExplain), Self.columns(f, of: answer.index), of: Self.filtered(answer.records, filter),
                exportPath: path + "/contacts.csv", searchHint: f.t(.searchContacts),
                empty: emptyState(f.t(.noContacts), linkButton(f.t(.otherNumber), to: "/explain")))))
            """
    }

    private func register(_ answer: ExplainedSubscriber, _ f: Frame) -> HTML {
        guard f.may(.editLists) else { return .empty }
        return """
            <details class="drop"><summary class="button primary">\(Icon.lists.markup)\(f.t(.registerDND))</summary>
            <form method="post" action="/explain/\(Int(answer.index))/dnd" class="stack">
            \(field(f.t(.channel), id: "channel", select("channel", [("", f.t(.allChannels))] + ChannelClass.allCases.map { ($0.code, f.language($0.name)) }, selected: "sms")))
            \(field(f.t(.reasonWord), id: "reason", isRequired: true, help: f.t(.registerHelp), input("reason", "", isRequired: true, maxLength: 200, hasHelp: true)))
            <button class="button primary" type="submit">\(f.t(.registerDND))</button></form></details>
            """
    }

    /// What a contact needed, and what the checks gave with it.
    private static func counterfactual(_ found: Counterfactual, _ names: SentenceNames, _ f: Frame) -> HTML {
        """
        <details class="checks"><summary>\(f.t(.couldHave))</summary><ul>\
        \(each: found.clauses(f.language, names), { "<li>\($0)</li>" })</ul><p class="help">\(found.verdict(f.language))</p></details>
        """
    }

    /// All checks with their evidence, folded.
    private static func checks(_ explanation: Explanation, _ names: SentenceNames, _ f: Frame) -> HTML {
        """
        <details class="checks"><summary>\(f.t(.allChecks, "\(explanation.checks.count)"))</summary><ol>\
        \(each: explanation.checks, { check in
            let isDeciding = check == explanation.deciding
            return """
                <li class="\(check.isPassed ? "passed" : isDeciding ? "deciding" : "failed")"><b>\
                \(f.check(check.outcome))</b> \
                \(tag(f.t(check.isPassed ? .passed : isDeciding ? .decidedHere : .notPassed), check.isPassed ? .good : isDeciding ? .bad : .warn)) \
                <span>\(check.evidence.map { f.evidence($0, names) }.joined(separator: f.language("；", "; ")))</span>\
                </li>

                """
        })</ol>\(when: !explanation.aftermath.isEmpty, "<p><b>\(f.t(.aftermath))</b> \(explanation.aftermath.map { f.evidence($0, names) }.joined(separator: f.language("，", ", ")))</p>")\
        <p class="help">\(f.t(.logPosition, "\(explanation.position)"))</p></details>
        """
    }
}

extension Frame {
    /// What a check looks at, said so that "passed" makes sense beside it.
    func check(_ outcome: Outcome) -> String {
        switch outcome {
        case .campaignNotLive: t(.checkLive)
        case .channelNotConfirmed: t(.checkConfirmed)
        case .notInSegment: t(.checkSegment)
        case .productOwned: t(.checkOwned)
        case .productConflict: t(.checkConflict)
        case .interval: t(.checkInterval)
        case .similarCampaign: t(.checkSimilar)
        case .capSMS, .capOutbound, .capInbound, .capWebsite: t(.checkCap)
        case .capOverall: t(.checkCapOverall)
        case .noScore: t(.checkScore)
        case .outranked: t(.checkRank)
        case .capacity: t(.checkCapacity)
        case .budget: t(.checkBudget)
        default: language(outcome.name)
        }
    }

    /// A piece of evidence in words.
    func evidence(_ evidence: Evidence, _ names: SentenceNames) -> String {
        let value = evidence.value
        switch evidence.key {
        case "used": return t(.evidenceUsed, value)
        case "cap": return t(.evidenceCap, value)
        case "months": return t(.evidenceMonths, value)
        case "month": return t(.evidenceMonth, value)
        case "tier":
            return t(.evidenceTier, names.policy?.tiers.first { $0.code == value }.map { language($0.name) } ?? value)
        case "policy": return t(.evidencePolicy, value)
        case "list": return t(.evidenceList, list(ListID(value), names.policy))
        case "product": return t(.evidenceProduct, value)
        case "unticked_by": return t(.evidenceUnticked, value)
        case "days": return t(.evidenceDays, value)
        case "last": return t(.evidenceLast, value)
        case "category": return t(.evidenceCategory, category(value))
        case "status":
            return t(
                .evidenceStatus,
                value == "live" ? t(.statusLive) : value == "paused" ? t(.phasePaused) : t(.phaseStopped)
            )
        case "valid_from": return t(.evidenceFrom, value)
        case "valid_to": return t(.evidenceTo, value)
        case "epoch": return t(.evidenceEpoch, value)
        case "expression": return t(.evidenceExpression, value)
        case "score": return t(.evidenceScore, value)
        case "cut": return t(.evidenceCut, value)
        case "assignment": return t(.evidenceAssignment, value)
        case "not_before":
            return value == "never" ? t(.evidenceNever) : t(.evidenceNotBefore, value.replacing("T", with: " "))
        case "area":
            return t(
                .evidenceArea,
                names.policy?.quietAreas.first { $0.code == value }.map { language($0.name) } ?? value
            )
        case "control_ppm": return t(.evidenceControl, language.percent(Double(Int(value) ?? 0) / 1_000_000))
        case "by": return t(.evidenceBy, Int64(value).flatMap { names.campaigns[CampaignID($0)] } ?? value)
        case "ahead": return t(.evidenceAhead, Int64(value).flatMap { names.campaigns[CampaignID($0)] } ?? value)
        case "rank": return t(.evidenceRank, value)
        case "of": return t(.evidenceRankOf, value)
        case "touchpoint": return t(.evidenceTouchpoint, Touchpoint(code: value).map { language($0.name) } ?? value)
        case "result": return t(.evidenceResult, ContactResult(code: value).map { language($0.name) } ?? value)
        case "until": return t(.evidenceUntil, value)
        case "sent": return t(.evidenceSent, value)
        case "rule": return t(.evidenceRule, value)
        case "handed_off": return t(.afterHandedOff)
        case "settled": return t(.afterSettled)
        case "released": return t(.afterReleased)
        case "dropped": return t(.afterDropped, Outcome(code: value).map { language($0.name) } ?? value)
        default:
            if evidence.key.hasPrefix("answer_"),
                let result = ContactResult(code: String(evidence.key.dropFirst("answer_".count)))
            {
                return language(result.name) + " " + value.replacing("T", with: " ")
            }
            let kinds: [String: ConsoleText] = [
                "accepted": .afterAccepted, "refused": .afterRefused, "unknown": .afterUnknown,
                "delivered": .afterDelivered,
                "failed": .afterFailed, "replied": .afterReplied, "unsubscribed": .afterUnsubscribed,
                "ordered": .afterOrdered,
            ]
            return (kinds[evidence.key].map { t($0) } ?? evidence.key) + " " + value.replacing("T", with: " ")
        }
    }

    /// A category of campaigns, named by the scene that makes them.
    func category(_ code: String) -> String {
        let others: [String: ConsoleText] = [
            "": .uncategorised, "general": .categoryGeneral, "broadband": .categoryBroadband,
            "value_added": .categoryValueAdded, "roaming": .categoryRoaming, "terminal": .categoryTerminal,
        ]
        return others[code].map { t($0) } ?? scene(code)
    }

    func touchKind(_ kind: String) -> String {
        let names: [String: ConsoleText] = [
            "care": .kindCare, "enquiry": .kindEnquiry, "complaint": .kindComplaint, "handling": .kindHandling,
            "marketing": .kindMarketing, "query": .kindQuery,
        ]
        return names[kind].map { t($0) } ?? kind
    }

    func touchOutcome(_ outcome: String) -> String {
        let names: [String: ConsoleText] = [
            "delivered": .afterDelivered, "undelivered": .afterFailed, "accepted": .touchAccepted,
            "refused": .touchRefused,
            "considering": .touchConsidering, "sent": .touchSent, "planned": .touchPlanned,
            "replied": .afterReplied, "unsubscribed": .afterUnsubscribed, "ordered": .afterOrdered,
            "unknown": .afterUnknown,
            "no_answer": .touchUnanswered, "done": .touchDone, "viewed": .touchViewed,
            "clicked": .touchClicked, "resolved": .touchResolved, "open": .touchOpen,
        ]
        return names[outcome].map { t($0) } ?? (outcome.isEmpty ? "--" : outcome)
    }
}
