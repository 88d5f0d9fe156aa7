// 超限用户.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import HTTPAPI
import Kernel
import Model
import Ports
import Texts

extension Console {
    func addOverruns() {
        page(OverrunsPage.path, .explain) { frame, _, context in
            let query = TableQuery(frame)
            let report = try await site.overruns(matching: query.search, for: context.user())
            return OverrunsPage(
                report: report,
                rows: try await overrunRows(of: report, query.list),
                names: try await site.eventNames(),
                query: query
            ).page(frame)
        }
        export(OverrunsPage.path + "/summary.csv", .explain, columns: OverrunsPage.countColumns) { frame, context in
            let report = try await site.overruns(matching: TableQuery(frame).search, for: context.user())
            let columns = OverrunsPage.countColumns(frame)
            return TableQuery(frame, prefix: "c.").page(of: report.counts, columns, isWhole: true).rows
        }
        export(OverrunsPage.path + "/subscribers.csv", .explain) { frame, context in
            let query = TableQuery(frame)
            let report = try await site.overruns(matching: query.search, for: context.user())
            let rows = try await everything(query) { try await overrunRows(of: report, $0) }
            return csv(OverrunsPage.columns(frame, try await site.eventNames()), rows)
        }
    }

    private func overrunRows(of report: OverrunReport, _ query: ListQuery) async throws -> Page<OverrunRow> {
        let page = try await site.overruns(of: report, query)
        return Page(
            rows: page.rows.map { OverrunRow(subscriber: $0, number: site.maskedNumber(of: $0)) },
            total: page.total
        )
    }
}
