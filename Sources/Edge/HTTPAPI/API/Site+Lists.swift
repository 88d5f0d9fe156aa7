// API: special lists by hand. Numbers travel in bodies only, so that no log of addresses holds one.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Hummingbird
public import Kernel
public import Model
public import Planning
import Ports

extension Site {
    private struct LookUp: Decodable {
        var number: String
    }

    private struct Change: Decodable {
        var number: String
        var channel: String?
        var reason: String
        var from: String?
        var to: String?

        /// A day of the entry.
        func day(_ field: String, _ text: String?) throws(EdgeError) -> LocalDay? {
            guard let text, !text.isEmpty else { return nil }
            return try LocalDay(day: text, field: field)
        }
    }

    private struct Changed: Encodable {
        var isChanged: Bool
        var entries: [JSONObject]
    }

    private struct Entries: Encodable {
        var subscriber: UInt32
        var number: String
        var entries: [JSONObject]
    }

    private struct Settings: Decodable {
        var version: Int
        var roles: [Role]?
        var logins: [String]?
        var everyDays: Int?
        var rule: String?
        var reason: String
    }

    /// A list, its size, and how it is kept up.
    private typealias KeptList = (size: ListSize, upkeep: ListUpkeep?)

    private struct Imported: Encodable {
        var rows: Int
        var members: Int
        var added: Int
        var removed: Int
        var present: Int
        var planned: Int
        var left: [String: Int]
        var rejects: [MemberReport.Reject]

        init(_ done: ListImport) {
            (rows, members) = (done.report.rows, done.report.members)
            (added, removed) = (done.added, done.removed)
            (present, planned) = (done.present, done.planned)
            left = Dictionary(uniqueKeysWithValues: done.report.left.map { ($0.key.rawValue, $0.value) })
            rejects = done.report.rejects
        }
    }

    private static let listColumns: [CSVColumn<KeptList>] = [
        CSVColumn("名单", "List") { $0.size.list.code },
        CSVColumn("渠道", "Channel") { $0.size.list.channel?.code ?? "" },
        CSVColumn("用户数", "Subscribers") { "\($0.size.count)" },
        CSVColumn("最近更新", "Last updated") { $0.upkeep?.last?.at.iso ?? "" },
        CSVColumn("更新人", "By whom") { $0.upkeep?.last?.who ?? "" },
        CSVColumn("更新方式", "How") { $0.upkeep?.last?.way.rawValue ?? "" },
        CSVColumn("下次更新期限", "Next expected") { $0.upkeep?.nextDay?.iso ?? "" },
    ]

    /// How special lists are kept up, by code, on the operator's calendar.
    public func listUpkeep(of lists: [ListID]) async throws -> [String: ListUpkeep] {
        let clock = platform.clock
        return try await self.lists.upkeep(of: Set(lists.map(\.code))) { clock.local($0).day }
    }

    func addListRoutes() {
        get("\(Self.api)/lists", .viewLists) { [self] request, context in
            let sizes = try await listSizes(in: try context.user().scope)
            let upkeep = try await listUpkeep(of: sizes.map(\.list))
            let (kept, today) = (sizes.map { (size: $0, upkeep: upkeep[$0.list.code]) }, today)
            return try await answer(
                request,
                context,
                name: "lists",
                rows: kept,
                columns: Self.listColumns,
                json: kept.map { JSONObject($0.size, $0.upkeep, today: today) }
            )
        }
        get("\(Self.api)/lists/{code}/settings", .viewLists) { [self] _, context in
            let code = try Self.list(context, channel: nil).code
            guard ListID.standardCodes.contains(code) else { throw EdgeError.notFound("list \(code.prefix(30))") }
            return try Response.json(JSONObject(code, try await lists.setting(of: code)))
        }
        on(.put, "\(Self.api)/lists/{code}/settings", .manageStaff) { [self] request, context in
            let (staff, code) = (try context.user(), try Self.list(context, channel: nil).code)
            let form = try await request.json(Settings.self, context)
            let said = ListSetting(
                list: code,
                roles: Set(form.roles ?? []),
                logins: Set(form.logins ?? []),
                everyDays: form.everyDays,
                rule: form.rule.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 },
                reason: form.reason,
                who: staff.login,
                at: now,
                version: form.version
            )
            return try Response.json(JSONObject(code, try await lists.say(said, by: staff, at: now)))
        }
        post("\(Self.api)/lists/look-up", .viewLists) { [self] request, context in
            let staff = try context.user()
            let number = try await request.json(LookUp.self, context).number
            let index = try await subscriber(number, for: staff)
            try await audit(staff.login, "subscriber.look_up", "subscriber/\(index.number)", detail: "lists")
            return try await Response.json(
                Entries(
                    subscriber: index.number,
                    number: platform.numbers.current.number(of: index)?.national ?? "",
                    entries: lists.entries(of: index).map { JSONObject($0) }
                )
            )
        }
        addListChanges()
    }

    private func addListChanges() {
        for (action, isAdded) in [("add", true), ("remove", false)] {
            post("\(Self.api)/lists/{code}/\(action)", .editLists) { [self] request, context in
                try await keys.once(request, context) { request in
                    let staff = try context.user()
                    let input = try await request.json(Change.self, context)
                    let list = try Self.list(context, channel: input.channel)
                    let index = try await subscriber(input.number, for: staff)
                    let isChanged =
                        if isAdded {
                            try await lists.add(
                                index,
                                to: list,
                                from: input.day("from", input.from),
                                until: input.day("to", input.to),
                                reason: input.reason,
                                by: staff,
                                at: now
                            )
                        } else {
                            try await lists.remove(index, from: list, reason: input.reason, by: staff, at: now)
                        }
                    let entries = try await lists.entries(of: index).map { JSONObject($0) }
                    return try Response.json(Changed(isChanged: isChanged, entries: entries))
                }
            }
        }
        post("\(Self.api)/lists/{code}/import", .editLists) { [self] request, context in
            let staff = try context.user()
            let list = try Self.list(context, channel: request.query("channel"))
            let (kind, mode): (IdentityKind, ListImportMode) = (
                try Self.choice(request, "kind") ?? .msisdn, try Self.choice(request, "mode") ?? .add
            )
            let (from, until) = (try Self.day(request, "from"), try Self.day(request, "to"))
            return try await keys.once(request, context, uploadingTo: platform.directory.temporary) { upload in
                let source = platform.list(
                    file: upload.path,
                    name: String((request.query("name") ?? "upload").prefix(200)),
                    kind: kind,
                    column: IdentityColumn(typed: request.query("column") ?? "")
                )
                let done = try await lists.change(
                    list,
                    by: source,
                    mode: mode,
                    from: from,
                    until: until,
                    reason: request.query("reason") ?? "",
                    by: staff,
                    at: now
                )
                return try Response.json(Imported(done))
            }
        }
        get("\(Self.api)/lists/{code}/export", .editLists) { [self] request, context in
            let staff = try context.user()
            let list = try Self.list(context, channel: request.query("channel"))
            let numbers = try await lists.members(of: list, in: staff.scope)
            try await audit(staff.login, "export", "list/\(list.code)", detail: "\(numbers.count) numbers")
            return CSV.response(
                name: list.code,
                rows: numbers,
                columns: [CSVColumn("手机号码", "Number") { $0.national }],
                language: context.language
            )
        }
    }

    /// A day of a parameter; nil when it is absent.
    private static func day(_ request: Request, _ name: String) throws(EdgeError) -> LocalDay? {
        guard let text = request.query(name) else { return nil }
        return try LocalDay(day: text, field: name)
    }

    /// One of a few values of a parameter; nil when it is absent.
    static func choice<Value: RawRepresentable & CaseIterable>(
        _ request: Request,
        _ name: String
    ) throws(EdgeError) -> Value? where Value.RawValue == String {
        guard let text = request.query(name) else { return nil }
        guard let value = Value(rawValue: text) else {
            throw .badRequest(field: name, why: "use \(Value.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }

    /// The list named by path and channel.
    private static func list(_ context: EdgeContext, channel: String?) throws(EdgeError) -> ListID {
        let code = String((context.parameters.get("code") ?? "").prefix(64))
        guard let channel, !channel.isEmpty else { return ListID(named: code) }
        guard let known = ChannelClass(code: channel) else {
            throw .badRequest(field: "channel", why: "use sms, outbound, inbound or website, or leave it out")
        }
        return ListID(named: code, channel: known)
    }
}

extension JSONObject {
    /// A list, its size, and how it is kept up.
    public init(_ size: ListSize, _ upkeep: ListUpkeep?, today: LocalDay) {
        self = [
            "code": size.list.code, "channel": size.list.channel?.code, "count": size.count,
            "updatedAt": upkeep?.last?.at.iso, "updatedBy": upkeep?.last?.who,
            "updatedHow": upkeep?.last?.way.rawValue, "everyDays": upkeep?.setting?.everyDays,
            "nextDay": upkeep?.nextDay?.iso, "isOverdue": upkeep?.isOverdue(on: today) ?? false,
        ]
    }

    /// Who may change a list, and how often that is expected.
    public init(_ code: String, _ setting: ListSetting?) {
        self = [
            "code": code, "version": setting?.version ?? 0, "roles": (setting?.roles ?? []).map(\.rawValue).sorted(),
            "logins": (setting?.logins ?? []).sorted(), "everyDays": setting?.everyDays, "rule": setting?.rule,
            "reason": setting?.reason,
            "who": setting?.who, "at": setting?.at.iso,
        ]
    }

    /// A change of a subscriber's entry of a list.
    public init(_ change: ListChange) {
        self = [
            "at": change.at.iso, "who": change.who, "code": change.list.code, "channel": change.list.channel?.code,
            "isAdded": change.isAdded, "reason": change.reason,
        ]
    }
}
