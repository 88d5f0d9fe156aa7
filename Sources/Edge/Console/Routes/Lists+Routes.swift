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
            let page = try await listsPage(found: try await chosen.asyncMap { try await found($0, context) } ?? nil)
            return page.page(frame)
        }
        export("/lists.csv", .viewLists, columns: ListsPage.columns) { frame, _ in
            TableQuery(frame).page(of: try await counts(), ListsPage.columns(frame), isWhole: true).rows
        }
        form("/lists/find", .viewLists) { body, frame, context in
            do {
                let index = try await lookUp(body.trimmed("number"), context)
                return .next("/lists?subscriber=\(index.number)#found", nil)
            } catch let error as SpecialListError {
                var page = try await listsPage()
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
                    let page = try await listsPage(found: try await found(index, context))
                    return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
                }
                return .next("/lists?subscriber=\(index.number)", done)
            }
        }
        form("/lists/import", .editLists) { body, frame, context in
            var page = try await listsPage()
            guard let file = body.file else {
                page.importError = frame.t(.fileMissing)
                return .page(page.page(frame), nil)
            }
            let list = ListID(body["list"], channel: ChannelClass(code: body["channel"]))
            do {
                let counts = try await site.lists.add(
                    file: String(decoding: file.bytes, as: UTF8.self),
                    to: list,
                    reason: body.trimmed("reason"),
                    by: try context.user(),
                    at: frame.now.instant
                )
                page = try await listsPage()
                page.report = ImportReport(file: file.name, list: list, counts: counts)
                return .page(page.page(frame), Notice(isError: false, text: frame.t(.doneAdded)))
            } catch let error as SpecialListError {
                page.importError = frame.problem(error)
                return .page(page.page(frame), nil)
            }
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
            ? try await site.lists.add(index, to: list, reason: reason, by: staff, at: now)
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
        guard let number = lookUps.number(of: index, session: context.sessionToken) else { return nil }
        let entries = try await site.lists.entries(of: index)
        let who = try context.user().login
        try await site.audit(who, "subscriber.look_up", "subscriber/\(index.number)", detail: "lists")
        return FoundNumber(
            index: index.number,
            number: number.national,
            entries: entries.map { FoundNumber.Entry(list: $0.list, change: $0.added) },
            changes: try await platform.store.listChanges(of: index.number).reversed()
        )
    }

    private func listsPage(found: FoundNumber? = nil) async throws -> ListsPage {
        ListsPage(counts: try await counts(), found: found, policy: try await policy())
    }

    private func counts() async throws -> [ListCount] {
        let policy = try await policy()
        return try await site.lists.sizes().map { size in
            let dnd = policy?.dnd.first { ListID.dnd($0.number).code == size.list.code }
            return ListCount(list: size.list, count: size.count, mayBeUnticked: dnd?.mayBeUnticked)
        }
    }
}

extension Optional where Wrapped: Sendable {
    func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async rethrows -> Result? {
        if let self { try await transform(self) } else { nil }
    }
}
