// Pages of loads, and of movements between audiences, with names that try to be markup.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import HTTPAPI
import Kernel
import Model
import Ports

@testable import Console
@testable import Planning

extension ConsoleModels {
    /// With and without anybody who came or left.
    var movementPages: [Named] {
        let member = MaskedMember(msisdn: evil, attributes: ["brand": evil])
        return [[MovementSide.came: [member], .left: [member]], [:]].map { samples in
            let page = SegmentMovementPage(
                segment: segment,
                audiences: [audience, audience],
                change: AudienceChange(
                    earlier: audience,
                    later: audience,
                    counts: AudienceMovement(stayed: 1, came: 2, left: 0),
                    came: Bitset(universe: 9),
                    left: Bitset(universe: 9)
                ),
                samples: samples,
                attributes: catalogue.attributes
            )
            return ("movement \(samples.count)", { page.page($0) })
        }
    }

    /// Loads of each table, one that was taken out, and none.
    var loadPages: [Named] {
        let tables = ["subscriber", "subscriber_month", "contact", "complaint", "subscription", evil]
        var loads = tables.map { table in
            let record = LoadRecord(
                id: evil,
                at: Self.now.instant,
                file: evil,
                table: table,
                rows: 3,
                loaded: 2,
                rejected: 1,
                folder: evil
            )
            return ListedLoad(record, by: evil)
        }
        var removed = loads[0]
        removed.removal = ListedLoad.Removal(at: Self.now.instant, who: evil)
        (removed.table, removed.rows) = (nil, nil)
        loads.append(removed)
        return [loads, []].map { loads in ("loads \(loads.count)", { LoadsPage(loads: loads).page($0) }) } + feedPages
    }

    /// Files of each standing, a feed without files, and no feed.
    private var feedPages: [Named] {
        let rows = InboxFile.Standing.allCases.map { standing in
            FeedRow(
                feed: evil,
                file: InboxFile(name: evil, key: evil, standing: standing, at: Self.now.instant),
                refusal: standing == .refused ? (evil, evil) : nil
            )
        }
        return [(rows, [evil]), ([], [evil]), ([], [])].map { rows, feeds in
            (
                "feeds \(rows.count) of \(feeds.count)",
                { FeedsPage(files: Page(rows: rows, total: rows.count), feeds: feeds, query: TableQuery($0)).page($0) }
            )
        }
    }
}
