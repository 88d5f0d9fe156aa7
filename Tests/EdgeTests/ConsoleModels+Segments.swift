// Pages of segments with names that try to be markup.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Ports
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

    private var audience: Audience {
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
            pages.append(("segment \(state)", { page(shown, isUsed: state == .published).page($0) }))
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
        let overlap = Overlap([Bitset(full: 3), Bitset(universe: 3)], threads: 1)
        for found in [overlap, nil] {
            pages.append(
                (
                    "segments compared",
                    { SegmentOverlapPage(choices: [segment], chosen: [segment, segment], overlap: found).page($0) }
                )
            )
        }
        return pages
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
