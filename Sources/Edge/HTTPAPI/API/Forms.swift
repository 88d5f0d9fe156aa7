// The objects of the API as JSON shows them; openapi.yaml describes the same.
// SPDX-License-Identifier: Apache-2.0

public import Assembly
import Decisioning
import Evaluation
import Foundation
public import Kernel
import Model
public import Planning
import Ports
import Texts

/// A JSON object: values by name; names without a value are left out.
///
/// The command line prints the same ones.
public struct JSONObject: Encodable, ExpressibleByDictionaryLiteral {
    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private var values: [(name: String, value: (any Encodable)?)]

    public init(dictionaryLiteral values: (String, (any Encodable)?)...) { self.values = values.map { ($0, $1) } }

    public func encode(to encoder: any Encoder) throws {
        var out = encoder.container(keyedBy: Name.self)
        for (name, value) in values {
            if let value { try out.encode(value, forKey: Name(stringValue: name)) }
        }
    }
}

// MARK: Planning

struct PlanForm: Codable {
    var name: String
    var scene: String
    var goal: String
    var category: String
    var segment: Int64
    var product: String?
    var message: String
    var valuePerOrderMinor: Int64
    /// Local date and time, with or without offset.
    var planned: String
    var validTo: String
    var channel: String
    var score: String?
    var limit: Int?
    var budgetMinor: Int64?
    var costPerPartMinor: Int64
    var controlPPM: Int
    var unticked: [Int]
    var conflictingProducts: [String]
    var touchpoints: [String]?
    var script: String?
    var priority: Int?
    var personalPriority: String?

    init(_ plan: CampaignPlan) {
        name = plan.name
        scene = plan.scene
        goal = plan.goal
        category = plan.category
        segment = plan.segment
        product = plan.product
        message = plan.message
        valuePerOrderMinor = plan.valuePerOrderMinor
        planned = plan.planned.isoOffset
        validTo = plan.validTo.iso
        channel = plan.channel.code
        score = plan.score
        limit = plan.limit
        budgetMinor = plan.budgetMinor
        costPerPartMinor = plan.costPerPartMinor
        controlPPM = plan.controlPPM
        unticked = plan.unticked
        conflictingProducts = plan.conflictingProducts
        touchpoints = plan.touchpoints.map(\.code)
        script = plan.script
        priority = plan.priority
        personalPriority = plan.personalPriority
    }

    /// The plan; which values make sense is for planning to say.
    ///
    /// - Throws: ``EdgeError/badRequest(field:why:)`` for texts that are no day, time or channel.
    func plan(_ clock: OperatorClock) throws(EdgeError) -> CampaignPlan {
        guard let time = clock.time(parsing: planned) else {
            throw .badRequest(field: "planned", why: "write a time as 2026-01-31T09:30 or with an offset")
        }
        let day = try LocalDay(day: validTo, field: "validTo")
        guard let channel = ChannelClass(code: channel) else {
            throw .badRequest(field: "channel", why: "use sms, outbound, inbound or website")
        }
        let amounts = [("valuePerOrderMinor", valuePerOrderMinor), ("costPerPartMinor", costPerPartMinor)]
        for (field, amount) in amounts + [("budgetMinor", budgetMinor ?? 0)] {
            guard (0...1_000_000_000_000).contains(amount) else {
                throw .badRequest(field: field, why: "an amount is 0 to 10 billion, in minor units")
            }
        }
        var plan = CampaignPlan(
            name: name,
            scene: scene,
            goal: goal,
            category: category,
            segment: segment,
            message: message,
            planned: time,
            validTo: day,
            channel: channel
        )
        plan.product = product
        plan.valuePerOrderMinor = valuePerOrderMinor
        plan.score = score
        plan.limit = limit
        plan.budgetMinor = budgetMinor
        plan.costPerPartMinor = costPerPartMinor
        plan.controlPPM = controlPPM
        plan.unticked = unticked
        plan.conflictingProducts = conflictingProducts
        for code in touchpoints ?? [] {
            guard let touchpoint = Touchpoint(code: code) else {
                let known = Touchpoint.allCases.map(\.code).joined(separator: ", ")
                throw .badRequest(field: "touchpoints", why: "use some of \(known)")
            }
            if !plan.touchpoints.contains(touchpoint) { plan.touchpoints.append(touchpoint) }
        }
        plan.script = script
        plan.priority = priority ?? plan.priority
        plan.personalPriority = personalPriority
        return plan
    }
}

extension JSONObject {
    init(_ record: DryRunRecord) {
        self = [
            "at": record.at.iso, "outcomes": record.outcomes, "outcomeSHA256": record.outcomeSHA256,
            "costMinor": record.costMinor,
        ]
    }

    init(_ campaign: Campaign) {
        let size = campaign.plan.messageSize
        self = [
            "id": campaign.id.number, "version": campaign.version, "revision": campaign.revision,
            "phase": campaign.phase.rawValue, "owner": campaign.owner, "scope": campaign.scope,
            "plan": PlanForm(campaign.plan), "messageCharacters": size.characters, "messageParts": size.parts,
            "dryRun": campaign.dryRun.map { JSONObject($0) }, "updatedAt": campaign.updatedAt.iso,
        ]
    }

    init(_ approval: Approval) {
        self = [
            "id": approval.id, "campaign": approval.campaign.number, "revision": approval.revision,
            "submittedBy": approval.submittedBy, "submittedAt": approval.submittedAt.iso,
            "result": approval.result?.rawValue, "decidedBy": approval.decidedBy,
            "decidedAt": approval.decidedAt?.iso, "reason": approval.reason,
        ]
    }

    init(_ pending: CampaignApproval) {
        self = ["approval": JSONObject(pending.approval), "campaign": JSONObject(pending.campaign)]
    }

    // MARK: Execution and evaluation

    init(_ update: RunUpdate) {
        let progress = update.progress
        self = [
            "number": update.number, "campaign": progress.campaign.number, "stage": progress.stage.rawValue,
            "target": progress.target, "contacts": progress.contacts, "control": progress.control,
            "sent": progress.sent, "accepted": progress.accepted, "delivered": progress.delivered,
            "released": progress.released, "open": progress.open, "replies": progress.replies,
            "unsubscriptions": progress.unsubscriptions, "orders": progress.orders,
            "heldByArea": progress.heldByArea, "until": progress.until?.iso, "problem": progress.problem,
        ]
    }

    private init(_ arm: Proportion) {
        self = ["orders": arm.successes, "subscribers": arm.total]
    }

    /// Shares are 0...1, amounts in minor units.
    init(_ evaluation: WaveEvaluation) {
        let lift = evaluation.lift
        self = [
            "wave": evaluation.wave.occurrence, "target": evaluation.target, "reachable": evaluation.reachable,
            "contacts": evaluation.contacts, "sent": evaluation.sent, "delivered": evaluation.delivered,
            "released": evaluation.released, "open": evaluation.open, "replies": evaluation.replies,
            "unsubscriptions": evaluation.unsubscriptions, "blockedByLists": evaluation.blockedByLists,
            "blockedByFrequency": evaluation.blockedByFrequency,
            "outcomes": Dictionary(evaluation.outcomes.map { ($0.outcome.code, $0.count) }, uniquingKeysWith: +),
            "contactArm": JSONObject(lift.contact), "controlArm": JSONObject(lift.control), "lift": lift.difference,
            "liftLow": lift.interval.lowerBound, "liftHigh": lift.interval.upperBound,
            "isSignificant": lift.isSignificant, "smallestDetectable": lift.smallestDetectable,
            "additionalOrders": lift.additional.orders, "additionalLow": lift.additional.low,
            "additionalHigh": lift.additional.high, "costMinor": evaluation.costMinor,
            "costPerAdditionalOrderMinor": evaluation.costPerAdditionalOrderMinor,
            "netBenefitMinor": evaluation.netBenefitMinor,
        ]
    }

    // MARK: Records

    init(_ entry: AuditEntry) {
        self = [
            "at": entry.at.iso, "who": entry.who, "action": entry.action, "object": entry.object,
            "detail": entry.detail,
        ]
    }

    /// A list that a subscriber is on, who put him there and why.
    public init(_ entry: ListEntry) {
        self = [
            "code": entry.list.code, "channel": entry.list.channel?.code, "addedAt": entry.added?.at.iso,
            "addedBy": entry.added?.who, "reason": entry.added?.reason, "from": entry.dates?.from?.iso,
            "to": entry.dates?.to?.iso, "isPlanned": entry.isPlanned ? true : nil,
        ]
    }

    private init(_ evidence: Evidence) {
        self = ["key": evidence.key, "value": evidence.value]
    }

    private init(_ check: CheckResult) {
        self = [
            "code": check.outcome.code, "isPassed": check.isPassed,
            "evidence": check.evidence.map { JSONObject($0) },
        ]
    }

    init(_ explanation: Explanation, _ names: SentenceNames, _ language: Language) {
        self = [
            "campaign": explanation.campaign.number, "campaignName": names.campaign,
            "wave": explanation.wave?.occurrence ?? 0, "at": explanation.at.isoOffset,
            "request": explanation.request.map { String($0.request) },
            "touchpoint": explanation.request?.touchpoint.code,
            "outcome": explanation.outcome.code, "sentence": explanation.sentence(language, names),
            "checks": explanation.checks.map { JSONObject($0) },
            "aftermath": explanation.aftermath.map { JSONObject($0) },
            "counterfactual": explanation.counterfactual.map { counterfactual -> JSONObject in
                [
                    "changes": counterfactual.clauses(language, names),
                    "outcome": counterfactual.outcome.code,
                ]
            },
        ]
    }

    init(_ event: SubscriberEvent, _ names: EventNames, _ language: Language) {
        self = [
            "at": event.at.isoOffset, "code": event.code, "campaign": event.campaign?.number,
            "position": event.position, "sentence": event.sentence(language, names),
        ]
    }
}

// MARK: Time

extension LocalTime {
    /// Local date and time with offset, for example `2026-01-31T09:30:00+08:00`.
    var isoOffset: String {
        let minutes = Int(offsetSeconds.magnitude) / 60
        let two = { (n: Int) in n < 10 ? "0\(n)" : "\(n)" }
        return isoLocal + (offsetSeconds < 0 ? "-" : "+") + two(minutes / 60) + ":" + two(minutes % 60)
    }
}

extension OperatorClock {
    /// Reads `2026-01-31T09:30`, with or without seconds, in the operator's zone, or any ISO 8601 time with offset.
    public func time(parsing text: String) -> LocalTime? {
        let parts = text.split(separator: "T", omittingEmptySubsequences: false)
        guard parts.count == 2, let day = LocalDay(iso: parts[0]) else { return nil }
        let time = parts[1]
        if time.contains("Z") || time.contains("+") || time.contains("-") {
            let style = Date.ISO8601FormatStyle()
            guard let date = try? Date(text, strategy: style) else { return nil }
            return local(Instant(epochMs: Int64(date.timeIntervalSince1970) * 1000))
        }
        let numbers = time.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard (2...3).contains(numbers.count), time.utf8.count == numbers.count * 3 - 1,
            let hour = numbers[0], let minute = numbers[1], (0..<24).contains(hour), (0..<60).contains(minute),
            numbers.count == 2 || (0..<60).contains(numbers[2] ?? -1)
        else { return nil }
        return at(day, minute: hour * 60 + minute)
    }
}

extension LocalDay {
    /// A day that somebody wrote into a field.
    ///
    /// - Throws: ``EdgeError/badRequest(field:why:)``.
    public init(day text: String, field: String) throws(EdgeError) {
        guard let day = LocalDay(iso: text) else {
            throw .badRequest(field: field, why: "write a day as YYYY-MM-DD, such as 2026-01-31")
        }
        self = day
    }
}
