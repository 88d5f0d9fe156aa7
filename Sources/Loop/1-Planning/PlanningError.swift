// Why a plan or a segment cannot be saved or go on.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
public import Rules

/// Why a plan cannot be saved or go on.
public enum PlanningError: CodedError, Equatable {
    case badName(String)
    case badMessage(characters: Int)
    case badValue(field: String, why: String)
    /// A score or personal priority that cannot be evaluated; the error points at the character.
    case badExpression(field: String, RuleError)
    case unknownSegment(Int64)
    /// A part of a segment's definition that cannot be; `part` is its place in the JSON, such as `exclude.2`.
    case badDefinition(part: String, why: BilingualText)
    /// A rule in a definition; the error points at the character.
    case badRule(part: String, RuleError)
    /// A segment that is made of itself, by way of others.
    case circular(Int64)
    case wrongPhase(CampaignPhase, wanted: CampaignPhase)
    case wrongState(SegmentState, wanted: SegmentState)
    case noDryRun
    case notAllowed(String)

    public var code: String {
        switch self {
        case .badName: "plan.bad_name"
        case .badMessage: "plan.bad_message"
        case .badValue: "plan.bad_value"
        case .badExpression(_, let error): error.code
        case .unknownSegment: "plan.unknown_segment"
        case .badDefinition: "plan.bad_definition"
        case .badRule(_, let error): error.code
        case .circular: "plan.circular_segment"
        case .wrongPhase: "plan.wrong_phase"
        case .wrongState: "plan.wrong_state"
        case .noDryRun: "plan.no_dry_run"
        case .notAllowed: "plan.not_allowed"
        }
    }

    public var description: String {
        switch self {
        case .badName(let name): "a name has 1 to 100 characters, not \(name.count)"
        case .badMessage(let count): "a message has 1 to 1000 characters, not \(count)"
        case .badValue(let field, let why): "\(field): \(why)"
        case .badExpression(let field, let error): "\(field): \(error)"
        case .unknownSegment(let id): "segment \(id) does not exist; choose one from the list"
        case .badDefinition(let part, let why): "\(part): \(why.en)"
        case .badRule(let part, let error): "\(part): \(error)"
        case .circular(let id): "segment \(id) would be made of itself; take it out of the segments it names"
        case .wrongPhase(let phase, let wanted):
            "the campaign is \(phase.rawValue) and cannot become \(wanted.rawValue)"
        case .wrongState(let state, let wanted):
            "the segment is \(state.rawValue) and cannot become \(wanted.rawValue)"
        case .noDryRun: "the plan has no dry run since its last change; run one so that the approver sees its effect"
        case .notAllowed(let why): why
        }
    }
}
