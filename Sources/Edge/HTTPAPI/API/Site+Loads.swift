// API: loads of the operator's tables, and taking one out again.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Hummingbird
import Kernel
import Model
import Planning
import Ports

extension Site {
    private struct Load: Encodable {
        var id: String
        var at: String
        var file: String
        var table: String
        var rows: Int
        var loaded: Int
        var rejected: Int

        init(_ record: LoadRecord) {
            id = record.id
            at = record.at.iso
            file = record.file
            table = record.table
            rows = record.rows
            loaded = record.loaded
            rejected = record.rejected
        }
    }

    private static let loadColumns: [CSVColumn<LoadRecord>] = [
        CSVColumn("装载编号", "Load") { $0.id }, CSVColumn("时间", "Time") { $0.at.iso },
        CSVColumn("表", "Table") { $0.table }, CSVColumn("文件", "File") { $0.file },
        CSVColumn("行数", "Rows") { "\($0.rows)" }, CSVColumn("拒绝", "Rejected") { "\($0.rejected)" },
    ]

    func addLoadRoutes() {
        get("\(Self.api)/loads", .manageLoads) { [self] request, context in
            let loads = try await platform.store.loads(table: request.query("table"))
            return try await answer(
                request,
                context,
                name: "loads",
                rows: loads,
                columns: Self.loadColumns,
                json: loads.map(Load.init)
            )
        }
        post("\(Self.api)/loads/{load}/rollback", .manageLoads) { [self] request, context in
            try await keys.once(request, context, isNeeded: true) { _ in
                let staff = try context.user()
                // A load is of the whole operator.
                guard staff.scope == .all else { throw EdgeError.forbidden(.manageLoads) }
                let id = String((context.parameters.get("load") ?? "").prefix(128))
                return try Response.json(Load(try await platform.loading.rollback(id, by: staff.login, at: now)))
            }
        }
    }
}
