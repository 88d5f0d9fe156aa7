// What the control plane refuses, and the rules by which every adapter refuses the same.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// Why the control plane refused a change.
public enum ControlPlaneError: CodedError, Equatable {
    /// Somebody else changed the object since it was read.
    case stale(object: String, expectedVersion: Int)
    /// Another object has this name.
    case nameTaken(object: String, name: String)
    /// The object, or one that it names, is not stored.
    case notFound(object: String)
    /// The phase may not follow the stored one.
    case transition(object: String, from: CampaignPhase, to: CampaignPhase)
    /// Something else names the object.
    case inUse(object: String, by: String)
    /// The object breaks a rule that does not depend on who else works at it.
    case invalid(object: String, reason: String)

    public var code: String {
        switch self {
        case .stale: "control.stale"
        case .nameTaken: "control.name_taken"
        case .notFound: "control.not_found"
        case .transition: "control.transition"
        case .inUse: "control.in_use"
        case .invalid: "control.invalid"
        }
    }

    public var description: String {
        switch self {
        case .stale(let object, let version):
            return "\(object) was changed by somebody else since version \(version); "
                + "load it again and repeat the change"
        case .nameTaken(let object, let name):
            return "there is a \(object) named \"\(name)\" already; choose another name"
        case .notFound(let object): return "\(object) does not exist"
        case .transition(let object, let from, let to):
            let next = from.next.map(\.rawValue).sorted().joined(separator: ", ")
            return "\(object) cannot go from \(from.rawValue) to \(to.rawValue); "
                + (next.isEmpty ? "\(from.rawValue) is its end" : "next may be \(next)")
        case .inUse(let object, let user): return "\(object) is used by \(user); take it out there first"
        case .invalid(let object, let reason): return "\(object) was not stored: \(reason)"
        }
    }
}

/// The rules every adapter applies before it writes, inside the transaction that writes.
public enum ControlPlaneChecks {
    /// Checks a member of staff: a login of 1...64 characters, printable lower-case ASCII, and a name.
    public static func check(_ staff: Staff) throws(ControlPlaneError) {
        let object = "staff/\(staff.login)"
        try require(
            (1...64).contains(staff.login.utf8.count)
                && staff.login.utf8.allSatisfy { (0x21...0x7E).contains($0) && !(0x41...0x5A).contains($0) },
            object,
            "a login is 1 to 64 lower-case ASCII letters, digits or signs"
        )
        try check(names: [staff.name], texts: [], of: object)
    }

    /// Checks a segment against the stored one (nil when it is new).
    ///
    /// The state follows ``SegmentState/next``; a new one is a draft or saved. Its owner stays. A changed definition is
    /// saved again before anything is computed or released of it. Its last audience waits for a decision while it is
    /// computed; somebody who neither owns it nor handed it in decides, once, and with a reason unless it passes.
    public static func check(_ segment: Segment, replacing stored: Segment?) throws(ControlPlaneError) {
        let object = "segment/\(segment.id)"
        try check(
            names: [segment.name, segment.owner],
            texts: [segment.purpose] + segment.definition.rules
                + segment.matches.flatMap { [$0.subject, $0.condition] },
            of: object
        )
        try require(
            segment.state == .draft || !isBlank(segment.definition.summary),
            object,
            "only a draft may have no rule, query or list"
        )
        try require(
            segment.definition.exclusions.count <= SegmentDefinition.mostExclusions,
            object,
            "it has more than \(SegmentDefinition.mostExclusions) exclusions"
        )
        try require(segment.matches.count <= SegmentMatch.most, object, "it has more than \(SegmentMatch.most) matches")
        if case .algebra(let algebra) = segment.definition.source, let excess = algebra.excess {
            throw .invalid(object: object, reason: excess.en)
        }
        try require(!segment.definition.segments.contains(segment.id) || segment.id == 0, object, "it names itself")
        try require(segment.state != .published || segment.published != nil, object, "no audience of it is released")
        try require(segment.state != .computed || segment.audience != nil, object, "no audience of it is computed")
        guard let stored else {
            try require(segment.review == nil, object, "a new one was not handed in")
            return try require([.draft, .saved].contains(segment.state), object, "a new one is a draft or saved")
        }
        try require(
            segment.state == stored.state || stored.state.next.contains(segment.state),
            object,
            "it cannot go from \(stored.state.rawValue) to \(segment.state.rawValue)"
        )
        try require(segment.owner == stored.owner, object, "its owner stays")
        try require(
            segment.definition == stored.definition || [.draft, .saved].contains(segment.state),
            object,
            "a changed definition is saved first"
        )
        try check(segment.review, of: segment, replacing: stored.review)
    }

    private static func check(
        _ review: SegmentReview?,
        of segment: Segment,
        replacing stored: SegmentReview?
    ) throws(ControlPlaneError) {
        let object = "segment/\(segment.id)"
        guard let review else {
            return try require(
                stored == nil || (stored?.isWaiting == true && segment.state != .published),
                object,
                "a decision stays, and what waits is not released without one"
            )
        }
        guard review != stored else {
            try require(
                segment.state != .published || review.result == .pass,
                object,
                "what was handed in is released by a decision"
            )
            return try require(
                !review.isWaiting || (segment.state == .computed && segment.audience == review.audience),
                object,
                "what waits for a decision is its last audience"
            )
        }
        try check(
            names: [review.submittedBy] + (review.decidedBy.map { [$0] } ?? []),
            texts: [review.reason ?? ""],
            of: object
        )
        guard let result = review.result else {
            try require(stored?.isWaiting != true, object, "it waits already")
            return try require(
                segment.state == .computed && segment.audience == review.audience,
                object,
                "what waits for a decision is its last audience"
            )
        }
        guard let stored, stored.isWaiting, review.audience == stored.audience,
            review.submittedBy == stored.submittedBy, review.submittedAt == stored.submittedAt,
            let decidedBy = review.decidedBy, review.decidedAt != nil
        else { throw .invalid(object: object, reason: "a decision is made once, on what waits") }
        try require(
            decidedBy != segment.owner && decidedBy != review.submittedBy,
            object,
            "nobody decides on a segment of their own"
        )
        try require(result == .pass || !isBlank(review.reason ?? ""), object, "a decision but pass has a reason")
        try require(
            segment.state == result.segmentState && (result != .pass || segment.published == review.audience),
            object,
            "its state follows from the decision"
        )
    }

    /// Checks an export of a segment against the stored one (nil when it is new).
    ///
    /// It waits at first; somebody else than who asked agrees or refuses, once; a delivery that was agreed to ends once.
    /// Nothing else of it changes.
    public static func check(
        _ export: SegmentExport,
        replacing stored: SegmentExport?
    ) throws(ControlPlaneError) {
        let object = "export/\(export.id)"
        try check(names: [export.name, export.reason, export.requestedBy], texts: export.attributes, of: object)
        try require(
            (export.state == .waiting) == (export.decidedBy == nil)
                && (export.decidedBy == nil) == (export.decidedAt == nil),
            object,
            "it waits, or somebody decided it at some time"
        )
        try require(
            (export.endedBy == nil) == (export.endedAt == nil)
                && (export.endedBy == nil || export.delivery != nil && export.state == .approved),
            object,
            "only a delivery that was agreed to ends, by somebody at some time"
        )
        try require(
            export.delivery.map { SegmentDelivery.isSystem($0.system) } ?? true,
            object,
            "a system is named by 1 to 32 of a-z, 0-9, - and _, a letter first"
        )
        guard let stored else { return try require(export.state == .waiting, object, "a new one waits") }
        if export.endedAt != nil {
            try require(stored.endedAt == nil, object, "it has ended already")
            var unended = export
            (unended.endedBy, unended.endedAt) = (nil, nil)
            return try require(unended == stored, object, "what was agreed to does not change")
        }
        try require(stored.state == .waiting, object, "it is \(stored.state.rawValue) already")
        try require(export.decidedBy != export.requestedBy, object, "nobody decides on an export of their own")
        var undecided = export
        (undecided.state, undecided.decidedBy, undecided.decidedAt) = (.waiting, nil, nil)
        try require(undecided == stored, object, "what was asked for does not change")
    }

    /// Checks a file that was delivered for an export: it is one that goes to a system, agreed to and not ended.
    public static func check(_ file: DeliveredFile, of export: SegmentExport?) throws(ControlPlaneError) {
        let object = "export/\(file.export)"
        guard let export else { throw .notFound(object: object) }
        try check(names: [file.name], texts: [], of: object)
        try require(
            export.delivery != nil && export.state == .approved && export.endedAt == nil,
            object,
            "nothing is delivered for it"
        )
        try require(file.count >= 0 && file.removed >= 0, object, "a file has no negative number of rows")
    }

    /// Checks a new data request, which has a title, a need and a reason, and no steps yet.
    public static func check(_ request: DataRequest) throws(ControlPlaneError) {
        let object = "request/\(request.id)"
        try check(names: [request.title, request.need, request.reason, request.requestedBy], texts: [], of: object)
        try require(request.id == 0 && request.steps.isEmpty, object, "a new one has no number and no steps")
    }

    /// Checks the words of a step of a data request; whether it may follow says ``DataRequest/take(_:)``.
    public static func check(_ step: DataRequestStep, of id: Int64) throws(ControlPlaneError) {
        try check(names: [step.who], texts: [step.text], of: "request/\(id)")
    }

    /// Checks an audience of a segment.
    public static func check(_ audience: Audience, of segment: Segment) throws(ControlPlaneError) {
        let object = "audience of segment/\(segment.id)"
        try check(names: [audience.who], texts: [audience.load], of: object)
        try require(audience.id == 0, object, "an audience never changes")
        try require(audience.segment == segment.id && segment.id > 0, object, "it belongs to another segment")
        try require(audience.revision == segment.revision, object, "it is of another revision")
        try require((0...audience.universe).contains(audience.count), object, "it has more members than there are")
        try require(
            [.computed, .published].contains(segment.state),
            object,
            "with it the segment is computed or published"
        )
    }

    /// Checks a campaign against the stored one (nil when it is new).
    ///
    /// A new campaign is a draft of revision 1. The phase follows ``CampaignPhase/next``. The plan changes only in
    /// draft, and each change is the next revision, so that what was approved is what runs. Into and out of
    /// `submitted` it goes only with an approval: ``check(_:replacing:with:replacing:)``.
    public static func check(_ campaign: Campaign, replacing stored: Campaign?) throws(ControlPlaneError) {
        try checkPlan(campaign, replacing: stored)
        let phase = stored?.phase ?? .draft
        try require(
            campaign.phase == phase || (campaign.phase != .submitted && phase != .submitted),
            "campaign/\(campaign.id.number)",
            "it goes from \(phase.rawValue) to \(campaign.phase.rawValue) together with an approval only"
        )
    }

    /// Checks an approval and its campaign against the stored ones.
    ///
    /// A submission (no stored approval) takes a draft to `submitted`. A decision takes a submitted campaign to the
    /// phase of the result; it is made by somebody who neither owns nor submitted the campaign, once, and with a reason
    /// unless it passes (APR-03).
    public static func check(
        _ approval: Approval,
        replacing waiting: Approval?,
        with campaign: Campaign,
        replacing stored: Campaign
    ) throws(ControlPlaneError) {
        let object = "approval/\(approval.id)"
        try checkPlan(campaign, replacing: stored)
        try require(
            approval.campaign == campaign.id && approval.revision == campaign.revision,
            object,
            "it names another campaign or revision than campaign/\(campaign.id.number), revision \(campaign.revision)"
        )
        let reason = approval.reason ?? ""
        try check(names: [approval.submittedBy], texts: [approval.decidedBy ?? "", reason], of: object)
        guard let waiting else {
            try require(approval.isWaiting, object, "a new submission has no result yet")
            try require(campaign.phase == .submitted, object, "a submission takes its campaign to submitted")
            guard stored.phase == .draft else { throw transition(stored, campaign.phase) }
            return
        }
        try require(waiting.isWaiting, object, "it was decided before; submit the campaign again")
        guard let result = approval.result, let decidedBy = approval.decidedBy, approval.decidedAt != nil else {
            throw .invalid(object: object, reason: "a decision has a result, a person and a time")
        }
        try require(campaign.phase == result.phase, object, "\(result.rawValue) leads to \(result.phase.rawValue)")
        guard stored.phase == .submitted else { throw transition(stored, campaign.phase) }
        try require(
            waiting.submittedBy == approval.submittedBy && waiting.submittedAt == approval.submittedAt
                && waiting.campaign == approval.campaign && waiting.revision == approval.revision,
            object,
            "who submitted what and when does not change"
        )
        try require(
            decidedBy != campaign.owner && decidedBy != stored.owner && decidedBy != approval.submittedBy,
            object,
            "nobody decides on a campaign that is their own or that they submitted"
        )
        try require(result == .pass || !isBlank(reason), object, "\(result.rawValue) needs a reason")
    }

    /// Checks a draft of the contact policy against the stored one (nil when it is new).
    ///
    /// Only what is still a draft changes; who began it and when stay, its base never goes back, and it becomes live
    /// only together with its revision.
    public static func check(_ draft: PolicyDraft, replacing stored: PolicyDraft?) throws(ControlPlaneError) {
        let object = "policy-draft/\(draft.id)"
        try check(names: [draft.author], texts: [draft.note], of: object)
        try require(draft.base >= 0, object, "its base is no revision")
        try require(draft.policy.revision == draft.base + 1, object, "it becomes revision \(draft.base + 1)")
        try require(draft.state != .live, object, "it becomes live together with a revision only")
        guard let stored else { return try require(draft.state == .draft, object, "a new draft is a draft") }
        try require(stored.state == .draft, object, "it is \(stored.state.rawValue) and does not change any more")
        try require(
            draft.author == stored.author && draft.createdAt == stored.createdAt,
            object,
            "who began it and when do not change"
        )
        try require(draft.base >= stored.base, object, "its base goes back")
    }

    /// Checks a revision of the contact policy against the draft it came from.
    public static func check(_ revision: PolicyRevision, from draft: PolicyDraft?) throws(ControlPlaneError) {
        let object = "policy/\(revision.number)"
        try check(names: [revision.who], texts: [revision.note], of: object)
        try require(revision.number >= 1, object, "revisions are numbered from 1")
        guard let draft else { return }
        try require(draft.state == .draft, object, "policy-draft/\(draft.id) is \(draft.state.rawValue)")
        try require(draft.policy == revision.policy, object, "policy-draft/\(draft.id) holds another policy")
    }

    /// Checks a revision of the attribute catalogue that is to follow the last one (0 = there is none).
    public static func check(_ revision: CatalogueRevision, after last: Int) throws(ControlPlaneError) {
        guard revision.number == last + 1 else {
            throw .stale(object: "catalogue", expectedVersion: revision.number - 1)
        }
        let derived = revision.content.derived
        try check(
            names: [revision.who, revision.reason],
            texts: derived.flatMap { [$0.code, $0.name.zh, $0.name.en, $0.group, $0.expression, $0.unit ?? ""] },
            of: "catalogue/\(revision.number)"
        )
    }

    /// Checks an arbitration before it is stored over `stored`; nil when it is new.
    ///
    /// - Throws: ``ControlPlaneError/invalid(object:reason:)``.
    public static func check(
        _ arbitration: Arbitration,
        replacing stored: Arbitration?
    ) throws(ControlPlaneError) {
        let object = "arbitration/\(arbitration.id)"
        try check(
            names: [arbitration.name, arbitration.owner],
            texts: [arbitration.problem ?? "", arbitration.adoptedBy ?? ""],
            of: object
        )
        let hasResult = [.solved, .adopted, .withdrawn].contains(arbitration.state)
        try require(
            hasResult == (arbitration.result != nil) && hasResult == (arbitration.figures != nil),
            object,
            "a \(arbitration.state.rawValue) arbitration has \(hasResult ? "a" : "no") result with figures"
        )
        try require(
            (arbitration.adoptedBy == nil) == (arbitration.adoptedAt == nil),
            object,
            "it was adopted by somebody at some time, or not at all"
        )
        guard let stored else { return try require(arbitration.state == .solving, object, "a new one is solved first") }
        try require(
            stored.state.next.contains(arbitration.state),
            object,
            "it cannot go from \(stored.state.rawValue) to \(arbitration.state.rawValue)"
        )
        try require(
            arbitration.name == stored.name && arbitration.setup == stored.setup && arbitration.owner == stored.owner
                && arbitration.previous == stored.previous && arbitration.scope == stored.scope
                && arbitration.createdAt == stored.createdAt,
            object,
            "what is arbitrated, by whom and since when do not change; begin another one"
        )
        try require(
            stored.result == nil || stored.result == arbitration.result,
            object,
            "its result does not change"
        )
    }

    /// Actions in the audit log that bring a special list up to date.
    public static let listUpdates = ["list.add", "list.remove", "list.plan", "list.import"]

    /// Actions in the audit log that record a load, and take it off the list.
    public static let loadChanges = ["load", "load.rollback"]

    /// Checks what is said about the upkeep of a list.
    public static func check(_ setting: ListSetting) throws(ControlPlaneError) {
        let object = "settings of list \(setting.list)"
        try check(
            names: [setting.list, setting.who, setting.reason] + setting.logins + [setting.rule].compactMap(\.self),
            texts: [],
            of: object
        )
        if let days = setting.everyDays {
            try require((1...ListSetting.mostDays).contains(days), object, "1 to \(ListSetting.mostDays) days")
        }
    }

    /// Checks a change of a list: who and why are there.
    public static func check(_ change: ListChange) throws(ControlPlaneError) {
        let object = "change of list \(change.list.code)"
        try check(names: [change.who, change.list.code, change.reason], texts: [], of: object)
    }

    /// Checks the days of an entry: who, the list and a reason are there, and the last day is not before the first.
    public static func check(_ dates: ListDates) throws(ControlPlaneError) {
        let object = "days on list \(dates.list.code)"
        try check(names: [dates.who, dates.list.code, dates.reason], texts: [], of: object)
        if let from = dates.from, let to = dates.to {
            try require(from <= to, object, "the last day is before the first")
        }
    }

    /// Checks an import: who, the list, the file's name and a reason are there, and no count is negative.
    public static func check(_ entry: ListImportRecord) throws(ControlPlaneError) {
        let object = "import into list \(entry.list.code)"
        try check(names: [entry.who, entry.list.code, entry.source, entry.reason], texts: [], of: object)
        let least = min(entry.rows, entry.leftOut, entry.added, entry.removed)
        try require(least >= 0, object, "a count is negative")
    }

    /// Checks a load: identifier, file, table and folder are there and no count is negative.
    public static func check(_ load: LoadRecord) throws(ControlPlaneError) {
        let object = "load/\(load.id)"
        try check(names: [load.id, load.file, load.table, load.folder], texts: [], of: object)
        try require(min(load.rows, load.loaded, load.rejected) >= 0, object, "a count of rows is negative")
    }

    /// Checks an audit entry: who and what are there.
    public static func check(_ entry: AuditEntry) throws(ControlPlaneError) {
        let object = "audit entry \(entry.action)"
        try check(names: [entry.who, entry.action], texts: [entry.object, entry.detail], of: object)
    }

    private static func checkPlan(_ campaign: Campaign, replacing stored: Campaign?) throws(ControlPlaneError) {
        let object = "campaign/\(campaign.id.number)"
        try check(names: [campaign.plan.name, campaign.owner], texts: [campaign.plan.goal], of: object)
        guard let stored else {
            try require(campaign.revision == 1, object, "a new campaign has revision 1")
            guard campaign.phase == .draft else {
                throw .transition(object: object, from: .draft, to: campaign.phase)
            }
            return
        }
        guard campaign.phase == stored.phase || stored.phase.next.contains(campaign.phase) else {
            throw transition(stored, campaign.phase)
        }
        guard campaign.revision != stored.revision else {
            return try require(
                campaign.plan == stored.plan,
                object,
                "the plan changed, so its revision must be \(stored.revision + 1)"
            )
        }
        try require(
            campaign.revision == stored.revision + 1,
            object,
            "revision \(stored.revision + 1) follows revision \(stored.revision)"
        )
        try require(stored.phase == .draft, object, "the plan of a \(stored.phase.rawValue) campaign does not change")
    }

    private static func transition(_ stored: Campaign, _ phase: CampaignPhase) -> ControlPlaneError {
        .transition(object: "campaign/\(stored.id.number)", from: stored.phase, to: phase)
    }

    /// Names must show something; no text may hold NUL, where databases end a text.
    private static func check(names: [String], texts: [String], of object: String) throws(ControlPlaneError) {
        try require(!names.contains(where: isBlank), object, "a name or another required text is empty")
        try require(!(names + texts).contains { $0.utf8.contains(0) }, object, "a text holds the character NUL")
    }

    private static func isBlank(_ text: String) -> Bool { text.allSatisfy(\.isWhitespace) }

    private static func require(_ holds: Bool, _ object: String, _ reason: String) throws(ControlPlaneError) {
        guard holds else { throw .invalid(object: object, reason: reason) }
    }
}

extension Approval {
    fileprivate var isWaiting: Bool { result == nil && decidedBy == nil && decidedAt == nil && reason == nil }
}
