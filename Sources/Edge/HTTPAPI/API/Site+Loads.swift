// API: loads of the operator's tables, and taking one out again.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Hummingbird
import Kernel
public import Model
public import Planning
import Ports

/// Which loads a list has.
private enum LoadChoice: String, CaseIterable {
    case live, removed, all

    func has(_ load: ListedLoad) -> Bool { self == .all || (self == .live) == (load.removal == nil) }
}

extension JSONObject {
    init(_ load: ListedLoad) {
        self = [
            "id": load.id, "at": load.at.iso, "who": load.who, "file": load.file, "table": load.table,
            "rows": load.rows, "loaded": load.loaded, "rejected": load.rejected,
            "state": (load.removal == nil ? LoadChoice.live : .removed).rawValue,
            "removedAt": load.removal?.at.iso, "removedBy": load.removal?.who,
        ]
    }
}

extension Site {
    private static let loadColumns: [CSVColumn<ListedLoad>] = [
        CSVColumn("装载编号", "Load") { $0.id }, CSVColumn("时间", "Time") { $0.at.iso },
        CSVColumn("装载人", "By") { $0.who }, CSVColumn("表", "Table") { $0.table ?? "" },
        CSVColumn("文件", "File") { $0.file }, CSVColumn("行数", "Rows") { $0.rows.map { "\($0)" } ?? "" },
        CSVColumn("已装载", "Loaded") { $0.loaded.map { "\($0)" } ?? "" },
        CSVColumn("拒绝", "Rejected") { $0.rejected.map { "\($0)" } ?? "" },
        CSVColumn("撤回时间", "Taken out") { $0.removal?.at.iso ?? "" },
        CSVColumn("撤回人", "Taken out by") { $0.removal?.who ?? "" },
    ]

    func addLoadRoutes() {
        get("\(Self.api)/loads", .manageLoads) { [self] request, context in
            guard let choice = LoadChoice(rawValue: request.query("state") ?? LoadChoice.live.rawValue) else {
                throw EdgeError.badRequest(field: "state", why: "use live, removed or all")
            }
            let table = request.query("table")
            let loads = try await platform.loading.history().filter {
                choice.has($0) && (table == nil || $0.table == table)
            }
            return try await answer(
                request,
                context,
                name: "loads",
                rows: loads,
                columns: Self.loadColumns,
                json: loads.map { JSONObject($0) }
            )
        }
        post("\(Self.api)/loads/{load}/rollback", .manageLoads) { [self] request, context in
            try await keys.once(request, context, isNeeded: true) { _ in
                let id = context.parameters.get("load") ?? ""
                return try Response.json(JSONObject(try await takeOut(load: id, by: try context.user())))
            }
        }
    }

    /// Takes a load out again.
    ///
    /// - Throws: `LoadingError`; ``EdgeError/forbidden(_:)`` for staff of a part of the organisation, for a load is of the
    ///   whole operator.
    public func takeOut(load id: String, by staff: Staff) async throws -> ListedLoad {
        guard staff.scope == .all else { throw EdgeError.forbidden(.manageLoads) }
        let id = String(id.prefix(128))
        let who = try await platform.loading.history().last { $0.id == id && $0.removal == nil }?.who ?? ""
        let at = now
        let record = try await platform.loading.rollback(id, by: staff.login, at: at)
        var load = ListedLoad(record, by: who)
        load.removal = ListedLoad.Removal(at: at, who: staff.login)
        return load
    }
}
