// API: arbitration across campaigns: begin, read, solve again with other limits, adopt, withdraw.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Assembly
import DecisionHost
import Evaluation
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Site {
    private struct NewArbitration: Decodable {
        var name: String
        var from: String
        var to: String
        var campaigns: [CampaignInput]
        var perSubscriber: Int?
        var perClass: [String: Int]?
        var capacities: [CapacityInput]?
    }

    private struct OtherLimits: Decodable {
        var name: String?
        var campaigns: [CampaignInput]?
        var perSubscriber: Int?
        var perClass: [String: Int]?
        var capacities: [CapacityInput]?
    }

    private struct CampaignInput: Decodable {
        var id: Int64
        var minimum: Int?
    }

    private struct CapacityInput: Decodable {
        var channel: String
        var day: String?
        var limit: Int
    }

    private struct SeenVersion: Decodable {
        var version: Int
    }

    static let arbitrationColumns: [CSVColumn<Arbitration>] = [
        CSVColumn("编号", "Number") { "\($0.id)" },
        CSVColumn("名称", "Name") { $0.name },
        CSVColumn("状态", "State") { $0.state.rawValue },
        CSVColumn("开始日期", "From") { $0.setup.from.iso },
        CSVColumn("结束日期", "To") { $0.setup.to.iso },
        CSVColumn("活动数", "Campaigns") { "\($0.setup.entries.count)" },
        CSVColumn("分配接触数", "Contacts assigned") { $0.figures.map { "\($0.contacts)" } ?? "" },
        CSVColumn("期望价值（分）", "Expected value (minor units)") { $0.figures.map { "\($0.valueMinor)" } ?? "" },
        CSVColumn("上界（分）", "Bound (minor units)") { $0.figures.map { "\($0.boundMinor)" } ?? "" },
        CSVColumn("贪心（分）", "Greedy (minor units)") { $0.figures?.greedyMinor.map { "\($0)" } ?? "" },
        CSVColumn("创建人", "Owner") { $0.owner },
        CSVColumn("更新时间", "Changed") { $0.updatedAt.iso },
    ]

    func addArbitrationRoutes() {
        let path = "\(Self.api)/arbitrations"
        get(path, .viewCampaigns) { [self] request, context in
            let scope = try context.user().scope
            return try await list(
                request,
                context,
                name: "arbitrations",
                order: ArbitrationColumn.self,
                columns: Self.arbitrationColumns,
                form: { JSONObject($0) }
            ) {
                try await platform.store.arbitrations($0, states: Set(ArbitrationState.allCases), in: scope)
            }
        }
        post(path, .editCampaigns) { [self] request, context in
            try await keys.once(request, context) { request in
                let input = try await request.json(NewArbitration.self, context)
                let setup = ArbitrationSetup(
                    from: try LocalDay(day: input.from, field: "from"),
                    to: try LocalDay(day: input.to, field: "to"),
                    entries: Self.entries(input.campaigns),
                    perSubscriber: input.perSubscriber ?? 1,
                    perClass: try Self.perClass(input.perClass ?? [:]),
                    capacities: try Self.capacities(input.capacities ?? [])
                )
                let begun = try await platform.arbitrations.begin(input.name, setup, by: try context.user())
                return try Response.json(JSONObject(begun), status: .accepted)
            }
        }
        get("\(path)/{id}", .viewCampaigns) { [self] _, context in
            let found = try await platform.arbitrations.arbitration(try context.id(), for: try context.user())
            return try Response.json(try await whole(found))
        }
        post("\(path)/{id}/solve", .editCampaigns) { [self] request, context in
            try await keys.once(request, context) { request in
                let input = try await request.json(OtherLimits.self, context)
                let staff = try context.user()
                let old = try await platform.arbitrations.arbitration(try context.id(), for: staff)
                var setup = old.setup
                if let campaigns = input.campaigns { setup.entries = Self.entries(campaigns) }
                if let most = input.perSubscriber { setup.perSubscriber = most }
                if let most = input.perClass { setup.perClass = try Self.perClass(most) }
                if let limits = input.capacities { setup.capacities = try Self.capacities(limits) }
                let begun = try await platform.arbitrations.begin(
                    input.name ?? old.name,
                    setup,
                    from: old.id,
                    by: staff
                )
                return try Response.json(JSONObject(begun), status: .accepted)
            }
        }
        post("\(path)/{id}/adopt", .approve) { [self] request, context in
            try await keys.once(request, context) { request in
                let version = try await request.json(SeenVersion.self, context).version
                let adopted = try await platform.adopt(try context.id(), version: version, by: try context.user())
                return try Response.json(try await whole(adopted))
            }
        }
        post("\(path)/{id}/withdraw", .approve) { [self] request, context in
            try await keys.once(request, context) { request in
                let version = try await request.json(SeenVersion.self, context).version
                let withdrawn = try await platform.arbitrations.withdraw(
                    try context.id(),
                    version: version,
                    by: try context.user()
                )
                return try Response.json(try await whole(withdrawn))
            }
        }
    }

    /// An arbitration with its limits and campaigns, and what the waves made of it.
    private func whole(_ arbitration: Arbitration) async throws -> JSONObject {
        let result = try platform.arbitrations.result(of: arbitration)
        return JSONObject(
            arbitration,
            progress: platform.arbitrations.progress(of: arbitration.id),
            result: result,
            compared: try await platform.plannedAndReserved(arbitration)
        )
    }

    // MARK: Input

    private static func channel(_ code: String, _ field: String) throws(EdgeError) -> ChannelClass {
        guard let channel = ChannelClass(code: code) else {
            throw .badRequest(field: field, why: "use sms, outbound, inbound or website")
        }
        return channel
    }

    private static func entries(_ campaigns: [CampaignInput]) -> [ArbitrationEntry] {
        campaigns.map { ArbitrationEntry(campaign: CampaignID($0.id), revision: 0, minimum: $0.minimum ?? 0) }
    }

    private static func perClass(_ limits: [String: Int]) throws(EdgeError) -> [ChannelClass: Int] {
        var result: [ChannelClass: Int] = [:]
        for (code, most) in limits { result[try channel(code, "perClass")] = most }
        return result
    }

    private static func capacities(_ inputs: [CapacityInput]) throws(EdgeError) -> [ArbitrationCapacity] {
        var result: [ArbitrationCapacity] = []
        for (place, input) in inputs.enumerated() {
            let field = "capacities[\(place)]"
            var day: LocalDay?
            if let text = input.day { day = try LocalDay(day: text, field: field + ".day") }
            let channel = try channel(input.channel, field + ".channel")
            result.append(ArbitrationCapacity(channel: channel, day: day, limit: input.limit))
        }
        return result
    }
}

extension JSONObject {
    init(
        _ arbitration: Arbitration,
        progress: ArbitrationProgress? = nil,
        result: ArbitrationResult? = nil,
        compared: [PlannedAndReserved] = []
    ) {
        let setup = arbitration.setup
        let perClass = Dictionary(uniqueKeysWithValues: setup.perClass.map { ($0.code, $1) })
        let capacities = setup.capacities.map { capacity -> JSONObject in
            ["channel": capacity.channel.code, "day": capacity.day?.iso, "limit": capacity.limit]
        }
        let campaigns = setup.entries.map { entry -> JSONObject in
            ["id": entry.campaign.number, "revision": entry.revision, "minimum": entry.minimum]
        }
        let shortfalls = arbitration.shortfalls.map { short -> JSONObject in
            [
                "campaign": short.campaign.number, "wanted": short.wanted, "possible": short.possible,
                "reason": short.reason.rawValue, "limits": short.limits,
            ]
        }
        let found = result.map { result in
            zip(result.campaigns, compared).map { JSONObject($0, result, $1) }
        }
        self = [
            "id": arbitration.id, "version": arbitration.version, "name": arbitration.name,
            "state": arbitration.state.rawValue, "from": setup.from.iso, "to": setup.to.iso, "campaigns": campaigns,
            "perSubscriber": setup.perSubscriber, "perClass": perClass, "capacities": capacities,
            "previous": arbitration.previous, "result": arbitration.result?.hex,
            "figures": arbitration.figures.map { JSONObject($0) }, "shortfalls": shortfalls,
            "problem": arbitration.problem, "owner": arbitration.owner, "createdAt": arbitration.createdAt.iso,
            "updatedAt": arbitration.updatedAt.iso, "adoptedBy": arbitration.adoptedBy,
            "adoptedAt": arbitration.adoptedAt?.iso, "progress": progress.map { JSONObject($0) },
            "limits": result.map { result in result.solution.constraints.map { JSONObject($0, result) } },
            "outcome": found,
        ]
    }

    private init(_ figures: ArbitrationFigures) {
        self = [
            "contacts": figures.contacts, "valueMinor": figures.valueMinor, "boundMinor": figures.boundMinor,
            "greedyMinor": figures.greedyMinor, "gapPPM": figures.gapPPM, "milliseconds": figures.milliseconds,
        ]
    }

    private init(_ progress: ArbitrationProgress) {
        self = [
            "stage": progress.stage.rawValue, "campaignsRead": progress.read, "campaigns": progress.campaigns,
            "since": progress.since.iso,
        ]
    }

    private init(_ limit: ConstraintReport, _ result: ArbitrationResult) {
        self = [
            "name": limit.name, "limit": limit.limit, "used": limit.used,
            "microMinorPerUnit": result.microMinorPerUnit(limit),
        ]
    }

    private init(_ part: ArbitratedCampaign, _ result: ArbitrationResult, _ compared: PlannedAndReserved) {
        let lost = compared.lost.map { loss -> JSONObject in
            ["outcome": loss.outcome.code, "members": loss.tally.members, "valueMinor": loss.tally.valueMinor]
        }
        let reserved: JSONObject = [
            "members": compared.reserved.members, "valueMinor": compared.reserved.valueMinor, "lost": lost,
            "unplanned": compared.unplanned, "controls": compared.keptControls,
        ]
        self = [
            "campaign": part.number, "revision": part.revision, "day": part.day.iso, "audience": part.audience,
            "candidates": part.candidates, "members": compared.planned.members,
            "valueMinor": compared.planned.valueMinor, "controls": compared.plannedControls,
            "reserved": compared.wave == nil ? nil : reserved,
        ]
    }
}
