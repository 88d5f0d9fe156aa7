// API: special lists by hand. Numbers travel in bodies only, so that no log of addresses holds one.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Hummingbird
import Kernel
import Model
import Planning

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
            guard let day = LocalDay(iso: text) else {
                throw .badRequest(field: field, why: "write the day as YYYY-MM-DD")
            }
            return day
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

    private struct Size: Encodable {
        var code: String
        var channel: String?
        var count: Int
    }

    private struct Imported: Encodable {
        var rows: Int
        var members: Int
        var added: Int
        var removed: Int
        var present: Int
        var left: [String: Int]
        var rejects: [MemberReport.Reject]

        init(_ done: ListImport) {
            (rows, members) = (done.report.rows, done.report.members)
            (added, removed, present) = (done.added, done.removed, done.present)
            left = Dictionary(uniqueKeysWithValues: done.report.left.map { ($0.key.rawValue, $0.value) })
            rejects = done.report.rejects
        }
    }

    func addListRoutes() {
        get("\(Self.api)/lists", .viewLists) { [self] request, context in
            let sizes = try await listSizes(in: try context.user().scope).map {
                Size(code: $0.list.code, channel: $0.list.channel?.code, count: $0.count)
            }
            return try await answer(
                request,
                context,
                name: "lists",
                rows: sizes,
                columns: [
                    CSVColumn("名单", "List") { $0.code }, CSVColumn("渠道", "Channel") { $0.channel ?? "" },
                    CSVColumn("用户数", "Subscribers") { "\($0.count)" },
                ],
                json: sizes
            )
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
            return try await keys.once(request, context, uploadingTo: platform.directory.temporary) { upload in
                let source = platform.list(
                    file: upload.path,
                    name: String((request.query("name") ?? "upload").prefix(200)),
                    kind: kind,
                    column: IdentityColumn(typed: request.query("column") ?? "")
                )
                let reason = request.query("reason") ?? ""
                return try await Response.json(
                    Imported(lists.change(list, by: source, mode: mode, reason: reason, by: staff, at: now))
                )
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
