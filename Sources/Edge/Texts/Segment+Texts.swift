// Segments in words: states, what a step of a definition did, who is taken away.
// SPDX-License-Identifier: Apache-2.0

public import Model

extension SegmentState {
    /// The state's name.
    public var text: ConsoleText {
        switch self {
        case .draft: .phaseDraft
        case .saved: .doneSaved
        case .computed: .segmentComputed
        case .published: .segmentPublished
        case .expired: .segmentExpired
        }
    }
}

extension SegmentRefresh {
    /// When it is computed anew.
    public var text: ConsoleText {
        switch self {
        case .byHand: .refreshByHand
        case .onLoad: .refreshOnLoad
        case .daily: .refreshDaily
        case .atUse: .refreshAtUse
        }
    }
}

extension SegmentExportState {
    /// The state's name.
    public var text: ConsoleText {
        switch self {
        case .waiting: .exportWaiting
        case .approved: .exportApproved
        case .refused: .standingRefused
        }
    }
}

extension SegmentStep.Kind {
    /// What the step of a definition did.
    public func text(of definition: SegmentDefinition, _ language: Language) -> String {
        switch self {
        case .source: ConsoleText.stepSource(language)
        case .scope: ConsoleText.stepScope(language)
        case .exclusion(let place):
            definition.exclusions.indices.contains(place)
                ? definition.exclusions[place].text(language) : ConsoleText.stepExclusion(language)
        case .onePerCustomer: ConsoleText.stepOnePerCustomer(language)
        case .pick: ConsoleText.stepPick(language)
        }
    }
}

extension SegmentExclusion {
    /// Who is taken away.
    public func text(_ language: Language) -> String {
        func text(_ key: ConsoleText, _ arguments: String...) -> String { key(language, arguments) }
        return switch self {
        case .list(let code): text(.exclusionList, language(ListID(code).name(nil)))
        case .contacted(let category, let days):
            category.map { text(.exclusionSimilar, "\(days)", $0) } ?? text(.exclusionContacted, "\(days)")
        case .campaigns(let ids): text(.exclusionCampaigns, ids.map { "\($0)" }.joined(separator: ", "))
        case .rule(let rule): text(.exclusionRule, rule)
        case .segment(let id): text(.exclusionSegment, "\(id)")
        }
    }
}
