// What a definition of a segment comes to, below its editor and on its page.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Model
import Planning
import Ports
import Rules
import Texts

/// What a definition comes to: members, what each step took away and a sample; or what is wrong and where.
enum RuleResult {
    case members(
        definition: SegmentDefinition,
        found: FoundMembers,
        base: Int,
        milliseconds: Int,
        sample: [MaskedMember],
        attributes: [Attribute]
    )
    /// A message with the UTF-16 code units of the text concerned.
    case wrong(String, at: Range<Int>, of: String)
    case failed(String)

    func html(_ f: Frame) -> HTML {
        switch self {
        case .failed(let message): return "<div class=\"notice error\">\(Icon.error.markup)<p>\(message)</p></div>"
        case .wrong(let message, let range, let text): return wrong(message, range, text, f)
        case .members(let definition, let found, let base, let milliseconds, let sample, let attributes):
            let count = Int(found.steps.last?.left ?? 0)
            return """
                \(figures([(f.t(.memberCount), f.number(count), f.t(.shareOfBase, f.share(count, of: base))), (f.t(.countTime), "\(milliseconds) ms", nil)]))
                \(when: found.steps.count > 1, funnel(definition, found, f))
                \(sample.isEmpty ? emptyState(f.t(.noMembers)) : table(definition, sample, attributes, f))
                """
        }
    }

    private func wrong(_ message: String, _ range: Range<Int>, _ whole: String, _ f: Frame) -> HTML {
        let units = Array(whole.utf16)
        let start = min(max(0, range.lowerBound), units.count)
        let end = min(max(start, range.upperBound), units.count)
        func text(_ range: Range<Int>) -> String { String(decoding: units[range], as: UTF16.self) }
        let lines = text(0..<start).split(separator: "\n", omittingEmptySubsequences: false)
        return """
            <div class="notice error" data-start="\(start)" data-end="\(max(end, start))">\(Icon.error.markup)<p>\
            \(f.t(.rulePlace, "\(lines.count)", "\((lines.last?.count ?? 0) + 1)"))\(message)</p>\
            <button type="button" class="button small" data-jump>\(f.t(.jumpToError))</button></div>
            <pre class="marked">\(text(0..<start))<mark>\(start == end ? " " : text(start..<end))</mark>\
            \(text(end..<units.count))</pre>
            """
    }

    static func sampleColumns(_ attributes: [Attribute], _ f: Frame) -> [Column<MaskedMember>] {
        [Column(f.t(.msisdn), plain: \.msisdn)]
            + attributes.map { attribute in
                Column(
                    f.title(attribute),
                    isNumber: attribute.isNumber,
                    plain: { attribute.shown($0.attributes[attribute.code] ?? "", f.language) }
                )
            }
    }

    private func funnel(_ definition: SegmentDefinition, _ found: FoundMembers, _ f: Frame) -> HTML {
        """
        <div class="tools spread"><h3>\(f.t(.exclusionFunnel))</h3>\
        <textarea name="definition" form="funnel" hidden>\(definition.json)</textarea>\
        <button class="button small" type="submit" form="funnel" formaction="/segments/funnel.csv">\
        \(Icon.download.markup)\(f.t(.exportCSV))</button></div>
        \(f.funnel(found.steps, of: definition))
        """
    }

    /// The export belongs to a form of its own: the editor's is for saving.
    private func table(
        _ definition: SegmentDefinition,
        _ sample: [MaskedMember],
        _ attributes: [Attribute],
        _ f: Frame
    ) -> HTML {
        """
        <div class="tools spread"><span>\(f.t(.sampleCaption, f.number(sample.count)))</span>\
        <textarea name="definition" form="sample" hidden>\(definition.json)</textarea>\
        <button class="button small" type="submit" form="sample">\(Icon.download.markup)\(f.t(.exportCSV))</button></div>
        <div class="scroll" tabindex="0" role="region" aria-label="\(f.t(.sample))">\
        \(f.plainTable(Self.sampleColumns(attributes, f), sample))</div>
        """
    }
}

extension SegmentDefinition {
    /// As JSON text.
    var json: String { (try? canonicalJSON()).map { String(decoding: $0, as: UTF8.self) } ?? "" }
}

extension Frame {
    /// The steps of a definition as a funnel, and as a table.
    func funnel(_ steps: [SegmentStep], of definition: SegmentDefinition) -> HTML {
        let items = steps.map { step in
            Chart.Item(
                name: self.step(step.kind, of: definition),
                value: Double(step.left),
                label: number(Int(step.left))
            )
        }
        return chart(
            Chart(kind: .funnel, items: items, description: t(.exclusionFunnel)),
            TextTable(stepColumns(of: definition), steps)
        )
    }

    /// Steps of a definition as a table.
    func stepColumns(of definition: SegmentDefinition) -> [Column<SegmentStep>] {
        [
            Column(t(.step), plain: { self.step($0.kind, of: definition) }),
            Column(t(.stepRemoved), isNumber: true, plain: { self.number(Int($0.removed)) }),
            Column(t(.stepLeft), isNumber: true, plain: { self.number(Int($0.left)) }),
        ]
    }

    /// What a step did, in words.
    func step(_ kind: SegmentStep.Kind, of definition: SegmentDefinition) -> String {
        kind.text(of: definition, language)
    }

    /// An exclusion in words.
    func exclusion(_ exclusion: SegmentExclusion) -> String { exclusion.text(language) }
}

extension SegmentState {
    var tone: Tone {
        switch self {
        case .draft, .expired: .neutral
        case .saved: .info
        case .computed: .warn
        case .published: .good
        }
    }
}

extension SegmentSharing {
    var text: ConsoleText {
        switch self {
        case .owner: .sharedOwner
        case .scope: .sharedScope
        case .everyone: .sharedEveryone
        }
    }
}

extension CampaignResult {
    var text: ConsoleText {
        switch self {
        case .contacted: .contacted
        case .control: .controlArm
        case .delivered: .resultDelivered
        case .failed: .resultFailed
        case .accepted: .poolAccepted
        case .refused: .poolRefused
        case .considering: .standingConsidering
        case .replied: .resultReplied
        case .unsubscribed: .resultUnsubscribed
        case .silent: .resultSilent
        }
    }
}
