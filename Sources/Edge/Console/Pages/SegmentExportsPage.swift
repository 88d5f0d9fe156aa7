// Exports of members with full numbers: asked for, agreed to by a second person, fetched.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Texts

/// The list of exports.
struct SegmentExportsPage {
    var exports: Page<SegmentExport>
    var query: TableQuery
    /// Who reads it.
    var login: String

    static func columns(_ f: Frame) -> [Column<SegmentExport>] {
        [
            Column(f.t(.idWord), key: "number", isNumber: true, plain: { "\($0.id)" }),
            Column(f.t(.segment), key: "name", plain: \.name) {
                "<a href=\"/segments/\(Int($0.segment))\">\($0.name)</a>"
            },
            Column(f.t(.memberCount), isNumber: true, plain: { f.number(Int($0.count)) }),
            Column(f.t(.reasonWord), plain: \.reason),
            Column(f.t(.askedBy), key: "who", plain: \.requestedBy),
            Column(f.t(.time), plain: { f.time($0.requestedAt) }),
            Column(f.t(.state), key: "state", plain: { f.t($0.state.text) }) { tag(f.t($0.state.text), $0.state.tone) },
            Column(f.t(.decidedBy), plain: { $0.decidedBy ?? "--" }),
            Column(f.t(.delivery), plain: { f.delivery(of: $0) ?? "--" }) { export in
                let text = f.delivery(of: export)
                return text.map { "<a href=\"/segments/exports/\(export.id)\">\($0)</a>" } ?? "--"
            },
        ]
    }

    func page(_ f: Frame) -> Screen {
        let table = Table(
            f.t(.segmentExports),
            columns: Self.columns(f),
            page: exports,
            query: query,
            exportPath: "/segments/exports.csv",
            searchHint: f.t(.searchExports),
            empty: emptyState(f.t(.noExports), linkButton(f.t(.menuSegments), to: "/segments")),
            actions: { acts(on: $0, f) }
        )
        return Screen(
            item: .segments,
            title: f.t(.segmentExports),
            hint: f.t(.segmentExportsHint),
            body: card(nil, f.table(table))
        )
    }

    /// What agreeing to it means.
    private func effect(_ export: SegmentExport, _ f: Frame) -> String {
        guard let delivery = export.delivery else { return f.t(.exportEffect, export.requestedBy) }
        return delivery.until.map { f.t(.deliveriesEffect, delivery.system, $0.iso) }
            ?? f.t(.deliveryEffect, delivery.system)
    }

    private func acts(on export: SegmentExport, _ f: Frame) -> HTML {
        let path = "/segments/exports/\(export.id)"
        let mayDecide = f.may(.approve) && export.state == .waiting && export.requestedBy != login
        let question = Question(
            title: f.t(.exportQuestion, export.name, f.number(Int(export.count))),
            effect: effect(export, f)
        )
        return """
            \(when: mayDecide, actionButton(f.t(.agree), to: "\(path)/approve", isPrimary: true, question: question))
            \(when: mayDecide, actionButton(f.t(.refuseWord), to: "\(path)/refuse"))
            \(when: export.requestedBy == login && export.isOpen(at: f.now.instant), "<a class=\"button small\" href=\"\(path)/members.csv\" download>\(Icon.download.markup)\(f.t(.fetchExport))</a>")
            """
    }
}

extension Frame {
    /// Where an export goes by itself; nil when whoever asked fetches it.
    func delivery(of export: SegmentExport) -> String? {
        guard let delivery = export.delivery else { return nil }
        let until = delivery.until.map { t(.deliveredUntil, delivery.system, $0.iso) } ?? delivery.system
        return export.endedAt == nil ? until : t(.deliveryEnded, until)
    }
}

extension SegmentExportState {
    var tone: Tone {
        switch self {
        case .waiting: .warn
        case .approved: .good
        case .refused: .bad
        }
    }
}
