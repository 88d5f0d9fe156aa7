// 接触原因查询.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Assembly
import DecisionHost
import Decisioning
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Console {
    private static let days = 90

    func addExplain() {
        page("/explain", .explain) { frame, _, _ in ExplainPage().page(frame) }
        form("/explain/find", .explain) { body, frame, context in
            do {
                let index = try await lookUp(body.trimmed("number"), context)
                return .next("/explain/\(index.number)", nil)
            } catch let error as SpecialListError {
                return .page(ExplainPage(typed: body["number"], error: frame.problem(error)).page(frame), nil)
            }
        }
        site.get("/explain/{subscriber}", .explain) { request, context in
            let frame = try await frame(request, context)
            guard let answer = try await answer(context, frame) else { return redirect("/explain") }
            let page = ExplainPage(
                answer: answer,
                filter: ExplainPage.Filter(rawValue: frame.parameter("show")) ?? .all,
                policy: try await policy()
            )
            return respond(frame.render(page.page(frame)))
        }
        export("/explain/{subscriber}/contacts.csv", .explain, columns: ExplainPage.columns) { frame, context in
            guard let answer = try await answer(context, frame) else { throw EdgeError.notFound("subscriber") }
            let filter = ExplainPage.Filter(rawValue: frame.parameter("show")) ?? .all
            return TableQuery(frame).page(
                of: ExplainPage.filtered(answer.records, filter),
                ExplainPage.columns(frame),
                isWhole: true
            ).rows
        }
        site.get("/explain/{subscriber}/history", .explain) { request, context in
            let frame = try await frame(request, context)
            guard let page = try await history(context) else { return redirect("/explain") }
            return respond(frame.render(page.page(frame)))
        }
        export("/explain/{subscriber}/history.csv", .explain) { frame, context in
            guard let page = try await history(context) else { throw EdgeError.notFound("subscriber") }
            return csv(SubscriberHistoryPage.columns(frame, page.names), page.events)
        }
        site.get("/explain/{subscriber}/requests/{request}", .explain) { request, context in
            let frame = try await frame(request, context)
            guard let page = try await candidates(context) else { return redirect("/explain") }
            return respond(frame.render(page.page(frame)))
        }
        export("/explain/{subscriber}/requests/{request}/candidates.csv", .explain) { frame, context in
            guard let page = try await candidates(context) else { throw EdgeError.notFound("subscriber") }
            return csv(ExplainPage.columns(frame), page.records)
        }
        form("/explain/{subscriber}/dnd", .editLists) { body, frame, context in
            guard let answer = try await answer(context, frame) else { return .next("/explain", nil) }
            let index = SubscriberIndex(answer.index)
            do {
                try await change(
                    index,
                    FormBody(fields: body.fields + [("list", "dnd_01")]),
                    isAdded: true,
                    frame,
                    context
                )
                return .next("/explain/\(index.number)", .added)
            } catch let error as SpecialListError {
                var frame = frame
                frame.path = "/explain/\(index.number)"
                let page = ExplainPage(answer: answer, policy: try await policy())
                return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
            }
        }
    }

    /// The subscriber of the path, when this session looked its number up.
    ///
    /// - Throws: `DecisionError.erased`, whoever looked whom up.
    private func lookedUp(_ context: EdgeContext) async throws -> (index: SubscriberIndex, number: String)? {
        guard let typed = context.parameters.get("subscriber").flatMap({ UInt32($0) }) else { return nil }
        try await site.requireKept(SubscriberIndex(typed))
        guard let number = lookUps.number(of: SubscriberIndex(typed), session: context.sessionToken)
        else { return nil }
        return (SubscriberIndex(typed), number.national)
    }

    private func history(_ context: EdgeContext) async throws -> SubscriberHistoryPage? {
        guard let (index, number) = try await lookedUp(context) else { return nil }
        let (events, names) = try await site.history(of: index, for: context.user())
        return SubscriberHistoryPage(index: index.number, number: number, events: events, names: names)
    }

    private func candidates(_ context: EdgeContext) async throws -> RequestPage? {
        guard let (index, number) = try await lookedUp(context) else { return nil }
        guard let asked = context.parameters.get("request").flatMap({ UInt64($0) }) else {
            throw EdgeError.notFound("request")
        }
        let candidates = try await site.explain(request: asked, index, for: context.user())
        return RequestPage(index: index.number, number: number, request: asked, candidates: candidates)
    }

    /// All contacts and refusals of a subscriber whom this session looked up; nil when it did not.
    private func answer(_ context: EdgeContext, _ frame: Frame) async throws -> ExplainedSubscriber? {
        guard let (index, number) = try await lookedUp(context) else { return nil }
        let since = frame.now.day.adding(days: -Self.days)
        let decided = try await site.explain(index, days: Self.days, for: try context.user()).map {
            ContactRecord(at: $0.explanation.at, source: .decision($0.explanation, $0.names))
        }
        let loaded = try await loadedContacts(of: index, since: since, until: frame.now.day)
        return ExplainedSubscriber(
            index: index.number,
            number: number,
            records: (decided + loaded).sorted { $0.at.instant > $1.at.instant },
            lists: try await site.lists.entries(of: index).map(\.list),
            since: since
        )
    }

    /// Touches that were loaded from the operator's files.
    private func loadedContacts(
        of index: SubscriberIndex,
        since: LocalDay,
        until: LocalDay
    ) async throws -> [ContactRecord] {
        guard try await !platform.store.loads(table: "contact").isEmpty else { return [] }
        let select = SQLText(
            """
            SELECT \(platform.warehouse.dialect.quoted(identifier: "at")), channel, kind, coalesce(category, ''), coalesce(outcome, '')
            FROM contact JOIN line USING (line_id)
            WHERE line.idx = \(index.number) AND day BETWEEN DATE '\(since.iso)' AND DATE '\(until.iso)'
            """,
            dialect: platform.warehouse.dialect
        )
        let clock = platform.clock
        return try await platform.warehouse.query(select, into: [ContactRecord]()) { records, batch in
            let times = try batch.integers(0)
            let (channels, kinds) = (try batch.texts(1), try batch.texts(2))
            let (categories, outcomes) = (try batch.texts(3), try batch.texts(4))
            for row in 0..<batch.rowCount {
                records.append(
                    ContactRecord(
                        at: clock.local(Instant(epochMs: times[row] / 1000)),
                        source: .loaded(
                            channel: channels[row],
                            kind: kinds[row],
                            category: categories[row],
                            outcome: outcomes[row]
                        )
                    )
                )
            }
        }
    }
}
