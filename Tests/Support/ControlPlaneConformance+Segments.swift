// The control plane's promises about segments: revisions, life, audiences, use.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Testing

extension ControlPlaneStore {
    /// Segments of everybody in a scope.
    func segments(_ query: ListQuery, in scope: OrganisationScope) async throws -> Page<Segment> {
        let staff = Staff(login: "nobody", name: "nobody", role: .planner, scope: scope)
        return try await segments(query, SegmentFilter(), seenBy: staff)
    }
}

extension ControlPlaneConformance {
    func segmentsKeepTheirRevisions() async throws {
        let target = try await store.save(newSegment("部分"), audit: entry("segment.create"))
        var segment = newSegment("客户群")
        segment.purpose = "留住\n老用户"
        segment.definition = SegmentDefinition(
            .algebra(.difference([.segment(target.id), .segment(target.id)])),
            exclusions: [
                .list("black"), .contacted(category: "data", days: 90), .contacted(category: nil, days: 7),
                .campaigns([1, 2]), .rule("arpu < 10"), .segment(target.id),
            ],
            customerLine: .highest("arpu"),
            pick: .top(500, score: "arpu * 2")
        )
        (segment.sharing, segment.refresh, segment.isTemplate) = (.everyone, .daily, true)
        segment.validTo = LocalDay(number: 20_500)
        let first = try await store.save(segment, audit: entry("segment.create"))
        (segment.id, segment.version) = (first.id, 1)
        #expect(first == segment && first.revision == 1)
        #expect(try await store.segment(first.id) == first)

        var renamed = first
        renamed.name = "新名"
        renamed = try await store.save(renamed, audit: entry("segment.update"))
        #expect(renamed.revision == 1, "a name is no definition")
        var changed = renamed
        let hash = try #require(ContentHash(hex: String(repeating: "ab", count: 32)))
        changed.definition = SegmentDefinition(
            .members(MemberFile(file: hash, count: 3, origin: .external, name: "CRM")),
            customerLine: .main,
            pick: .sample(2, draw: 9)
        )
        changed.updatedAt = at(77)
        changed = try await store.save(changed, audit: entry("segment.update"))
        #expect(changed.revision == 2)
        let revisions = try await store.revisions(ofSegment: first.id)
        #expect(revisions.map(\.number) == [2, 1] && revisions.map(\.name) == ["新名", "客户群"])
        #expect(revisions.map(\.definition) == [changed.definition, segment.definition])
        #expect(revisions[0].at == at(77) && revisions[0].who == entry().who)
        #expect(try await store.revisions(ofSegment: 99).isEmpty)

        for source in [
            SegmentSource.sql("SELECT idx FROM subscriber -- '; DROP TABLE segment"),
            .outcome(CampaignOutcome(campaign: 7, results: [.accepted, .silent])), .rule("arpu > 3"),
        ] {
            changed.definition = SegmentDefinition(source)
            changed = try await store.save(changed, audit: entry("segment.update"))
            #expect(try await store.segment(changed.id) == changed)
        }
        changed.definition = SegmentDefinition(.algebra(.union([.segment(target.id), .segment(99)])))
        await #expect(throws: ControlPlaneError.notFound(object: "segment/99")) {
            try await store.save(changed, audit: entry())
        }
    }

    func segmentsFollowTheirTable() async throws {
        let file = try #require(ContentHash(hex: String(repeating: "cd", count: 32)))
        func audience(_ segment: Segment, _ count: Int64 = 5) -> Audience {
            Audience(
                segment: segment.id,
                revision: segment.revision,
                file: file,
                count: count,
                universe: 10,
                steps: [SegmentStep(.source, removed: 0, left: 9), SegmentStep(.exclusion(0), removed: 4, left: 5)],
                load: "L1",
                lookedAt: count == 5 ? Audience.LookedAt(file: file, scope: OrganisationScope(city: "6101")) : nil,
                who: "wang",
                at: at(8)
            )
        }
        for state in [SegmentState.computed, .published, .expired] {
            var segment = newSegment("不能 \(state.rawValue)")
            segment.state = state
            await #expect(throws: ControlPlaneError.self) { try await store.save(segment, audit: entry()) }
        }
        var segment = newSegment("客户群")
        segment.state = .draft
        segment.definition = SegmentDefinition(.rule(""))
        segment = try await store.save(segment, audit: entry("segment.create"))
        func refused(_ comment: Comment, _ change: (inout Segment) -> Void) async {
            var changed = segment
            change(&changed)
            await #expect(throws: ControlPlaneError.self, comment) { try await store.save(changed, audit: entry()) }
        }
        await refused("only a draft may be empty") { $0.state = .saved }
        await refused("nothing is released of a draft") { $0.state = .published }
        await refused("its owner stays") { $0.owner = "li" }
        await refused("an audience it names is there") { $0.audience = 4 }
        await refused("it is not made of itself") { $0.definition.exclusions = [.segment($0.id)] }
        segment.definition = SegmentDefinition(.rule("TRUE"))
        segment.state = .saved
        segment = try await store.save(segment, audit: entry("segment.update"))
        await #expect(throws: ControlPlaneError.self, "with an audience it is computed") {
            try await store.record(audience(segment), of: segment, audit: entry())
        }
        await refused("what is computed has an audience") { $0.state = .computed }
        segment.state = .computed
        await #expect(throws: ControlPlaneError.self, "no more members than there are") {
            try await store.record(audience(segment, 11), of: segment, audit: entry())
        }
        let (first, computed) = try await store.record(audience(segment), of: segment, audit: entry("segment.compute"))
        #expect(computed.count == 5 && computed.audience == first.id && computed.published == nil)
        #expect(try await store.audience(first.id) == first && first.id > 0)
        segment = computed
        await refused("what is changed is saved first") { $0.definition = SegmentDefinition(.rule("FALSE")) }
        await refused("what is released is named") { $0.state = .published }
        (segment.state, segment.published) = (.published, first.id)
        segment = try await store.save(segment, audit: entry("segment.publish"))
        let (second, again) = try await store.record(audience(segment, 6), of: segment, audit: entry("segment.compute"))
        #expect(again.published == second.id && again.state == .published, "released again")
        #expect(try await store.audiences(ofSegment: segment.id).map(\.id) == [second.id, first.id])
        let other = try await store.save(newSegment("另"), audit: entry("segment.create"))
        var next = other
        next.state = .computed
        let many = try await store.record(
            [(again, 7), (segment, 8), (next, 9)].map {
                AudienceRecording(audience: audience($0, $1), segment: $0, audit: entry("segment.compute"))
            }
        )
        #expect(many.map { $0?.segment.count } == [7, nil, 9], "one of an older version is passed over")
        #expect(try await store.audiences(ofSegment: segment.id).count == 3)
        #expect(try await store.segment(other.id)?.audience == many[2]?.audience.id)
        let (released, computedOther) = (try #require(many[0]?.segment), try #require(many[2]?.segment))
        await #expect(throws: ControlPlaneError.self, "all or none") {
            try await store.record(
                [(released, 1), (computedOther, 11)].map {
                    AudienceRecording(audience: audience($0, $1), segment: $0, audit: entry("segment.compute"))
                }
            )
        }
        #expect(try await store.audiences(ofSegment: segment.id).count == 3)
        segment = released
        await #expect(throws: ControlPlaneError.self, "what was released never goes away") {
            try await store.deleteSegment(segment.id, version: segment.version, audit: entry())
        }
        segment.definition = SegmentDefinition(.rule("arpu > 1"))
        segment.state = .saved
        segment = try await store.save(segment, audit: entry("segment.update"))
        #expect(segment.published == many[0]?.audience.id, "a new revision leaves what was released")
        segment.state = .expired
        segment = try await store.save(segment, audit: entry("segment.expired"))
        await refused("an ended one is not computed") { $0.state = .computed }
    }

    func segmentsAreDecidedOnByOthers() async throws {
        let file = try #require(ContentHash(hex: String(repeating: "cd", count: 32)))
        func compute(_ segment: Segment) async throws -> Segment {
            var computed = segment
            computed.state = .computed
            let audience = Audience(
                segment: segment.id,
                revision: segment.revision,
                file: file,
                count: 5,
                universe: 10,
                steps: [],
                load: "L1",
                who: "wang",
                at: at(8)
            )
            return try await store.record(audience, of: computed, audit: entry("segment.compute")).1
        }
        var segment = newSegment("客户群")
        segment.review = SegmentReview(audience: 1, submittedBy: "wang", submittedAt: at(8))
        await #expect(throws: ControlPlaneError.self, "a new one was not handed in") {
            try await store.save(segment, audit: entry())
        }
        segment.review = nil
        segment = try await compute(store.save(segment, audit: entry("segment.create")))
        let other = try await store.save(newSegment("另"), audit: entry("segment.create"))
        func refused(_ comment: Comment, _ change: (inout Segment) -> Void) async {
            var changed = segment
            change(&changed)
            await #expect(throws: ControlPlaneError.self, comment) { try await store.save(changed, audit: entry()) }
        }
        let audience = try #require(segment.audience)
        let review = SegmentReview(audience: audience, submittedBy: "zhao", submittedAt: at(9))
        func decided(_ result: ApprovalResult, by who: String = "li", _ reason: String = "太多") -> SegmentReview {
            review.decided(result, by: who, at: at(10), reason: reason)
        }
        func release(_ segment: inout Segment, _ review: SegmentReview?) {
            (segment.state, segment.published, segment.review) = (.published, audience, review)
        }
        await refused("what is handed in is its last audience") {
            $0.review = SegmentReview(audience: audience + 1, submittedBy: "zhao", submittedAt: at(9))
        }
        await refused("somebody hands it in") {
            $0.review = SegmentReview(audience: audience, submittedBy: "", submittedAt: at(9))
        }
        await refused("nothing is decided that was not handed in") { release(&$0, decided(.pass)) }
        segment.review = review
        segment = try await store.save(segment, audit: entry("segment.submit"))
        #expect(try await store.segment(segment.id) == segment && segment.isWaiting)
        let waiting = SegmentFilter(isWaiting: true)
        #expect(try await store.segments(ListQuery(), waiting, seenBy: nil).rows == [segment])
        let others = SegmentFilter(isWaiting: false)
        #expect(try await store.segments(ListQuery(), others, seenBy: nil).rows == [other])

        await refused("it waits already") {
            $0.review = SegmentReview(audience: audience, submittedBy: "li", submittedAt: at(9))
        }
        await refused("it is not released while it waits") { release(&$0, review) }
        await refused("nor by taking it back") { release(&$0, nil) }
        await refused("nor changed") { $0.state = .saved }
        for who in ["zhao", segment.owner, ""] {
            await refused("\(who) does not decide") { release(&$0, decided(.pass, by: who)) }
        }
        await refused("a release follows from a pass") { release(&$0, decided(.adjust)) }
        await refused("a pass releases") { $0.review = decided(.pass) }
        await refused("a return says why") { $0.review = decided(.adjust, " ") }
        segment.review = decided(.adjust, "去掉 138-1234-5678")
        segment = try await store.save(segment, audit: entry("approval.adjust"))
        #expect(try await store.segments(ListQuery(), waiting, seenBy: nil).rows.isEmpty)
        await refused("a decision stays") { $0.review = nil }
        await refused("what was returned is not released") { ($0.state, $0.published) = (.published, audience) }
        await refused("as it is") { $0.review = decided(.adjust, "因为") }
        try await store.forget([], mentions: Mentions(["13812345678"]))
        segment = try #require(try await store.segment(segment.id))
        #expect(segment.review?.reason == Mentions.erased)

        segment.review = review
        segment = try await store.save(segment, audit: entry("segment.submit"))
        segment.review = nil
        segment = try await compute(segment)
        #expect(segment.review == nil && segment.audience != audience, "a new audience takes it back")
        segment.review = SegmentReview(audience: segment.audience ?? 0, submittedBy: "zhao", submittedAt: at(9))
        segment = try await store.save(segment, audit: entry("segment.submit"))
        segment.review = segment.review?.decided(.pass, by: "li", at: at(10), reason: "")
        (segment.state, segment.published) = (.published, segment.audience)
        segment = try await store.save(segment, audit: entry("approval.pass"))
        #expect(try await store.segment(segment.id) == segment)
        segment = try await compute(segment)
        #expect(segment.review?.result == .pass, "what was decided is kept")
    }

    func segmentsInUseStay() async throws {
        let inner = try await store.save(newSegment("内"), audit: entry("segment.create"))
        var outer = newSegment("外")
        outer.definition = SegmentDefinition(.rule("TRUE"), exclusions: [.segment(inner.id)])
        outer = try await store.save(outer, audit: entry("segment.create"))
        let campaign = try await store.save(try await newCampaign("活动", segment: inner.id), audit: entry("create"))
        let use = try await store.use(ofSegment: inner.id)
        #expect(use.campaigns == [.init(id: campaign.id.number, name: "活动", product: campaign.plan.product)])
        #expect(use.segments == [.init(id: outer.id, name: "外")])
        #expect(use.requests.isEmpty)
        #expect(try await store.use(ofSegment: outer.id).isEmpty)
        await #expect(
            throws: ControlPlaneError.inUse(object: "segment/\(inner.id)", by: "campaign/\(campaign.id.number)")
        ) {
            try await store.deleteSegment(inner.id, version: 1, audit: entry())
        }
        let other = try await store.save(newSegment("另"), audit: entry("segment.create"))
        outer.definition.exclusions = [.segment(other.id)]
        outer = try await store.save(outer, audit: entry("segment.update"))
        #expect(try await store.use(ofSegment: inner.id).segments.isEmpty)
        await #expect(throws: ControlPlaneError.inUse(object: "segment/\(other.id)", by: "segment/\(outer.id)")) {
            try await store.deleteSegment(other.id, version: 1, audit: entry())
        }
        await #expect(throws: ControlPlaneError.stale(object: "segment/\(outer.id)", expectedVersion: 1)) {
            try await store.deleteSegment(outer.id, version: 1, audit: entry())
        }
        try await store.deleteSegment(outer.id, version: 2, audit: entry("segment.delete"))
        try await store.deleteSegment(other.id, version: 1, audit: entry("segment.delete"))
        #expect(try await store.segment(outer.id) == nil)
        #expect(try await store.revisions(ofSegment: outer.id).isEmpty)
        #expect(try await store.save(newSegment("后"), audit: entry("segment.create")).id > other.id, "no number again")
        await #expect(throws: ControlPlaneError.notFound(object: "segment/\(other.id)")) {
            try await store.deleteSegment(other.id, version: 1, audit: entry())
        }
    }

    func segmentsAreSharedAsTheySay() async throws {
        let home = OrganisationScope(province: "浙江")
        for (number, sharing) in SegmentSharing.allCases.enumerated() {
            var segment = newSegment("\(sharing.rawValue)")
            (segment.scope, segment.sharing, segment.isTemplate) = (home, sharing, number == 0)
            _ = try await store.save(segment, audit: entry())
        }
        func seen(
            _ login: String,
            _ scope: OrganisationScope,
            _ filter: SegmentFilter = .init()
        ) async throws -> Set<String> {
            let staff = Staff(login: login, name: login, role: .planner, scope: scope)
            let page = try await store.segments(ListQuery(), filter, seenBy: staff)
            #expect(page.total == page.rows.count && page.rows.allSatisfy { $0.isVisible(to: staff) })
            return Set(page.rows.map(\.name))
        }
        #expect(try await seen("wang", OrganisationScope(province: "江苏")) == ["owner", "scope", "everyone"])
        #expect(try await seen("li", home) == ["scope", "everyone"])
        #expect(try await seen("li", .all) == ["scope", "everyone"])
        #expect(try await seen("li", OrganisationScope(province: "江苏")) == ["everyone"])
        #expect(try await seen("wang", .all, SegmentFilter(isTemplate: true)) == ["owner"])
        #expect(try await seen("wang", .all, SegmentFilter(states: [.draft])) == [])
        #expect(try await seen("wang", .all, SegmentFilter(refreshes: [.byHand])).count == 3)
        #expect(try await store.segments(ListQuery(), SegmentFilter(), seenBy: nil).total == 3)
    }

    func exportsAreAgreedToBySomebodyElse() async throws {
        let segment = try await store.save(newSegment("客户群"), audit: entry("segment.create"))
        var export = SegmentExport(
            segment: segment.id,
            name: "客户群",
            audience: 4,
            count: 9,
            attributes: ["brand", "age"],
            reason: "投放",
            scope: OrganisationScope(province: "浙江"),
            requestedBy: "wang",
            requestedAt: at(3)
        )
        let first = try await store.save(export, audit: entry("export.ask"))
        export.id = first.id
        #expect(first == export && first.id > 0)
        #expect(try await store.segmentExport(first.id) == export)
        #expect(try await store.segmentExport(99) == nil)
        func refused(_ comment: Comment, _ change: (inout SegmentExport) -> Void) async {
            var changed = export
            (changed.state, changed.decidedBy, changed.decidedAt) = (.approved, "li", at(5))
            change(&changed)
            await #expect(throws: ControlPlaneError.self, comment) { try await store.save(changed, audit: entry()) }
        }
        await refused("nobody decides on his own") { $0.decidedBy = "wang" }
        await refused("what was asked for stays") { $0.audience = 5 }
        await refused("a decision has a person") { $0.decidedBy = nil }
        await refused("a new one waits") { $0.id = 0 }
        await refused("it is there") { $0.id = 99 }
        (export.state, export.decidedBy, export.decidedAt) = (.approved, "li", at(5))
        #expect(try await store.save(export, audit: entry("export.approve")) == export)
        await refused("it is decided once") { $0.state = .refused }
        #expect(export.isOpen(at: at(5)) && !export.isOpen(at: at(5).adding(ms: SegmentExport.validMs + 1)))
        #expect(try await store.segmentExports(ListQuery(search: "投放"), in: .all).rows == [export])
        #expect(try await store.segmentExports(ListQuery(), in: OrganisationScope(province: "江苏")).total == 0)
        export.id = 0
        (export.state, export.decidedBy, export.decidedAt) = (.waiting, nil, nil)
        export.reason = "回访 139-0000-1111"
        let second = try await store.save(export, audit: entry("export.ask"))
        try await store.forget([], mentions: Mentions(["13900001111"]))
        #expect(try await store.segmentExport(second.id)?.reason == Mentions.erased)
        #expect(try await store.segmentExport(first.id)?.reason == "投放")
        var decided = try #require(try await store.segmentExport(second.id))
        decided.reason = "回访 138-0000-1111"
        decided.id = 0
        let third = try await store.save(decided, audit: entry("export.ask"))
        (decided.id, decided.state, decided.decidedBy, decided.decidedAt) = (third.id, .refused, "li", at(6))
        _ = try await store.save(decided, audit: entry("export.refuse"))
        try await store.forget([], mentions: Mentions(["13800001111"]))
        #expect(try await store.segmentExport(third.id)?.reason == Mentions.erased, "a decided one, too")
    }

    func deliveriesAreAgreedToRecordedAndEnded() async throws {
        let segment = try await store.save(newSegment("客户群"), audit: entry("segment.create"))
        func ask(_ delivery: SegmentDelivery?) async throws -> SegmentExport {
            var export = SegmentExport(
                segment: segment.id,
                name: "客户群",
                audience: 4,
                count: 9,
                attributes: [],
                reason: "投放",
                scope: .all,
                requestedBy: "wang",
                requestedAt: at(3)
            )
            export.delivery = delivery
            return try await store.save(export, audit: entry("export.ask"))
        }
        func agreed(_ asked: SegmentExport) async throws -> SegmentExport {
            var export = asked
            (export.state, export.decidedBy, export.decidedAt) = (.approved, "li", at(4))
            return try await store.save(export, audit: entry("export.approve"))
        }
        func file(_ export: SegmentExport, _ audience: Int64, at second: Int64) -> DeliveredFile {
            DeliveredFile(export: export.id, audience: audience, name: "a.csv", count: 8, removed: 1, at: at(second))
        }
        for name in ["", "CRM", "../crm", "1crm", "crm/x", String(repeating: "c", count: 33)] {
            await #expect(throws: ControlPlaneError.self, "\(name)") { try await ask(SegmentDelivery(to: name)) }
        }
        let asked = try await ask(SegmentDelivery(to: "crm"))
        await #expect(throws: ControlPlaneError.self, "nobody agreed") {
            try await store.record(file(asked, 4, at: 5), audit: entry())
        }
        #expect(try await store.openDeliveries() == [])
        let once = try await agreed(asked)
        #expect(once.delivery == SegmentDelivery(to: "crm") && !once.isOpen(at: at(5)))
        #expect(try await store.segmentExport(once.id) == once)
        let standing = try await agreed(try await ask(SegmentDelivery(to: "boss-1", until: LocalDay(number: 20_500))))
        let fetched = try await agreed(try await ask(nil))
        await #expect(throws: ControlPlaneError.self, "this one is fetched") {
            try await store.record(file(fetched, 4, at: 5), audit: entry())
        }
        await #expect(throws: ControlPlaneError.notFound(object: "export/99")) {
            try await store.record(
                DeliveredFile(export: 99, audience: 4, name: "a.csv", count: 0, removed: 0, at: at(5)),
                audit: entry()
            )
        }
        #expect(try await store.openDeliveries() == [once, standing])

        try await store.record(file(once, 4, at: 5), audit: entry("export.deliver"))
        try await store.record(file(standing, 4, at: 5), audit: entry("export.deliver"))
        try await store.record(file(standing, 7, at: 6), audit: entry("export.deliver"))
        try await store.record(file(standing, 7, at: 7), audit: entry("export.deliver"))
        #expect(try await store.deliveredFiles(ofExport: once.id) == [file(once, 4, at: 5)])
        #expect(
            try await store.deliveredFiles(ofExport: standing.id) == [
                file(standing, 7, at: 7), file(standing, 4, at: 5),
            ]
        )
        #expect(try await store.openDeliveries() == [standing])
        #expect(try await store.use(ofSegment: segment.id).deliveries == [.init(id: standing.id, name: "boss-1")])
        await #expect(
            throws: ControlPlaneError.inUse(object: "segment/\(segment.id)", by: "export/\(standing.id)")
        ) {
            try await store.deleteSegment(segment.id, version: 1, audit: entry())
        }

        var ended = standing
        ended.endedBy = "wang"
        await #expect(throws: ControlPlaneError.self, "at some time") { try await store.save(ended, audit: entry()) }
        ended.endedAt = at(8)
        var other = ended
        other.delivery?.until = nil
        await #expect(throws: ControlPlaneError.self, "and nothing else") {
            try await store.save(other, audit: entry())
        }
        var never = fetched
        (never.endedBy, never.endedAt) = ("wang", at(8))
        await #expect(throws: ControlPlaneError.self, "not delivered") { try await store.save(never, audit: entry()) }
        #expect(try await store.save(ended, audit: entry("export.end")) == ended)
        #expect(try await store.segmentExport(ended.id) == ended)
        await #expect(throws: ControlPlaneError.self, "once") { try await store.save(ended, audit: entry()) }
        await #expect(throws: ControlPlaneError.self) {
            try await store.record(file(standing, 9, at: 9), audit: entry())
        }
        #expect(try await store.openDeliveries() == [])
        try await store.deleteSegment(segment.id, version: 1, audit: entry("segment.delete"))
    }
}
