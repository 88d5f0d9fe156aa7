// API: loads of the operator's tables, and taking one out again.
// SPDX-License-Identifier: Apache-2.0

public import Assembly
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

extension JSONObject {
    init(_ row: FeedRow) {
        self = [
            "name": row.file.name, "state": row.file.standing.rawValue, "at": row.file.at.iso, "load": row.report?.load,
            "rows": row.report?.rows, "loaded": row.report?.loaded, "rejected": row.report?.rejected,
            "problem": row.refusal.map { ["code": $0.code, "text": $0.text] as JSONObject },
        ]
    }
}

/// A file of a feed, with what became of it.
public struct FeedRow: Sendable {
    /// The feed's name.
    public var feed: String
    public var file: InboxFile
    /// What it brought, once it is looked at.
    public var report: Feed.Report?
    /// Why it was refused, once it is looked at.
    public var refusal: (code: String, text: String)?

    /// Joins the parts.
    public init(
        feed: String,
        file: InboxFile,
        report: Feed.Report? = nil,
        refusal: (code: String, text: String)? = nil
    ) {
        (self.feed, self.file, self.report, self.refusal) = (feed, file, report, refusal)
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
        get("\(Self.api)/feeds", .manageLoads) { [self] _, context in
            let feeds = try await feeds(for: try context.user()).map { feed in
                [
                    "name": feed.name, "table": feed.table, "waiting": feed.count(.waiting),
                    "taken": feed.count(.taken),
                    "refused": feed.count(.refused),
                ] as JSONObject
            }
            return try Response.json(feeds)
        }
        get("\(Self.api)/feeds/{feed}/files", .manageLoads) { [self] _, context in
            let name = context.parameters.get("feed") ?? ""
            guard let feed = try await feeds(for: try context.user()).first(where: { $0.name == name }) else {
                throw FeedError.unknownFeed(String(name.prefix(100)))
            }
            // The newest are enough: each says what it did.
            let rows = try feed.files.prefix(1_000).map { try told(FeedRow(feed: feed.name, file: $0)) }
            return try Response.json(rows.map { JSONObject($0) })
        }
        post("\(Self.api)/feeds/{feed}/files", .manageLoads) { [self] request, context in
            guard try context.user().scope == .all else { throw EdgeError.forbidden(.manageLoads) }
            let feed = String((context.parameters.get("feed") ?? "").prefix(100))
            guard let name = request.query("name") else {
                throw EdgeError.badRequest(field: "name", why: "say what the file is called")
            }
            return try await keys.once(request, context, uploadingTo: platform.directory.temporary) { upload in
                try platform.feeds.put(upload.path, into: feed, as: name)
                var response = try Response.json(["name": name, "state": InboxFile.Standing.waiting.rawValue])
                response.status = .accepted
                return response
            }
        }
        post("\(Self.api)/loads/{load}/rollback", .manageLoads) { [self] request, context in
            try await keys.once(request, context, isNeeded: true) { _ in
                let id = context.parameters.get("load") ?? ""
                return try Response.json(JSONObject(try await takeOut(load: id, by: try context.user())))
            }
        }
    }

    /// All feeds, for those who see the whole operator.
    ///
    /// - Throws: ``EdgeError/forbidden(_:)`` for others, `DataDirectoryError`.
    public func feeds(for staff: Staff) async throws -> [Feed] {
        guard staff.scope == .all else { throw EdgeError.forbidden(.manageLoads) }
        return try await platform.feeds.all()
    }

    /// A file with what became of it.
    ///
    /// - Throws: `DataDirectoryError`.
    public func told(_ row: FeedRow) throws -> FeedRow {
        var row = row
        row.report = try platform.feeds.report(of: row.file, in: row.feed)
        row.refusal = try platform.feeds.refusal(of: row.file, in: row.feed)
        return row
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
