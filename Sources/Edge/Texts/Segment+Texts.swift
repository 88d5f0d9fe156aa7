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
        case .hourly: .refreshHourly
        case .daily: .refreshDaily
        case .weekly: .refreshWeekly
        case .monthly: .refreshMonthly
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
        case .list(let code):
            text(
                .exclusionList,
                ListID.lists(named: code).last.map { list in
                    language(list.name(nil)) + (list.channel.map { " · " + language($0.name) } ?? "")
                } ?? code
            )
        case .filter(let filter):
            filter.kind == .subscribed
                ? text(.exclusionFilterNow, language(filter.kind.name), filter.product)
                : text(.exclusionFilter, language(filter.kind.name), filter.product, "\(filter.days)")
        case .contacted(let category, let days):
            category.map { text(.exclusionSimilar, "\(days)", $0) } ?? text(.exclusionContacted, "\(days)")
        case .campaigns(let ids): text(.exclusionCampaigns, ids.map { "\($0)" }.joined(separator: ", "))
        case .rule(let rule): text(.exclusionRule, rule)
        case .segment(let id): text(.exclusionSegment, "\(id)")
        }
    }
}

extension StrategyFilter.Kind {
    /// The filter's name.
    public var name: BilingualText {
        switch self {
        case .subscribed: BilingualText(zh: "已订购", en: "Subscribed")
        case .tried: BilingualText(zh: "试用后未订购", en: "Tried and did not stay")
        case .bulkUnsubscribed: BilingualText(zh: "批量退订", en: "Ended for many at once")
        case .unsubscribed: BilingualText(zh: "主动退订", en: "Unsubscribed")
        case .complained: BilingualText(zh: "投诉过相关业务", en: "Complained about it")
        case .marketed: BilingualText(zh: "营销过", en: "Was offered it")
        case .cancelledSoon: BilingualText(zh: "开通又取消", en: "Began and cancelled it")
        case .developed: BilingualText(zh: "已发展", en: "Was won for it")
        }
    }
}
