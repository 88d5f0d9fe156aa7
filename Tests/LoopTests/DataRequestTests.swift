// Data requests: which step may follow which, and who takes it.
// SPDX-License-Identifier: Apache-2.0

import InMemory
import Kernel
import Model
import Planning
import Ports
import Testing

struct DataRequestTests {
    private static let now = Instant(epochMs: 1_789_516_800_000)
    private let today = LocalDay(number: 20_712)

    private func request(scope: OrganisationScope = .all, segment: Int64? = nil) -> DataRequest {
        DataRequest(
            title: "五月流失用户",
            need: "号码与套餐",
            reason: "外呼挽留",
            wantedBy: LocalDay(number: 20_715),
            scope: scope,
            segment: segment,
            requestedBy: "asker",
            requestedAt: Self.now
        )
    }

    private func step(_ act: DataRequestAct, _ who: String) -> DataRequestStep {
        DataRequestStep(act, who: who, at: Self.now, text: "内容")
    }

    /// The shortest way into each state; `worker` works on it from `taken` on.
    private func inState(_ state: DataRequestState) throws -> DataRequest {
        let ways: [DataRequestState: [(DataRequestAct, String)]] = [
            .open: [], .taken: [(.take, "worker")], .asked: [(.take, "worker"), (.ask, "worker")],
            .answered: [(.take, "worker"), (.answer, "worker")],
            .closed: [(.take, "worker"), (.answer, "worker"), (.accept, "asker")], .cancelled: [(.cancel, "asker")],
        ]
        var made = request()
        for (act, who) in ways[state] ?? [] { try made.take(step(act, who)) }
        #expect(made.state == state)
        return made
    }

    // MARK: Steps

    @Test(arguments: DataRequestState.allCases)
    func `each state lets exactly these people do exactly these things`(_ state: DataRequestState) throws {
        let table: [DataRequestState: [String: Set<DataRequestAct>]] = [
            .open: ["asker": [.cancel], "worker": [.take], "other": [.take]],
            .taken: ["asker": [.cancel], "worker": [.release, .ask, .answer], "other": [.take]],
            .asked: ["asker": [.reply, .cancel], "other": [.take]], .answered: ["asker": [.accept, .reopen]],
            .closed: [:], .cancelled: [:],
        ]
        let request = try inState(state)
        for who in ["asker", "worker", "other"] {
            let wanted = table[state]?[who] ?? []
            #expect(Set(request.acts(of: who, isWorker: true)) == wanted, "\(state) \(who)")
            #expect(Set(request.acts(of: who, isWorker: false)) == wanted.filter { $0.actor == .requester })
            for act in DataRequestAct.allCases {
                var next = request
                let isTaken = (try? next.take(step(act, who))) != nil
                #expect(isTaken == wanted.contains(act), "\(state) \(who) \(act)")
                #expect(next.state == (isTaken ? act.to : state) && next.version == request.version + (isTaken ? 1 : 0))
            }
        }
    }

    @Test func `whatever people try, the history is a walk through the table and somebody has the next step`() {
        var random = SeededRandom(seed: 21)
        let people = ["asker", "a", "b"]
        for _ in 0..<400 {
            var request = request()
            for _ in 0..<30 {
                let (act, who) = (
                    DataRequestAct.allCases.randomElement(using: &random), people.randomElement(using: &random)
                )
                guard let act, let who else { continue }
                let before = request
                guard (try? request.take(step(act, who))) != nil else {
                    #expect(request == before, "a refused step changes nothing")
                    continue
                }
                #expect(act.from.contains(before.state) && request.state == act.to)
                #expect(request.worker != "asker", "nobody serves his own request")
                let isServed: Set<DataRequestState> = [.taken, .asked, .answered]
                #expect(!isServed.contains(request.state) || request.worker != nil)
                let isAnswered = request.state == .answered || request.state == .closed
                #expect((request.answer != nil) == isAnswered)
            }
            let waits = people.filter { request.waits(for: $0, isWorker: true) }
            #expect(request.state.isEnd == waits.isEmpty, "\(request.state): \(waits)")
            #expect(request.state == .open || waits.count <= 1)
            for who in waits { #expect(!request.acts(of: who, isWorker: true).isEmpty) }
        }
    }

    @Test func `questions, replies and reopening need words, an answer words or a segment`() throws {
        for (state, act, who) in [
            (DataRequestState.taken, DataRequestAct.ask, "worker"), (.asked, .reply, "asker"),
            (.answered, .reopen, "asker"),
        ] {
            var request = try inState(state)
            #expect(throws: DataRequestError.textMissing(act)) {
                try request.take(DataRequestStep(act, who: who, at: Self.now, text: " \n"))
            }
        }
        var request = try inState(.taken)
        #expect(throws: DataRequestError.answerMissing) {
            try request.take(DataRequestStep(.answer, who: "worker", at: Self.now))
        }
        #expect(throws: DataRequestError.badField("text")) {
            let text = String(repeating: "字", count: DataRequest.longestText + 1)
            try request.take(DataRequestStep(.answer, who: "worker", at: Self.now, text: text))
        }
        try request.take(DataRequestStep(.answer, who: "worker", at: Self.now, segment: 4))
        #expect(request.answer?.segment == 4)
        var other = try inState(.taken)
        #expect(throws: DataRequestError.badField("segment")) {
            try other.take(DataRequestStep(.ask, who: "worker", at: Self.now, text: "x", segment: 4))
        }
    }

    @Test func `it is overdue from the day after, until it is answered`() throws {
        let day = request().wantedBy
        for state in DataRequestState.allCases {
            let request = try inState(state)
            #expect(!request.isOverdue(on: day))
            let isLate = [DataRequestState.open, .taken, .asked].contains(state)
            #expect(request.isOverdue(on: day.adding(days: 1)) == isLate, "\(state)")
        }
    }

    // MARK: Use case

    private static let lanzhou = OrganisationScope(province: "62", city: "6201")
    private let asker = Staff(login: "asker", name: "a", role: .approver, scope: Self.lanzhou)
    private let worker = Staff(login: "worker", name: "w", role: .planner)

    private func store() async throws -> InMemoryControlPlane {
        let store = InMemoryControlPlane()
        for staff in [asker, worker] {
            try store.add(
                staff,
                password: PasswordHash(text: "x"),
                audit: AuditEntry(at: Self.now, who: "t", action: "t", object: "t")
            )
        }
        return store
    }

    /// A segment with frozen members.
    private func segment(_ store: InMemoryControlPlane, _ name: String, _ sharing: SegmentSharing) throws -> Segment {
        var segment = Segment(name: name, rule: "TRUE", owner: "worker", scope: .all, updatedAt: Self.now)
        segment.sharing = sharing
        let audit = AuditEntry(at: Self.now, who: "worker", action: "segment.create", object: "segment")
        segment = try store.save(segment, audit: audit)
        segment.state = .computed
        let audience = Audience(
            segment: segment.id,
            revision: segment.revision,
            file: .zero,
            count: 1,
            universe: 9,
            steps: [],
            load: "L",
            who: "worker",
            at: Self.now
        )
        return try store.record(audience, of: segment, audit: audit).1
    }

    @Test func `a request is raised, asked about, answered by a segment, reopened and accepted, all on record`()
        async throws
    {
        let store = try await store()
        let requests = DataRequests(store: store)
        let (hidden, shared) = (try segment(store, "自用", .owner), try segment(store, "共享", .everyone))
        var request = try await requests.raise(request(scope: Self.lanzhou), by: asker, today: today, at: Self.now)
        #expect(request.requestedBy == "asker" && request.id > 0)
        func take(_ act: DataRequestAct, _ who: Staff, _ text: String = "", segment: Int64? = nil) async throws {
            request = try await requests.take(
                act,
                of: request,
                version: request.version,
                text: text,
                segment: segment,
                by: who,
                at: Self.now
            )
        }
        #expect(store.dataRequests(ListQuery(), requests.waiting(for: worker), in: .all).total == 1)
        try await take(.take, worker)
        try await take(.ask, worker, "哪个月？")
        #expect(store.dataRequests(ListQuery(), requests.waiting(for: asker), in: asker.scope).total == 1)
        try await take(.reply, asker, "五月")
        await #expect(throws: DataRequestError.segmentHidden(hidden.id)) {
            try await take(.answer, worker, segment: hidden.id)
        }
        await #expect(throws: DataRequestError.segmentHidden(99)) { try await take(.answer, worker, segment: 99) }
        let early = try store.save(
            Segment(name: "未固化", rule: "TRUE", owner: "worker", scope: .all, updatedAt: Self.now).shared,
            audit: AuditEntry(at: Self.now, who: "worker", action: "segment.create", object: "segment")
        )
        await #expect(throws: DataRequestError.segmentNotFrozen(early.id)) {
            try await take(.answer, worker, segment: early.id)
        }
        try await take(.answer, worker, "见客户群", segment: shared.id)
        try await take(.reopen, asker, "缺套餐")
        try await take(.answer, worker, "已补", segment: shared.id)
        let before = request
        try await take(.accept, asker)
        #expect(request.state == .closed && request.answer?.text == "已补" && request.steps.count == 7)
        let actions = store.audit(ListQuery(search: "request.", limit: 100)).rows.map(\.action)
        #expect(actions.count == 8 && Set(actions).contains("request.reopen"))
        await #expect(throws: ControlPlaneError.stale(object: "request/1", expectedVersion: 7)) {
            _ = try await requests.take(.accept, of: request, version: before.version, by: asker, at: Self.now)
        }
    }

    @Test func `nobody sees, raises or serves beyond his part of the organisation or his role`() async throws {
        let store = try await store()
        let requests = DataRequests(store: store)
        await #expect(throws: DataRequestError.outsideScope) {
            try await requests.raise(request(), by: asker, today: today, at: Self.now)
        }
        await #expect(throws: DataRequestError.pastDay) {
            try await requests.raise(
                request(scope: Self.lanzhou),
                by: asker,
                today: LocalDay(number: 20_716),
                at: Self.now
            )
        }
        await #expect(throws: DataRequestError.segmentHidden(5)) {
            try await requests.raise(request(scope: Self.lanzhou, segment: 5), by: asker, today: today, at: Self.now)
        }
        var empty = request(scope: Self.lanzhou)
        empty.need = " \n"
        let blank = empty
        await #expect(throws: DataRequestError.badField("need")) {
            _ = try await requests.raise(blank, by: asker, today: today, at: Self.now)
        }
        let raised = try await requests.raise(request(scope: Self.lanzhou), by: asker, today: today, at: Self.now)
        let elsewhere = Staff(login: "x", name: "x", role: .planner, scope: OrganisationScope(province: "61"))
        await #expect(throws: ControlPlaneError.notFound(object: "request/1")) {
            _ = try await requests.request(raised.id, for: elsewhere)
        }
        await #expect(throws: ControlPlaneError.notFound(object: "request/1")) {
            _ = try await requests.take(.take, of: raised, version: 1, by: elsewhere, at: Self.now)
        }
        let approver = Staff(login: "y", name: "y", role: .approver)
        await #expect(throws: DataRequestError.wrongPerson(.take)) {
            _ = try await requests.take(.take, of: raised, version: 1, by: approver, at: Self.now)
        }
    }
}

extension Segment {
    fileprivate var shared: Segment {
        var segment = self
        segment.sharing = .everyone
        return segment
    }
}
