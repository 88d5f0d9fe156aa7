// A segment is made of a list of numbers: the form, and what became of the rows.
// SPDX-License-Identifier: Apache-2.0

import Model
import Planning
import Texts

/// The page where a list is brought.
struct SegmentImportPage {
    var name = ""
    var numbers = NumberListFields()
    var error: String?
    var nameError: String?

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .segments,
            title: f.t(.newSegment),
            hint: f.t(.segmentImportHint),
            body: """
                \(SegmentKind.ways(current: .members, f))
                \(card(f.t(.importFile), """
                    <form method="post" action="/segments/import" enctype="multipart/form-data" class="stack">
                    \(field(f.t(.name), id: "name", isRequired: true, error: nameError, input("name", name, isRequired: true, maxLength: 100)))
                    \(numbers.content(action: "/segments/import", error: error, rows: 5, f))
                    <div class="fields">\(numbers.choice(f))</div>
                    <button class="button primary" type="submit">\(Icon.upload.markup)\(f.t(.importFile))</button></form>
                    """))
                """
        )
    }
}

extension SegmentKind {
    /// The ways to begin a segment, as tabs.
    static func ways(current: SegmentKind, _ f: Frame) -> HTML {
        tabs(
            f.t(.kindOfSegment),
            Self.allCases.map { kind in
                let path = kind == .members ? "/segments/import" : "/segments/new?kind=\(kind.rawValue)"
                return (f.t(kind.text), path, nil, kind == current)
            }
        )
    }
}

extension SegmentImport {
    /// What became of the rows, on the page of the segment that they made.
    func reportCard(id: Int, _ f: Frame) -> HTML {
        var counts: [(label: String, value: String, hint: String?)] = [
            (f.t(.linesRead), f.number(report.rows), nil), (f.t(.memberCount), f.number(report.members), nil),
        ]
        for code in MemberReport.Code.allCases {
            if let count = report.left[code] { counts.append((f.t(code.text), f.number(count), nil)) }
        }
        let more = report.leftOut - report.rejects.count
        return card(
            f.t(.importReport, file),
            id: "report",
            """
            \(figures(counts))
            \(when: report.leftOut > 0, f.table(
                f.t(.rejected), ListsPage.rejectColumns(f), of: report.rejects, prefix: "i.",
                exportPath: "/segments/imports/\(id)/rejects.csv", empty: .empty))
            \(when: more > 0, "<p class=\"help\">\(f.t(.moreRejects, f.number(more)))</p>")
            """
        )
    }
}
