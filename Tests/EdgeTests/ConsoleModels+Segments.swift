// Pages of segments with names that try to be markup.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Ports
import Profiles
import Segmentation

@testable import Console

extension ConsoleModels {
    /// A definition with each kind of part.
    var definition: SegmentDefinition {
        SegmentDefinition(
            .rule(evil),
            exclusions: [
                .list(evil), .contacted(category: evil, days: 3), .contacted(category: nil, days: 9), .campaigns([1]),
                .rule(evil), .segment(7),
            ],
            customerLine: .highest(evil),
            pick: .top(5, score: evil)
        )
    }

    /// What it found.
    var foundMembers: FoundMembers {
        FoundMembers(members: Bitset(full: 3), steps: steps, load: evil)
    }

    private var steps: [SegmentStep] {
        [SegmentStep.Kind.source, .scope, .exclusion(0), .exclusion(9), .onePerCustomer, .pick]
            .map { SegmentStep($0, removed: 1, left: 3) }
    }

    var audience: Audience {
        Audience(
            segment: 7,
            revision: 1,
            file: .zero,
            count: 3,
            universe: 9,
            steps: steps,
            load: evil,
            who: evil,
            at: Self.now.instant
        )
    }

    /// The editor for each kind of segment and result, the page of each state, the model and the comparison.
    func segmentPages(_ results: [RuleResult]) -> [Named] {
        let algebra = SegmentAlgebra.union([.segment(7), .difference([.segment(8), .segment(9)])])
        let sources: [SegmentSource] = [
            .rule(evil), .sql(evil), .outcome(CampaignOutcome(campaign: 1, results: CampaignResult.allCases)),
            .members(MemberFile(file: .zero, count: 3, origin: .file, name: evil)), .algebra(algebra),
            .algebra(.difference([.segment(7), .segment(8)])),
        ]
        var pages: [Named] = []
        for (number, source) in sources.enumerated() {
            var shown = segment
            (shown.definition, shown.purpose) = (definition, evil)
            shown.definition.source = source
            let (form, result) = (SegmentForm(shown), results[number % results.count])
            pages.append(
                (
                    "segment editor \(number)",
                    { editor(form, result).page($0) }
                )
            )
        }
        for state in SegmentState.allCases {
            var shown = segment
            (shown.state, shown.purpose, shown.definition) = (state, evil, definition)
            shown.matches = [
                SegmentMatch(subject: evil, channel: .sms, condition: evil, priority: 9),
                SegmentMatch(subject: evil, channel: .outbound),
            ]
            pages.append(("segment \(state)", { page(shown, isUsed: state == .published).page($0) }))
        }
        for result in [nil] + ApprovalResult.allCases.map(Optional.init) {
            var shown = segment
            shown.state = result?.segmentState ?? .computed
            let review = SegmentReview(audience: 3, submittedBy: evil, submittedAt: Self.now.instant)
            shown.review = result.map { review.decided($0, by: evil, at: Self.now.instant, reason: evil) } ?? review
            var detail = page(shown, isUsed: false)
            detail.decision = (evil, evil)
            pages.append(("segment decided \(result?.rawValue ?? "later")", { [detail] in detail.page($0) }))
        }
        var model = segment
        model.definition.source = .rule("arpu > 1 AND brand = '\(evil.replacing("'", with: "''"))'")
        pages.append(("segment model", { [model] in SegmentTemplatePage(model: model).page($0) }))
        var export = SegmentExport(
            segment: segment,
            audience: audience,
            attributes: [evil],
            reason: evil,
            requestedBy: evil,
            requestedAt: Self.now.instant
        )
        for login in [evil, "other"] {
            for state in SegmentExportState.allCases {
                (export.state, export.decidedBy) = (state, evil)
                export.decidedAt = Self.now.instant
                pages.append(
                    (
                        "exports, \(state)",
                        { [export] in
                            SegmentExportsPage(
                                exports: Page(rows: [export], total: 1),
                                query: TableQuery($0),
                                login: login
                            ).page($0)
                        }
                    )
                )
            }
        }
        export.delivery = SegmentDelivery(to: evil, until: LocalDay(number: 20_500))
        (export.state, export.endedBy, export.endedAt) = (.approved, evil, Self.now.instant)
        let file = DeliveredFile(
            export: 1,
            audience: 2,
            name: evil,
            count: 3,
            removed: 4,
            at: Self.now.instant
        )
        for files in [[file], []] {
            pages.append(("delivery", { [export] in SegmentDeliveryPage(export: export, files: files).page($0) }))
        }
        let overlap = Overlap([Bitset(full: 3), Bitset(universe: 3)], threads: 1)
        for found in [overlap, nil] {
            pages.append(
                (
                    "segments compared",
                    { SegmentOverlapPage(choices: [segment], chosen: [segment, segment], overlap: found).page($0) }
                )
            )
        }
        return pages + movementPages + loadPages + spreadPages + requestPages
    }

    /// The catalogue, attributes of each type, and segments beside the base.
    private var spreadPages: [Named] {
        let name = BilingualText(zh: evil, en: evil)
        let types: [AttributeType] = [.flag, .integer, .decimal(scale: 2), .day, .enumeration, .text]
        let attributes = types.enumerated().map { place, type in
            Attribute(
                code: "a\(place)",
                name: name,
                type: type,
                group: evil,
                domain: type == .enumeration ? [DomainValue(value: evil, label: name)] : [],
                unit: evil,
                range: 0...9,
                isHot: place != 5,
                sensitivity: place == 5 ? .masked : .open,
                expression: place == 1 ? evil : nil
            )
        }
        let groups = [AttributeGroup(code: evil, name: name)]
        let catalogue = AttributeCatalogue(groups: groups, attributes: attributes)
        var pages: [Named] = ["", evil].map { group in
            (
                "catalogue \(group.count)",
                {
                    CataloguePage(catalogue: catalogue, nulls: ["a0": 3], subscribers: 9, group: group).page($0)
                }
            )
        }
        let profiled = attributes.map { ProfiledAttribute(attribute: $0, distribution: distribution($0.type)) }
        for entry in profiled {
            for (found, isHidden) in [(entry.distribution, false), (nil, false), (nil, true)] {
                let page = AttributePage(
                    attribute: entry.attribute,
                    group: name,
                    distribution: found,
                    isHidden: isHidden,
                    segments: isHidden ? [] : [segment],
                    uses: CatalogueUse.Kind.allCases.map { CatalogueUse($0, id: 1, name: evil) },
                    revision: 3
                )
                pages.append(("attribute \(entry.attribute.code)", { page.page($0) }))
            }
        }
        let derived = DerivedAttribute(code: evil, name: name, group: evil, expression: evil, decimals: 1, unit: evil)
        for (old, found) in [(nil, nil), (evil, distribution(.integer))] as [(String?, ColumnDistribution?)] {
            let page = DerivedPage(
                form: DerivedForm(derived, group: evil, base: 3),
                old: old,
                groups: groups,
                preview: DerivedPreview(attribute: attributes[1], distribution: found),
                wrong: ("expression", evil)
            )
            pages.append(("derived attribute", { page.page($0) }))
        }
        let revision = CatalogueRevision(
            number: 1,
            at: Instant(epochMs: 0),
            who: evil,
            reason: evil,
            content: CatalogueContent(derived: [derived], hot: [evil: true])
        )
        let changes: [CatalogueChange] = [
            .added(derived), .edited(from: derived, to: derived), .removed(derived),
            .storage(evil, from: true, to: nil),
            .storage(evil, from: nil, to: false),
        ]
        let revisionPage = CatalogueRevisionPage(revision: revision, changes: changes, last: 2)
        pages.append(("catalogue revision", { revisionPage.page($0) }))
        pages.append(
            (
                "catalogue history",
                {
                    let revisions = Page(rows: [revision], total: 1)
                    return CatalogueHistoryPage(revisions: revisions, query: TableQuery($0), last: 1).page($0)
                }
            )
        )
        for members in [3, 0] {
            let profile = SegmentProfile(members: members, base: 9, load: evil, attributes: profiled)
            let scope = OrganisationScope(city: evil)
            pages.append(
                ("segment profile", { SegmentProfilePage(segment: segment, profile: profile, scope: scope).page($0) })
            )
        }
        return pages
    }

    private func distribution(_ type: AttributeType) -> ColumnDistribution {
        let isText = type == .enumeration || type == .text
        let isNumber = !isText && type != .flag
        let quantiles = isNumber ? ColumnDistribution.Quantiles([0, 0, 1, 1, 1]) : nil
        return ColumnDistribution(
            total: .init(base: 9, members: 3),
            nulls: .init(base: 1, members: 1),
            parts: [
                .init(values: 0...0, text: isText ? evil : nil, count: .init(base: 5, members: 1)),
                .init(values: 1...1, text: isText ? "" : nil, count: .init(base: 2, members: 1)),
            ],
            others: .init(base: type == .text ? 1 : 0, members: 0),
            baseQuantiles: quantiles,
            memberQuantiles: quantiles,
            step: isNumber ? 4 : 1,
            distancePPM: 123_456
        )
    }

    private func editor(_ form: SegmentForm, _ result: RuleResult) -> SegmentEditorPage {
        SegmentEditorPage(
            form: form,
            scope: .all,
            catalogue: catalogue,
            segments: [segment],
            campaigns: [campaign()],
            policy: nil,
            result: result,
            nameError: evil
        )
    }

    private func page(_ segment: Segment, isUsed: Bool) -> SegmentDetailPage {
        let user = SegmentUse.User(id: 1, name: evil)
        return SegmentDetailPage(
            segment: segment,
            audiences: isUsed ? [audience, audience] : [],
            revisions: [
                SegmentRevision(
                    segment: 7,
                    number: 1,
                    name: evil,
                    definition: segment.definition,
                    who: evil,
                    at: Self.now.instant
                )
            ],
            use: isUsed ? SegmentUse(campaigns: [user], segments: [user]) : SegmentUse(),
            isEditable: true,
            movement: isUsed ? AudienceMovement(stayed: 1, came: 2, left: 3) : nil,
            parts: (evil, evil, [SegmentPart(label: BilingualText(zh: evil, en: evil), members: Bitset(full: 3))]),
            splitError: evil,
            attributes: catalogue.attributes
        )
    }
}
