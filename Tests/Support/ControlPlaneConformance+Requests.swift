// The control plane's promises about data requests.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Testing

extension ControlPlaneConformance {
    private func request(_ title: String, _ scope: OrganisationScope = .all, day: Int32 = 20_000) -> DataRequest {
        DataRequest(
            title: title,
            need: "号码 13900001111\n与套餐",
            reason: "外呼",
            wantedBy: LocalDay(number: day),
            scope: scope,
            segment: 12,
            requestedBy: "wang",
            requestedAt: at(3)
        )
    }

    private func step(_ act: DataRequestAct, _ who: String, _ text: String = "") -> DataRequestStep {
        DataRequestStep(act, who: who, at: at(7), text: text, segment: act == .answer ? 12 : nil)
    }

    func dataRequestsKeepTheirSteps() async throws {
        var request = request("流失用户", OrganisationScope(province: "浙江"))
        let raised = try await store.raise(request, audit: entry("request.raise"))
        request.id = raised.id
        #expect(raised == request && raised.id > 0 && raised.state == .open)
        #expect(try await store.dataRequest(raised.id) == request)
        #expect(try await store.dataRequest(99) == nil)
        await #expect(throws: ControlPlaneError.self, "it is raised once") {
            try await store.raise(raised, audit: entry())
        }
        await #expect(throws: DataRequestError.wrongPerson(.take)) {
            try await store.record(step(.take, "wang"), of: raised.id, version: 1, audit: entry())
        }
        var (taken, version) = (raised, 1)
        for step in [step(.take, "li"), step(.ask, "li", "哪个月？"), step(.reply, "wang", "五月"), step(.answer, "li")] {
            taken = try await store.record(step, of: raised.id, version: version, audit: entry("request.step"))
            version += 1
            #expect(taken.steps.last == step && taken.version == version)
        }
        #expect(try await store.dataRequest(raised.id) == taken)
        #expect(taken.state == .answered && taken.worker == "li" && taken.answer?.segment == 12)
        #expect(try await store.use(ofSegment: 12).requests == [.init(id: raised.id, name: "流失用户")])
        await #expect(throws: ControlPlaneError.stale(object: "request/\(raised.id)", expectedVersion: 4)) {
            try await store.record(step(.accept, "wang"), of: raised.id, version: 4, audit: entry())
        }
        await #expect(throws: ControlPlaneError.notFound(object: "request/99")) {
            try await store.record(step(.take, "li"), of: 99, version: 1, audit: entry())
        }
        await #expect(throws: DataRequestError.wrongState(.cancel, .answered)) {
            try await store.record(step(.cancel, "wang"), of: raised.id, version: 5, audit: entry())
        }
        await #expect(throws: ControlPlaneError.self, "no text holds NUL") {
            try await store.record(step(.reopen, "wang", "a\u{0}"), of: raised.id, version: 5, audit: entry())
        }
        #expect(try await store.dataRequest(raised.id) == taken, "what is refused leaves nothing")
        #expect(try await actions().count == 5)

        try await store.forget([], mentions: Mentions(["13900001111"]))
        let forgotten = try #require(try await store.dataRequest(raised.id))
        #expect(forgotten.need == Mentions.erased && forgotten.title == "流失用户")
        #expect(forgotten.steps == taken.steps)
    }

    func dataRequestsAreFoundByWhoseTurnItIs() async throws {
        let home = OrganisationScope(province: "浙江")
        var ids: [String: Int64] = [:]
        for (place, name) in ["open", "taken", "asked", "answered", "closed"].enumerated() {
            ids[name] = try await store.raise(request(name, home, day: 20_009 - Int32(place)), audit: entry()).id
        }
        for (name, steps) in [
            ("taken", [step(.take, "li")]), ("asked", [step(.take, "li"), step(.ask, "li", "?")]),
            ("answered", [step(.take, "li"), step(.answer, "li")]),
            ("closed", [step(.take, "li"), step(.answer, "li"), step(.accept, "wang")]),
        ] {
            for (place, step) in steps.enumerated() {
                _ = try await store.record(step, of: ids[name] ?? 0, version: place + 1, audit: entry())
            }
        }
        func titles(
            _ filter: DataRequestFilter,
            _ query: ListQuery = ListQuery(),
            in scope: OrganisationScope = .all
        ) async throws -> [String] {
            let page = try await store.dataRequests(query, filter, in: scope)
            #expect(page.total >= page.rows.count && page.rows.allSatisfy(filter.contains))
            return page.rows.map(\.title)
        }
        func waiting(_ login: String, _ isWorker: Bool) async throws -> [String] {
            try await titles(DataRequestFilter(waitingFor: .init(login: login, isWorker: isWorker)))
        }
        #expect(try await titles(DataRequestFilter()) == ["closed", "answered", "asked", "taken", "open"])
        #expect(try await waiting("wang", true) == ["answered", "asked"])
        #expect(try await waiting("li", true) == ["taken", "open"])
        #expect(try await waiting("zhao", true) == ["open"])
        #expect(try await waiting("zhao", false) == [])
        #expect(try await titles(DataRequestFilter(states: [.open, .closed])) == ["closed", "open"])
        #expect(try await titles(DataRequestFilter(states: [])) == [])
        #expect(try await titles(DataRequestFilter(requestedBy: "li")) == [])
        #expect(try await titles(DataRequestFilter(), ListQuery(search: "LI")).count == 4, "by who works on it")
        #expect(try await titles(DataRequestFilter(), ListQuery(search: "13900001111")).count == 5)
        #expect(try await titles(DataRequestFilter(), in: OrganisationScope(province: "江苏")) == [])
        let orders: [(DataRequestColumn, [String])] = [
            (.wanted, ["closed", "answered", "asked", "taken", "open"]),
            (.state, ["open", "taken", "asked", "answered", "closed"]),
            (.worker, ["open", "taken", "asked", "answered", "closed"]),
            (.number, ["open", "taken", "asked", "answered", "closed"]),
            (.title, ["answered", "asked", "closed", "open", "taken"]),
            (.updated, ["open", "taken", "asked", "answered", "closed"]),
            (.who, ["open", "taken", "asked", "answered", "closed"]),
        ]
        for (column, wanted) in orders {
            let query = ListQuery(order: column.rawValue, isDescending: false)
            #expect(try await titles(DataRequestFilter(), query) == wanted, "\(column)")
        }
        #expect(try await titles(DataRequestFilter(), ListQuery(offset: 1, limit: 2)) == ["answered", "asked"])
    }
}
