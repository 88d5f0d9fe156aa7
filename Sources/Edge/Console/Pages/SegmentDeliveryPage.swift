// An export that goes to another system: the files it gave, and its end.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Texts

/// One export with its files.
struct SegmentDeliveryPage {
    var export: SegmentExport
    /// The latest audience first.
    var files: [DeliveredFile]

    static func columns(_ f: Frame) -> [Column<DeliveredFile>] {
        [
            Column(f.t(.audienceWord), key: "audience", isNumber: true, rank: \.audience, plain: { "\($0.audience)" }),
            Column(f.t(.deliveredFile), key: "file", plain: \.name, cell: { "<code>\($0.name)</code>" }),
            Column(f.t(.deliveredRows), key: "rows", isNumber: true, rank: \.count, plain: { f.number(Int($0.count)) }),
            Column(
                f.t(.leftOutAtDelivery),
                key: "left",
                isNumber: true,
                rank: \.removed,
                plain: { f.number(Int($0.removed)) }
            ),
            Column(f.t(.time), key: "at", rank: \.at.epochMs, plain: { f.time($0.at) }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        let path = "/segments/exports/\(export.id)"
        let isOpen = export.delivery != nil && export.state == .approved && export.endedAt == nil
        let mayEnd = isOpen && (f.may(.approve) || export.requestedBy == f.staff?.login)
        let question = Question(
            title: f.t(.endDeliveryQuestion, export.name, export.delivery?.system ?? ""),
            effect: f.t(.endDeliveryEffect),
            isDangerous: true
        )
        var about: [(label: String, value: HTML)] = [
            (f.t(.segment), "<a href=\"/segments/\(Int(export.segment))\">\(export.name)</a>"),
            (f.t(.state), tag(f.t(export.state.text), export.state.tone)),
            (f.t(.delivery), "\(f.delivery(of: export) ?? f.t(.fetchedByAsker))"),
            (f.t(.reasonWord), "\(export.reason)"),
            (f.t(.exportAttributes), "\(export.attributes.isEmpty ? "--" : export.attributes.joined(separator: ", "))"),
            (f.t(.askedBy), "\(export.requestedBy) \(f.time(export.requestedAt))"),
            (f.t(.decidedBy), "\(export.decidedBy ?? "--") \(export.decidedAt.map { f.time($0) } ?? "")"),
        ]
        if let endedAt = export.endedAt {
            about.append((f.t(.deliveryEndedBy), "\(export.endedBy ?? "") \(f.time(endedAt))"))
        }
        return Screen(
            item: .segments,
            title: f.t(.exportTitle, "\(export.id)"),
            hint: f.t(.deliveryHint),
            above: [(f.t(.segmentExports), "/segments/exports")],
            actions: mayEnd ? actionButton(f.t(.endDelivery), to: path + "/end", question: question) : .empty,
            body: """
                \(card(nil, facts(about)))
                \(card(f.t(.deliveredFiles), f.table(
                    f.t(.deliveredFiles), Self.columns(f), of: files, exportPath: path + "/files.csv",
                    empty: emptyState(f.t(.nothingDelivered)))))
                """
        )
    }
}
