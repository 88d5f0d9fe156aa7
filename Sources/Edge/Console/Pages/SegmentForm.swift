// The editor of a segment as it was typed, and the definition that it says.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Model
import Planning
import Texts

/// How members are found, as the editor offers it.
enum SegmentKind: String, CaseIterable, Sendable {
    case rule, algebra, outcome, sql, members

    init(_ source: SegmentSource) {
        self =
            switch source {
            case .rule: .rule
            case .algebra: .algebra
            case .outcome: .outcome
            case .sql: .sql
            case .members: .members
            }
    }

    var text: ConsoleText {
        switch self {
        case .rule: .kindRule
        case .algebra: .kindAlgebra
        case .outcome: .kindOutcome
        case .sql: .kindSQL
        case .members: .listName
        }
    }
}

/// What a planner typed, by field.
struct SegmentForm: Sendable {
    /// A row of the exclusions: what, and its days or rule.
    struct Exclusion: Sendable {
        var what = ""
        var detail = ""
    }

    /// A step of set algebra.
    struct Operation: Sendable {
        /// `union`, `intersection` or `difference`; of the first row it says nothing.
        var sign = "union"
        var segment = ""
    }

    /// Rows that are shown beyond those in use.
    static let spareRows = 2

    var id: Int64?
    var version = 0
    var kind = SegmentKind.rule
    var name = ""
    var purpose = ""
    var rule = ""
    var sql = ""
    var campaign = ""
    var results: Set<String> = []
    var operations: [Operation] = []
    /// Of a list, which is not typed.
    var members: MemberFile?
    /// Algebra that has more than one level, which the editor keeps as it is.
    var nested: SegmentAlgebra?
    var exclusions: [Exclusion] = []
    var line = ""
    var pick = ""
    var pickCount = ""
    var score = ""
    var draw = "1"
    var sharing = SegmentSharing.scope
    var refresh = SegmentRefresh.byHand
    var validTo = ""
    var isTemplate = false

    /// An empty form.
    init(_ kind: SegmentKind) { self.kind = kind }

    /// The form of a stored segment.
    init(_ segment: Segment) {
        self.init(segment.definition)
        (id, version) = (segment.id == 0 ? nil : segment.id, segment.version)
        (name, purpose) = (segment.name, segment.purpose)
        (sharing, refresh, isTemplate) = (segment.sharing, segment.refresh, segment.isTemplate)
        validTo = segment.validTo?.iso ?? ""
    }

    /// The form of a definition.
    init(_ definition: SegmentDefinition) {
        self.init(SegmentKind(definition.source))
        switch definition.source {
        case .rule(let text): rule = text
        case .sql(let text): sql = text
        case .outcome(let outcome):
            campaign = "\(outcome.campaign)"
            results = Set(outcome.results.map(\.rawValue))
        case .members(let file): members = file
        case .algebra(let algebra):
            if let chain = Self.chain(algebra) { operations = chain } else { nested = algebra }
        }
        exclusions = definition.exclusions.flatMap(Self.rows)
        switch definition.customerLine {
        case nil: break
        case .main: line = "main"
        case .highest(let attribute): line = "highest:" + attribute
        }
        switch definition.pick {
        case nil: break
        case .sample(let count, let draw): (pick, pickCount, self.draw) = ("sample", "\(count)", "\(draw)")
        case .top(let count, let score): (pick, pickCount, self.score) = ("top", "\(count)", score)
        }
    }

    /// What was sent.
    init(_ body: FormBody) {
        self.init(SegmentKind(rawValue: body["kind"]) ?? .rule)
        (id, version) = (Int64(body["id"]), Int(body["version"]) ?? 0)
        (name, purpose) = (body.trimmed("name"), body["purpose"].unixLines)
        (rule, sql) = (body["rule"].unixLines, body["sql"].unixLines)
        (campaign, results) = (body["campaign"], Set(body.all("result")))
        members = try? JSONDecoder().decode(MemberFile.self, from: Data(body["members"].utf8))
        nested = try? JSONDecoder().decode(SegmentAlgebra.self, from: Data(body["nested"].utf8))
        operations = zip(body.all("sign"), body.all("segment")).map { Operation(sign: $0, segment: $1) }
            .filter { !$0.segment.isEmpty }
        exclusions = zip(body.all("exclude"), body.all("detail")).map { Exclusion(what: $0, detail: $1.unixLines) }
            .filter { !$0.what.isEmpty }
        (line, pick, pickCount, score, draw) =
            (body["line"], body["pick"], body.trimmed("pick-count"), body.trimmed("score"), body.trimmed("draw"))
        sharing = SegmentSharing(rawValue: body["sharing"]) ?? .scope
        refresh = SegmentRefresh(rawValue: body["refresh"]) ?? .byHand
        (validTo, isTemplate) = (body.trimmed("validTo"), body["template"] == "yes")
    }

    // MARK: As a segment

    /// Puts what was typed into a segment.
    ///
    /// - Throws: ``PlanningError`` for what is no number or day.
    func fill(_ segment: inout Segment) throws {
        segment.name = name
        segment.purpose = purpose
        segment.definition = try definition()
        (segment.sharing, segment.refresh, segment.isTemplate) = (sharing, refresh, isTemplate)
        segment.validTo = LocalDay(iso: validTo)
        guard validTo.isEmpty || segment.validTo != nil else {
            throw PlanningError.badValue(field: "validTo", why: "YYYY-MM-DD")
        }
    }

    /// Whether nothing says yet who is meant.
    var isBlank: Bool {
        switch kind {
        case .rule: rule.allSatisfy(\.isWhitespace)
        case .sql: sql.allSatisfy(\.isWhitespace)
        case .algebra: operations.isEmpty && nested == nil
        case .outcome: campaign.isEmpty || results.isEmpty
        case .members: members == nil
        }
    }

    /// The definition as typed.
    func definition() throws -> SegmentDefinition {
        SegmentDefinition(
            try source(),
            exclusions: try exclusions.enumerated().map { try Self.exclusion($1, at: "exclude.\($0)") },
            customerLine: line == "main"
                ? .main : line.hasPrefix("highest:") ? .highest(String(line.dropFirst(8))) : nil,
            pick: try picked()
        )
    }

    private func source() throws -> SegmentSource {
        switch kind {
        case .rule: return .rule(rule)
        case .sql: return .sql(sql)
        case .members:
            guard let members else {
                throw PlanningError.badDefinition(
                    part: "from.members",
                    why: BilingualText(zh: "请先导入名单", en: "import a list first")
                )
            }
            return .members(members)
        case .outcome:
            let results = CampaignResult.allCases.filter { self.results.contains($0.rawValue) }
            return .outcome(CampaignOutcome(campaign: Int64(campaign) ?? 0, results: results))
        case .algebra:
            if let nested { return .algebra(nested) }
            guard let first = operations.first.flatMap({ Int64($0.segment) }) else {
                throw PlanningError.badDefinition(
                    part: "from.algebra",
                    why: BilingualText(zh: "请至少选择一个客户群", en: "choose at least one segment")
                )
            }
            return .algebra(
                operations.dropFirst().reduce(.segment(first)) { algebra, operation in
                    let next = SegmentAlgebra.segment(Int64(operation.segment) ?? 0)
                    return switch operation.sign {
                    case "intersection": .intersection([algebra, next])
                    case "difference": .difference([algebra, next])
                    default: .union([algebra, next])
                    }
                }
            )
        }
    }

    private func picked() throws -> SegmentPick? {
        guard ["top", "sample"].contains(pick) else { return nil }
        guard let count = Int(pickCount), count > 0 else {
            throw PlanningError.badDefinition(
                part: "pick",
                why: BilingualText(zh: "请填写抽取人数，至少为 1", en: "say how many to pick, 1 or more")
            )
        }
        return pick == "top" ? .top(count, score: score) : .sample(count, draw: Int(draw) ?? 1)
    }

    // MARK: Rows

    private static func exclusion(_ row: Exclusion, at part: String) throws -> SegmentExclusion {
        let parts = row.what.split(separator: ":", maxSplits: 1).map(String.init)
        let (what, name) = (parts.first ?? "", parts.count > 1 ? parts[1] : "")
        switch what {
        case "list": return .list(name)
        case "campaign": return .campaigns([Int64(name) ?? 0])
        case "segment": return .segment(Int64(name) ?? 0)
        case "rule": return .rule(row.detail)
        case "filter":
            guard let kind = StrategyFilter.Kind(rawValue: name) else { return .rule("") }
            // The product, and after the last comma other days than the usual ones.
            let words = row.detail.split(omittingEmptySubsequences: false) { ",，".contains($0) }
                .map { $0.trimmingCharacters(in: .whitespaces) }
            guard words.count > 1, let days = words.last.flatMap({ Int($0) }) else {
                return .filter(StrategyFilter(kind, product: row.detail.trimmingCharacters(in: .whitespaces)))
            }
            let end = row.detail.lastIndex { ",，".contains($0) } ?? row.detail.endIndex
            let product = row.detail[..<end].trimmingCharacters(in: .whitespaces)
            return .filter(StrategyFilter(kind, product: product, days: days))
        default:
            guard let days = Int(row.detail.trimmingCharacters(in: .whitespaces)) else {
                throw PlanningError.badDefinition(
                    part: part,
                    why: BilingualText(zh: "请填写天数", en: "say within how many days")
                )
            }
            return .contacted(category: name.isEmpty ? nil : name, days: days)
        }
    }

    private static func rows(_ exclusion: SegmentExclusion) -> [Exclusion] {
        switch exclusion {
        case .list(let code): [Exclusion(what: "list:\(code)")]
        case .campaigns(let ids): ids.map { Exclusion(what: "campaign:\($0)") }
        case .segment(let id): [Exclusion(what: "segment:\(id)")]
        case .rule(let rule): [Exclusion(what: "rule", detail: rule)]
        case .filter(let filter):
            [
                Exclusion(
                    what: "filter:\(filter.kind.rawValue)",
                    detail: filter.days == filter.kind.usualDays
                        && !filter.product.contains(where: { ",，".contains($0) })
                        ? filter.product : "\(filter.product), \(filter.days)"
                )
            ]
        case .contacted(let category, let days): [Exclusion(what: "contacted:\(category ?? "")", detail: "\(days)")]
        }
    }

    /// An expression as a chain of operations, one after the other; nil when it branches.
    private static func chain(_ algebra: SegmentAlgebra) -> [Operation]? {
        func chain(_ parts: [SegmentAlgebra], _ sign: String) -> [Operation]? {
            guard let first = parts.first, var operations = Self.chain(first) else { return nil }
            for part in parts.dropFirst() {
                guard case .segment(let id) = part else { return nil }
                operations.append(Operation(sign: sign, segment: "\(id)"))
            }
            return operations
        }
        return switch algebra {
        case .segment(let id): [Operation(segment: "\(id)")]
        case .union(let parts): chain(parts, "union")
        case .intersection(let parts): chain(parts, "intersection")
        case .difference(let parts): chain(parts, "difference")
        }
    }
}
