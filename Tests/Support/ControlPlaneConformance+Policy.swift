// The control plane's promises about drafts and revisions of the contact policy.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Testing

extension ControlPlaneConformance {
    func policyDraftsAreVersioned() async throws {
        var draft = newDraft("国庆 \"收紧\"", base: 3)
        #expect(draft.policy.revision == 4)
        let first = try await store.save(draft, audit: entry("policy.draft"))
        (draft.id, draft.version) = (first.id, 1)
        #expect(first == draft && first.id > 0)
        #expect(try await store.policyDraft(first.id) == draft)
        #expect(try await store.policyDraft(first.id + 1) == nil)
        draft.policy.tiers[0].caps[.sms] = Cap(count: 1, months: 3)
        draft.base = 5
        draft.policy.reservationHours = 24
        draft.updatedAt = at(7)
        let second = try await store.save(draft, audit: entry("policy.edit"))
        draft.version = 2
        #expect(second == draft && second.policy.revision == 6)

        func refused(_ comment: Comment, _ change: (inout PolicyDraft) -> Void) async {
            var changed = second
            change(&changed)
            await #expect(throws: ControlPlaneError.self, comment) {
                try await store.save(changed, audit: entry())
            }
        }
        await refused("the author stays") { $0.author = "li" }
        await refused("the beginning stays") { $0.createdAt = at(99) }
        await refused("a base never goes back") { $0.base = 4 }
        await refused("a draft becomes live with its revision only") { $0.state = .live }
        await refused("a note holds no NUL") { $0.note = "a\0" }
        await refused("a new draft is a draft") { ($0.version, $0.state) = (0, .discarded) }
        for version in [1, 3] {
            let object = "policy-draft/\(draft.id)"
            await #expect(throws: ControlPlaneError.stale(object: object, expectedVersion: version)) {
                var stale = second
                stale.version = version
                _ = try await store.save(stale, audit: entry())
            }
        }
        await #expect(throws: ControlPlaneError.notFound(object: "policy-draft/99")) {
            var lost = second
            lost.id = 99
            _ = try await store.save(lost, audit: entry())
        }

        draft.state = .discarded
        let gone = try await store.save(draft, audit: entry("policy.discard"))
        await #expect(throws: ControlPlaneError.self, "what was discarded stays so") {
            try await store.save(gone, audit: entry())
        }
        let other = try await store.save(newDraft("other"), audit: entry("policy.draft"))
        func found(_ query: ListQuery, _ states: Set<PolicyDraftState>) async throws -> [Int64] {
            try await store.policyDrafts(query, states: states).rows.map(\.id)
        }
        #expect(try await found(ListQuery(), [.draft]) == [other.id])
        #expect(try await found(ListQuery(), [.discarded, .live]) == [gone.id])
        #expect(try await found(ListQuery(), []).isEmpty)
        #expect(try await found(ListQuery(search: "收紧"), Set(PolicyDraftState.allCases)) == [gone.id])
        let byNumber = ListQuery(order: "number", isDescending: false)
        #expect(try await found(byNumber, Set(PolicyDraftState.allCases)) == [gone.id, other.id])
        #expect(try await actions() == ["policy.draft", "policy.edit", "policy.discard", "policy.draft"])
    }

    func policyRevisionsAreKept() async throws {
        let draft = try await store.save(newDraft("初版"), audit: entry("policy.draft"))
        func revision(_ policy: ContactPolicy, draft: Int64? = nil, who: String = "li") -> PolicyRevision {
            PolicyRevision(at: at(50), who: who, note: "生效", draft: draft, policy: policy)
        }
        var other = draft.policy
        other.reservationHours = 1
        await #expect(throws: ControlPlaneError.self, "a draft becomes live as it is") {
            try await store.record(revision(other, draft: draft.id), audit: entry())
        }
        await #expect(throws: ControlPlaneError.notFound(object: "policy-draft/77")) {
            try await store.record(revision(draft.policy, draft: 77), audit: entry())
        }
        await #expect(throws: ControlPlaneError.self, "somebody makes it live") {
            try await store.record(revision(draft.policy, draft: draft.id, who: " "), audit: entry())
        }
        let first = revision(draft.policy, draft: draft.id)
        try await store.record(first, audit: entry("policy.live"))
        #expect(try await store.policyRevision(1) == first)
        #expect(try await store.policyRevision(2) == nil)
        let done = try #require(try await store.policyDraft(draft.id))
        #expect(done.state == .live && done.version == draft.version + 1 && done.updatedAt == at(50))
        await #expect(throws: ControlPlaneError.self, "what is live does not change") {
            try await store.save(done, audit: entry())
        }
        await #expect(throws: ControlPlaneError.nameTaken(object: "policy", name: "1")) {
            try await store.record(revision(other), audit: entry())
        }
        other.revision = 2
        try await store.record(revision(other), audit: entry("policy.live"))
        other.revision = 3
        await #expect(throws: ControlPlaneError.self, "a draft becomes live once") {
            try await store.record(revision(other, draft: draft.id), audit: entry())
        }
        let all = try await store.policyRevisions(ListQuery())
        #expect(all.rows.map(\.number) == [2, 1] && all.rows.map(\.draft) == [nil, draft.id] && all.total == 2)
        #expect(try await store.policyRevisions(ListQuery(search: "nobody")).rows.isEmpty)
        #expect(try await store.policyRevisions(ListQuery(offset: 1, limit: 1)).rows.map(\.number) == [1])
        #expect(try await actions() == ["policy.draft", "policy.live", "policy.live"])
    }
}
