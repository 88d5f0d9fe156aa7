// The control plane's promises about revisions of the attribute catalogue.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Testing

extension ControlPlaneConformance {
    /// A revision with a derived attribute and a switch.
    func newCatalogue(_ number: Int, reason: String = "新增 \"人均\"", who: String = "wang") -> CatalogueRevision {
        let derived = DerivedAttribute(
            code: "arpu_year",
            name: BilingualText(zh: "年消费'", en: "ARPU, a year; --"),
            group: "fees",
            expression: "arpu * \(number) /* '\\n' */",
            decimals: 2,
            unit: "CNY"
        )
        return CatalogueRevision(
            number: number,
            at: at(Int64(number)),
            who: who,
            reason: reason,
            content: CatalogueContent(derived: [derived], hot: ["age": number % 2 == 0, "city": true])
        )
    }

    func catalogueRevisionsFollowEachOther() async throws {
        #expect(try await store.catalogueRevision(nil) == nil)
        for number in [0, 2] {
            await #expect(throws: ControlPlaneError.stale(object: "catalogue", expectedVersion: number - 1)) {
                try await store.record(newCatalogue(number), audit: entry())
            }
        }
        await #expect(throws: ControlPlaneError.self, "a reason is given") {
            try await store.record(newCatalogue(1, reason: " "), audit: entry())
        }
        await #expect(throws: ControlPlaneError.self, "no text holds NUL") {
            var broken = newCatalogue(1)
            broken.content.derived[0].expression = "a\0"
            try await store.record(broken, audit: entry())
        }
        let all = [
            newCatalogue(1), newCatalogue(2, reason: "再改", who: "li"), newCatalogue(3, reason: "回退 13800138000"),
        ]
        for revision in all { try await store.record(revision, audit: entry("catalogue.change")) }
        await #expect(throws: ControlPlaneError.stale(object: "catalogue", expectedVersion: 2)) {
            try await store.record(newCatalogue(3), audit: entry())
        }
        #expect(try await store.catalogueRevision(nil) == all[2])
        for revision in all { #expect(try await store.catalogueRevision(revision.number) == revision) }
        for number in [0, 4] { #expect(try await store.catalogueRevision(number) == nil) }
        func numbers(_ query: ListQuery) async throws -> [Int] {
            try await store.catalogueRevisions(query).rows.map(\.number)
        }
        #expect(try await numbers(ListQuery()) == [3, 2, 1])
        #expect(try await numbers(ListQuery(search: "再改")) == [2])
        #expect(try await numbers(ListQuery(order: "who", isDescending: false)) == [2, 1, 3])
        #expect(try await numbers(ListQuery(offset: 1, limit: 1)) == [2])
        #expect(try await actions() == Array(repeating: "catalogue.change", count: 3))

        // A reason is what somebody wrote; the rest of a revision names nobody.
        try await store.forget([], mentions: Mentions(["13800138000"]))
        #expect(try await store.catalogueRevision(3)?.reason == Mentions.erased)
        #expect(try await store.catalogueRevision(3)?.content == all[2].content)
        #expect(try await store.catalogueRevision(2) == all[1])
    }
}
