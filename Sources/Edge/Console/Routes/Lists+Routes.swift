// 免打扰名单.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Console {
    func addLists() {
        page("/lists", .viewLists) { frame, _, context in
            let chosen = UInt32(frame.parameter("subscriber")).map { SubscriberIndex($0) }
            var page = try await listsPage(
                found: try await chosen.asyncMap { try await found($0, context) } ?? nil,
                for: try context.user()
            )
            if let id = Int(frame.parameter("import")) {
                page.report = imports.report(id, session: context.sessionToken).map { (id, $0) }
            }
            return page.page(frame)
        }
        addListExports()
        addListUpkeep()
        form("/lists/find", .viewLists) { body, frame, context in
            do {
                let index = try await lookUp(body.trimmed("number"), context)
                return .next("/lists?subscriber=\(index.number)#found", nil)
            } catch let error as SpecialListError {
                var page = try await listsPage(for: try context.user())
                page.typed = body["number"]
                page.findError = frame.problem(error)
                return .page(page.page(frame), nil)
            }
        }
        for (name, done) in [("add", Done.added), ("remove", Done.removed)] {
            form("/lists/\(name)", .editLists) { body, frame, context in
                guard let index = UInt32(body["subscriber"]).map({ SubscriberIndex($0) }),
                    lookUps.number(of: index, session: context.sessionToken) != nil
                else { return .next("/lists", nil) }
                do {
                    try await change(index, body, isAdded: done == .added, frame, context)
                } catch let error as SpecialListError {
                    let page = try await listsPage(found: try await found(index, context), for: try context.user())
                    return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
                }
                return .next("/lists?subscriber=\(index.number)", done)
            }
        }
        addListPreview("/lists/import/preview", .editLists)
        form("/lists/import", .editLists, uploads: true) { body, frame, context in
            var page = try await listsPage(for: try context.user())
            page.importing = ImportForm(body)
            guard let source = source(body, frame) else {
                page.importError = frame.t(.fileMissing)
                return .page(page.page(frame), nil)
            }
            let list = ListID(body["list"], channel: ChannelClass(code: body["channel"]))
            let mode = ListImportMode(rawValue: body["mode"]) ?? .add
            do {
                let done = try await site.lists.change(
                    list,
                    by: source,
                    mode: mode,
                    from: try Self.day(body, "from"),
                    until: try Self.day(body, "to"),
                    reason: body.trimmed("reason"),
                    by: try context.user(),
                    at: frame.now.instant
                )
                let report = ImportReport(file: source.name, list: list, mode: mode, done: done)
                let id = imports.add(report, session: context.sessionToken ?? "")
                let hasChanged = done.added + done.removed + done.planned > 0
                return .next("/lists?import=\(id)", hasChanged ? .imported : nil)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                page.importError = frame.problem(error)
                return .page(page.page(frame), nil)
            }
        }
    }

    /// A day of a form; nil when it is left empty.
    private static func day(_ body: FormBody, _ name: String) throws(SpecialListError) -> LocalDay? {
        let text = body.trimmed(name)
        guard !text.isEmpty else { return nil }
        guard let day = LocalDay(iso: text) else { throw .badDays }
        return day
    }

    /// The numbers a form brings: a file, or what was pasted; nil when there are none.
    func source(_ body: FormBody, _ frame: Frame) -> (any IdentitySource)? {
        let kind = IdentityKind(rawValue: body["kind"]) ?? .msisdn
        let column = IdentityColumn(typed: body["column"])
        if let file = body.file {
            let name = String(file.name.split(separator: "/").last ?? "?").prefix(200)
            return platform.list(file: file.content.path, name: String(name), kind: kind, column: column)
        }
        guard !body.trimmed("numbers").isEmpty else { return nil }
        return platform.list(text: body["numbers"], name: frame.t(.pasted), kind: kind, column: column)
    }

    private func addListExports() {
        export("/lists.csv", .viewLists, columns: ListsPage.columns) { frame, context in
            let counts = try await counts(for: try context.user())
            return TableQuery(frame).page(of: counts, ListsPage.columns(frame), isWhole: true).rows
        }
        export("/lists/found/{subscriber}/entries.csv", .viewLists) { frame, context in
            let index = context.parameters.get("subscriber").flatMap { UInt32($0) }.map { SubscriberIndex($0) }
            guard let found = try await index.asyncMap({ try await found($0, context) }) ?? nil else {
                throw EdgeError.notFound("subscriber")
            }
            let columns = ListsPage.entryColumns(frame, try await policy())
            return csv(columns, TableQuery(frame, prefix: "e.").page(of: found.entries, columns, isWhole: true).rows)
        }
        export("/lists/imports/{id}/rejects.csv", .editLists) { frame, context in
            guard let report = imports.report(Int(try context.id()), session: context.sessionToken) else {
                throw EdgeError.notFound("import")
            }
            let columns = ListsPage.rejectColumns(frame)
            return csv(
                columns,
                TableQuery(frame, prefix: "r.").page(of: report.done.report.rejects, columns, isWhole: true).rows
            )
        }
    }

    /// Puts a looked-up subscriber on a list or takes him off.
    func change(
        _ index: SubscriberIndex,
        _ body: FormBody,
        isAdded: Bool,
        _ frame: Frame,
        _ context: EdgeContext
    ) async throws {
        let list = ListID(body["list"], channel: ChannelClass(code: body["channel"]))
        let (reason, staff, now) = (body.trimmed("reason"), try context.user(), frame.now.instant)
        _ =
            isAdded
            ? try await site.lists.add(
                index,
                to: list,
                from: try Self.day(body, "from"),
                until: try Self.day(body, "to"),
                reason: reason,
                by: staff,
                at: now
            )
            : try await site.lists.remove(index, from: list, reason: reason, by: staff, at: now)
    }

    /// Finds a number for its reader, who may see it in full from then on; what is then shown of it is audited.
    func lookUp(_ typed: String, _ context: EdgeContext) async throws -> SubscriberIndex {
        let index = try await site.subscriber(typed, for: try context.user())
        if let number = platform.numbers.current.number(of: index) {
            lookUps.add(number, index, session: context.sessionToken)
        }
        return index
    }

    /// What is known of a number that this session looked up; nil when it did not.
    private func found(_ index: SubscriberIndex, _ context: EdgeContext) async throws -> FoundNumber? {
        try await site.requireKept(index)
        guard let number = lookUps.number(of: index, session: context.sessionToken) else { return nil }
        let entries = try await site.lists.entries(of: index)
        let who = try context.user().login
        try await site.audit(who, "subscriber.look_up", "subscriber/\(index.number)", detail: "lists")
        return FoundNumber(
            index: index.number,
            number: number.national,
            entries: entries.map { FoundNumber.Entry(list: $0.list, change: $0.added, dates: $0.dates) },
            changes: try await site.lists.changes(of: index).reversed()
        )
    }

    private func listsPage(found: FoundNumber? = nil, for staff: Staff) async throws -> ListsPage {
        ListsPage(counts: try await counts(for: staff), found: found, policy: try await policy())
    }

    private func counts(for staff: Staff) async throws -> [ListCount] {
        let policy = try await policy()
        let sizes = try await site.listSizes(in: staff.scope)
        let upkeep = try await site.listUpkeep(of: sizes.map(\.list))
        return sizes.map { size in
            let dnd = policy?.dnd.first { ListID.dnd($0.number).code == size.list.code }
            return ListCount(
                list: size.list,
                count: size.count,
                mayBeUnticked: dnd?.mayBeUnticked,
                upkeep: upkeep[size.list.code]
            )
        }
    }
}

extension Optional where Wrapped: Sendable {
    func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async rethrows -> Result? {
        if let self { try await transform(self) } else { nil }
    }
}
