// The control plane's promises about arbitrations across campaigns.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Testing

extension ControlPlaneConformance {
    func arbitrationsFollowTheirTable() async throws {
        let day = LocalDay(number: 20_000)
        let setup = ArbitrationSetup(
            from: day,
            to: day.adding(days: 6),
            entries: [
                .init(campaign: CampaignID(3), revision: 2, minimum: 40), .init(campaign: CampaignID(5), revision: 1),
            ],
            perSubscriber: 2,
            perClass: [.sms: 1],
            capacities: [.init(channel: .sms, limit: 900), .init(channel: .sms, day: day, limit: 100)]
        )
        let scope = OrganisationScope(province: "浙江")
        var arbitration = Arbitration(name: "国庆 100%", setup: setup, owner: "wang", scope: scope, at: at(3))
        let first = try await store.save(arbitration, audit: entry("arbitration.create"))
        (arbitration.id, arbitration.version) = (first.id, 1)
        #expect(first == arbitration && first.id > 0)
        #expect(try await store.arbitration(first.id) == arbitration)
        #expect(try await store.arbitration(first.id + 1) == nil)

        func refused(_ comment: Comment, _ change: (inout Arbitration) -> Void) async {
            var changed = arbitration
            changed.updatedAt = at(4)
            change(&changed)
            await #expect(throws: ControlPlaneError.self, comment) { try await store.save(changed, audit: entry()) }
        }
        let result = try #require(ContentHash(hex: String(repeating: "ab", count: 32)))
        let figures = ArbitrationFigures(
            contacts: 90,
            valueMinor: 12_345,
            boundMinor: 12_400,
            greedyMinor: nil,
            gapPPM: 4_436,
            milliseconds: 17
        )
        await refused("what is solved has a result") { $0.state = .solved }
        await refused("nothing is adopted unsolved") { ($0.state, $0.result, $0.figures) = (.adopted, result, figures) }
        await refused("a new one is solved first") { ($0.version, $0.state) = (0, .failed) }
        await refused("the setup stays") { ($0.state, $0.setup.perSubscriber) = (.failed, 3) }
        await refused("the owner stays") { ($0.state, $0.owner) = (.failed, "li") }
        await refused("it starts from one that is there") { ($0.version, $0.previous) = (0, 99) }
        await #expect(throws: ControlPlaneError.stale(object: "arbitration/\(first.id)", expectedVersion: 7)) {
            var stale = arbitration
            stale.version = 7
            _ = try await store.save(stale, audit: entry())
        }

        (arbitration.state, arbitration.result, arbitration.figures) = (.solved, result, figures)
        arbitration.updatedAt = at(9)
        arbitration = try await store.save(arbitration, audit: entry("arbitration.solve"))
        #expect(arbitration.version == 2)
        (arbitration.state, arbitration.adoptedBy, arbitration.adoptedAt) = (.adopted, "li", at(10))
        arbitration = try await store.save(arbitration, audit: entry("arbitration.adopt"))
        #expect(try await store.arbitration(first.id) == arbitration)
        await refused("its result stays") { ($0.state, $0.result) = (.withdrawn, .zero) }
        arbitration.state = .withdrawn
        arbitration = try await store.save(arbitration, audit: entry("arbitration.withdraw"))

        var other = Arbitration(name: "again", setup: setup, previous: first.id, owner: "li", scope: .all, at: at(11))
        other = try await store.save(other, audit: entry("arbitration.create"))
        other.state = .infeasible
        other.shortfalls = [
            .init(
                campaign: CampaignID(3),
                wanted: 40,
                possible: 12,
                reason: .limits,
                limits: ["capacity/sms/2024-10-04"]
            )
        ]
        other = try await store.save(other, audit: entry("arbitration.solve"))
        #expect(try await store.arbitration(other.id) == other)
        func found(
            _ query: ListQuery,
            _ states: Set<ArbitrationState>,
            _ scope: OrganisationScope
        ) async throws -> [Int64] {
            try await store.arbitrations(query, states: states, in: scope).rows.map(\.id)
        }
        let all = Set(ArbitrationState.allCases)
        #expect(try await found(ListQuery(order: "number", isDescending: false), all, .all) == [first.id, other.id])
        #expect(try await found(ListQuery(), all, scope) == [first.id])
        #expect(try await found(ListQuery(), [.infeasible], .all) == [other.id])
        #expect(try await found(ListQuery(search: "100%"), all, .all) == [first.id])
        #expect(try await found(ListQuery(search: "10_%"), all, .all).isEmpty)
    }
}
