// API: segments, rules and the attribute catalogue.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Rules
import Texts

extension Site {
    private struct RuleInput: Decodable {
        var rule: String?
        var tree: RuleNode?

        /// The rule as written, or the tree's canonical text.
        func syntax() throws -> RuleSyntax {
            if let rule { return try RuleSyntax(parsing: rule) }
            if let tree { return try RuleSyntax(root: tree) }
            throw EdgeError.badRequest(field: "rule", why: "send a rule or a tree")
        }
    }

    private struct SampleInput: Decodable {
        var rule: String
        var attributes: [String]?
        var limit: Int?
    }

    private struct CountAnswer: Encodable {
        var count: Int
        var ms: Int
    }

    private struct RuleAnswer: Encodable {
        var rule: String
        var tree: RuleNode
        var attributes: [String]
    }

    private struct SampleAnswer: Encodable {
        var count: Int
        var members: [MaskedMember]
    }

    private struct CatalogueAnswer: Encodable {
        var groups: [AttributeGroup]
        var attributes: [Attribute]
        var lists: [String]
        var products: [String]
    }

    static let segmentColumns: [CSVColumn<Segment>] = [
        CSVColumn("编号", "Number") { "\($0.id)" },
        CSVColumn("名称", "Name") { $0.name },
        CSVColumn("状态", "State") { $0.state.rawValue },
        CSVColumn("定义", "Definition") { $0.definition.summary },
        CSVColumn("用户数", "Subscribers") { $0.count.map { "\($0)" } ?? "" },
        CSVColumn("创建人", "Owner") { $0.owner },
        CSVColumn("更新时间", "Changed") { $0.updatedAt.iso },
    ]

    private static func attributeColumns(_ language: Language) -> [CSVColumn<Attribute>] {
        [
            CSVColumn("代码", "Code") { $0.code }, CSVColumn("名称", "Name") { language($0.name) },
            CSVColumn("分组", "Group") { $0.group }, CSVColumn("类型", "Type") { $0.type.name },
            CSVColumn("单位", "Unit") { $0.unit ?? "" },
            CSVColumn("可选值", "Values") { $0.domain.map(\.value).joined(separator: "; ") },
        ]
    }

    func addSegmentRoutes() {
        addSegmentObjects()
        addSegmentLife()
        addSegmentExports()
        addRuleRoutes()
        addProfiles()
        addCatalogueChanges()
    }

    private func addSegmentObjects() {
        get("\(Self.api)/segments", .viewSegments) { [self] request, context in
            let staff = try context.user()
            let filter = try SegmentFilter(request.uri.queryParameters)
            return try await list(
                request,
                context,
                name: "segments",
                order: SegmentColumn.self,
                columns: Self.segmentColumns,
                form: JSONObject.init
            ) { try await platform.store.segments($0, filter, seenBy: staff) }
        }
        post("\(Self.api)/segments", .editSegments) { [self] request, context in
            try await keys.once(request, context) { request in
                let staff = try context.user()
                let form = try await request.json(SegmentForm.self, context)
                var segment = Segment(name: "", rule: "", owner: staff.login, scope: staff.scope, updatedAt: now)
                if let template = form.template {
                    let model = try await self.segment(template.segment, for: staff)
                    segment.definition = try model.definition.keeping(template.conditions)
                }
                try form.fill(&segment)
                let saved = try await platform.segments.save(segment, by: staff, today: today, at: now)
                return try Response.json(JSONObject(saved), status: .created)
            }
        }
        get("\(Self.api)/segments/{id}", .viewSegments) { [self] _, context in
            try await Response.json(JSONObject(segment(try context.id(), for: try context.user())))
        }
        on(.put, "\(Self.api)/segments/{id}", .editSegments) { [self] request, context in
            let staff = try context.user()
            var segment = try await editableSegment(try context.id(), for: staff)
            let form = try await request.json(SegmentForm.self, context)
            segment.version = try Self.version(form.version)
            try form.fill(&segment)
            let saved = try await platform.segments.save(segment, by: staff, today: today, at: now)
            return try Response.json(JSONObject(saved))
        }
        on(.delete, "\(Self.api)/segments/{id}", .editSegments) { [self] request, context in
            let staff = try context.user()
            var segment = try await editableSegment(try context.id(), for: staff)
            segment.version = try Self.version(request.uri.queryParameters["version"].flatMap { Int($0) })
            try await platform.segments.delete(segment, by: staff, at: now)
            return Response(status: .noContent)
        }
    }

    private static func version(_ version: Int?) throws(EdgeError) -> Int {
        guard let version else { throw .badRequest(field: "version", why: "send the version you changed") }
        return version
    }

    /// Checks a rule by itself, before the scope's conditions are put around it: its places are those of the text as it
    /// was sent, and no bracket of it closes one that is not its own.
    ///
    /// - Throws: `RuleError`.
    public func checkRule(_ rule: String) async throws {
        _ = try await platform.segments.check(rule)
    }

    private func addRuleRoutes() {
        post("\(Self.api)/segments/count", .viewSegments) { [self] request, context in
            let rule = try await request.json(RuleInput.self, context).syntax().text
            try await checkRule(rule)
            let start = ContinuousClock.now
            let count = try await platform.segments.count(rule, in: try context.user().scope, today: today)
            let ms = Int((ContinuousClock.now - start) / .milliseconds(1))
            return try Response.json(CountAnswer(count: count, ms: ms))
        }
        post("\(Self.api)/segments/sample", .viewSegments) { [self] request, context in
            let input = try await request.json(SampleInput.self, context)
            guard (1...100).contains(input.limit ?? 10) else {
                throw EdgeError.badRequest(field: "limit", why: "use 1 to 100")
            }
            try await checkRule(input.rule)
            let catalogue = try await platform.segments.catalogue()
            if let unknown = input.attributes?.first(where: { catalogue[$0] == nil }) {
                throw EdgeError.badRequest(field: "attributes", why: "there is no attribute \(unknown.prefix(63))")
            }
            let scope = try context.user().scope
            let members = try await platform.segments.members(input.rule, in: scope, today: today)
            let sample = try await platform.segments.sample(
                members,
                attributes: input.attributes ?? [],
                limit: input.limit ?? 10,
                today: today
            )
            return try Response.json(SampleAnswer(count: members.count, members: sample))
        }
        post("\(Self.api)/rules", .viewSegments) { [self] request, context in
            let syntax = try await request.json(RuleInput.self, context).syntax()
            let checked = try await platform.segments.check(syntax.text)
            return try Response.json(
                RuleAnswer(
                    rule: syntax.canonicalText,
                    tree: syntax.root,
                    attributes: checked.uses.attributes.map(\.code)
                )
            )
        }
        get("\(Self.api)/catalogue", .viewSegments) { [self] request, context in
            let scope = try await platform.segments.scope()
            return try await answer(
                request,
                context,
                name: "catalogue",
                rows: scope.catalogue.attributes,
                columns: Self.attributeColumns(context.language),
                json: CatalogueAnswer(
                    groups: scope.catalogue.groups,
                    attributes: scope.catalogue.attributes,
                    lists: scope.lists.sorted(),
                    products: scope.products.sorted()
                )
            )
        }
    }
}
