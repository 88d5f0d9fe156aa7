// Errors in the reader's language, by their stable codes.
// SPDX-License-Identifier: Apache-2.0

import HTTPAPI
import Hummingbird
import Kernel
import Planning
import Ports
import Rules
import Texts

extension Frame {
    /// What went wrong, as one sentence.
    func problem(_ error: any Error) -> String {
        if let error = error as? RuleError { return language(error.message) }
        if let error = error as? OwnQueryError { return language(error.message) }
        if case PlanningError.badExpression(_, let error)? = error as? PlanningError {
            let place = t(.rulePlace, "\(error.start.line)", "\(error.start.column)")
            return place + language(error.message)
        }
        if let error = error as? CatalogueError, let sentence = catalogueProblem(error) { return sentence }
        if case PlanningError.badDefinition(_, let why)? = error as? PlanningError { return language(why) }
        if case PlanningError.badRule(_, let error)? = error as? PlanningError { return problem(error) }
        if case LoadingError.notLast(_, let last)? = error as? LoadingError {
            return t(.loadNotLast, String(last.prefix(16)))
        }
        guard let error = error as? any CodedError else {
            return (error as? HTTPError)?.body ?? t(.serverErrorSentence)
        }
        return Self.texts[error.code].map { t($0) }
            ?? (Problem.status(of: error).code < 500 ? t(.otherProblem, error.description) : t(.serverErrorSentence))
    }

    /// Changes of the catalogue that are refused for something that is named.
    private func catalogueProblem(_ error: CatalogueError) -> String? {
        switch error {
        case .badExpression(let attribute, let error):
            let place = t(.rulePlace, "\(error.start.line)", "\(error.start.column)")
            return "\(attribute): \(place)\(language(error.message))"
        case .badField(_, "code", _): return t(.badAttributeCode)
        case .badField(_, "zh", _), .badField(_, "en", _): return t(.badAttributeName)
        case .badField(_, "hot", _): return t(.textStaysCold)
        case .badField(_, let field, _): return t(.badAttributeField, field)
        case .inUse(let uses): return t(.catalogueUsed, uses.map(use).joined(separator: language("；", "; ")))
        case .circular(let codes): return t(.catalogueCircle, codes.joined(separator: " → "))
        default: return nil
        }
    }

    /// Who uses an attribute.
    func use(_ use: CatalogueUse) -> String {
        let kind: ConsoleText =
            switch use.kind {
            case .segment: .menuSegments
            case .campaign: .menuCampaigns
            case .policy: .menuPolicy
            case .policyDraft: .stateDraft
            case .derived: .derivedWord
            case .list: .menuLists
            }
        return "\(t(kind)) \(use.name)"
    }

    static let texts: [String: ConsoleText] = [
        "edge.wrong_password": .wrongPassword, "edge.too_many_attempts": .tooManyAttempts,
        "edge.forbidden": .forbiddenSentence, "edge.not_found": .notFoundSentence, "plan.bad_name": .wrongName,
        "plan.bad_message": .wrongMessage, "plan.unknown_segment": .required, "plan.no_dry_run": .noDryRun,
        "plan.wrong_phase": .wrongPhaseText, "plan.wrong_state": .wrongSegmentState,
        "control.in_use": .segmentInUse, "plan.circular_segment": .circularSegment,
        "dispatch.wrong_phase": .wrongPhaseText,
        "control.transition": .wrongPhaseText, "control.name_taken": .nameTaken, "control.stale": .stale,
        "control.not_found": .notFoundSentence, "approval.own_campaign": .ownCampaign,
        "approval.own_segment": .ownSegment, "approval.outside_scope": .segmentBeyond,
        "approval.reason_missing": .reasonMissing, "approval.already_decided": .alreadyDecided,
        "decision.no_profile": .noProfile, "decision.no_policy": .noPolicy, "decision.read_only": .readOnly,
        "control.file_full": .diskFull, "control.file_disk_full": .diskFull, "run.busy": .runBusy,
        "policy.base_not_live": .baseNotLive, "policy.closed": .draftClosed, "policy.not_allowed": .notWholeOperator,
        "policy.nothing_changed": .nothingToMakeLive, "arbitrate.overlaps": .arbitrationOverlaps,
        "arbitrate.changed": .arbitrationChanged, "arbitrate.over": .arbitrationOver,
        "arbitrate.wrong_state": .arbitrationState, "arbitrate.campaigns": .chooseTwo,
        "arbitrate.no_candidates": .arbitrationEmpty, "arbitrate.broken_off": .arbitrationBroken,
        "list.unknown_number": .numberUnknown,
        "list.bad_number": .numberInvalid, "list.reason_missing": .listReasonMissing,
        "list.not_by_channel": .notByChannel,
        "decision.erased": .subscriberErased, "erase.reason_missing": .listReasonMissing,
        "decision.wave_open": .waveOpen,
        "list.empty_file": .emptyFile, "load.empty": .emptyFile, "list.nobody_found": .nobodyFound,
        "list.filled_by_rule": .listFilledByRule, "list.bad_days": .badDays, "list.days_not_here": .daysNotHere,
        "list.too_many_dated": .tooManyDated,
        "load.damaged": .fileDamaged, "load.encoding": .fileUnreadable, "load.too_large": .fileTooLarge,
        "load.missing_columns": .columnMissing, "load.header": .columnMissing, "load.open_quote": .fileDamaged,
        "load.field_too_long": .fileUnreadable, "load.record_too_long": .fileUnreadable,
        "load.only": .loadOnly, "load.no_catalogue": .loadNoCatalogue, "load.unknown": .loadUnknown,
        "touchpoint.unknown_interaction": .visitGone,
        "customer.nobody": .customerNobody, "customer.bad_imsi": .customerBadIMSI,
        "customer.bad_customer": .customerBadNumber, "customer.bad_fragment": .customerBadFragment,
        "customer.region_missing": .customerRegionMissing, "customer.reason_missing": .listReasonMissing,
        "list.not_allowed": .listNotAllowed, "list.unknown_login": .unknownLogin,
        "list.bad_frequency": .badFrequency, "list.bad_role": .badListRole, "list.unknown_list": .unknownListName,
        "request.wrong_state": .requestWrongState, "request.wrong_person": .requestWrongPerson,
        "request.text_missing": .requestTextMissing, "request.answer_missing": .requestAnswerMissing,
        "request.bad_field": .requestBadField, "request.past_day": .requestPastDay,
        "request.outside_scope": .requestOutsideScope, "request.segment_hidden": .requestSegmentHidden,
        "request.segment_not_frozen": .requestSegmentNotFrozen,
        "catalogue.stale": .catalogueStale, "catalogue.nothing_changed": .catalogueUnchanged,
        "catalogue.not_allowed": .catalogueNotWhole, "catalogue.reason_missing": .catalogueReason,
        "catalogue.unknown": .catalogueUnknown, "catalogue.in_use": .catalogueUsed,
        "touchpoint.not_offered": .visitGone, "touchpoint.bad_interaction": .visitGone,
    ]
}
