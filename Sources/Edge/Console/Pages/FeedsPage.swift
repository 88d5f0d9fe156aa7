// 数据接口: files that other systems send again and again, and what became of them (CON-14).
// SPDX-License-Identifier: Apache-2.0

import Assembly
import HTTPAPI
import Kernel
import Model
import Ports
import Texts

/// The list of files.
struct FeedsPage {
    static let path = "/loads/feeds"

    var files: Page<FeedRow>
    /// Names of all feeds.
    var feeds: [String]
    var query: TableQuery

    static func columns(_ f: Frame) -> [Column<FeedRow>] {
        func count(_ title: ConsoleText, _ value: @escaping (FeedRow) -> Int?) -> Column<FeedRow> {
            Column(f.t(title), isNumber: true, plain: { value($0).map { f.number($0) } ?? "--" })
        }
        return [
            Column(f.t(.feedWord), key: "feed", plain: \.feed),
            Column(
                f.t(.file),
                key: "name",
                plain: \.file.name,
                cell: { "<span class=\"clip\" title=\"\($0.file.name)\">\($0.file.name)</span>" }
            ),
            Column(f.t(.state), key: "state", plain: { f.t($0.file.standing.text) }) {
                tag(f.t($0.file.standing.text), $0.file.standing.tone)
            },
            Column(f.t(.time), key: "time", rank: \.file.at.epochMs, plain: { f.time($0.file.at) }),
            Column(
                f.t(.loadNumber),
                plain: { $0.report?.load ?? "--" },
                cell: { row in row.report.map { "<code>\($0.load)</code>" } ?? "--" }
            ),
            count(.loadRows, \.report?.rows), count(.loadLoaded, \.report?.loaded),
            count(.loadRejected, \.report?.rejected),
            Column(f.t(.reasonWord), plain: { $0.refusal.map { "\($0.code): \($0.text)" } ?? "--" }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        let nothing =
            feeds.isEmpty ? f.t(.noFeeds) : f.t(.noFeedFiles, feeds.joined(separator: f.language("、", ", ")))
        let table = Table(
            f.t(.feedsTitle),
            columns: Self.columns(f),
            page: files,
            query: query,
            exportPath: Self.path + ".csv",
            searchHint: f.t(.searchFeeds),
            empty: emptyState(nothing, linkButton(f.t(.menuLoads), to: LoadsPage.path))
        )
        return Screen(
            item: .loads,
            title: f.t(.feedsTitle),
            hint: f.t(.feedsHint),
            body: card(nil, f.table(table))
        )
    }
}
