// Pages of loads, and of movements between audiences, with names that try to be markup.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

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
        return [loads, []].map { loads in ("loads \(loads.count)", { LoadsPage(loads: loads).page($0) }) }
    }
}
