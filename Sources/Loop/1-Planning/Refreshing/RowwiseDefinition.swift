// Definitions that ask each subscriber for himself: who changed may be found anew without looking at the others.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Kernel
import Model
import Profiles
import Rules
import Segmentation

/// Something that decides who is a member, one bit or value for each subscriber.
enum RefreshInput: Hashable {
    case attribute(String)
    case set(Membership)
    /// A file of members, which never changes.
    case file(ContentHash)
}

/// A definition whose members depend on attributes in memory, lists and files only, on each subscriber for himself.
struct RowwiseDefinition {
    enum Part {
        case rule(CheckedRule)
        case set(RefreshInput)
    }

    let source: Part
    /// Everybody in the organisation scope; nil when the source says so itself, or that is everybody.
    let scope: CheckedRule?
    let exclusions: [Part]

    /// Everything that members depend on.
    let inputs: Set<RefreshInput>
    /// Whether they depend on the day as well.
    let usesDay: Bool

    init(source: Part, scope: CheckedRule?, exclusions: [Part]) {
        (self.source, self.scope, self.exclusions) = (source, scope, exclusions)
        var (inputs, usesDay): (Set<RefreshInput>, Bool) = ([], false)
        for part in [source] + (scope.map { [.rule($0)] } ?? []) + exclusions {
            switch part {
            case .set(let input): inputs.insert(input)
            case .rule(let rule):
                inputs.formUnion(rule.uses.attributes.map { .attribute($0.code) })
                inputs.formUnion(rule.uses.memberships.map { .set($0) })
                usesDay = usesDay || rule.uses.today
            }
        }
        (self.inputs, self.usesDay) = (inputs, usesDay)
    }

    /// The members among the subscribers of some rows, and what each step did.
    func members(in rows: RefreshRows) throws -> (members: Bitset, steps: [SegmentStep]) {
        var members = try self.members(of: source, in: rows)
        if let present = rows.present { members.formIntersection(present) }
        var steps = [SegmentStep(.source, removed: 0, left: Int64(members.count))]
        if let scope {
            members.formIntersection(try self.members(of: .rule(scope), in: rows))
            steps.append(after: .scope, left: members.count)
        }
        let sets = try exclusions.map { try self.members(of: $0, in: rows) }
        for (place, step) in members.exclude(sets, threads: rows.threads).enumerated() {
            steps.append(after: .exclusion(place), left: step.left)
        }
        return (members, steps)
    }

    private func members(of part: Part, in rows: RefreshRows) throws -> Bitset {
        switch part {
        case .rule(let rule): try rows.profile.members(where: rule, today: rows.today, lists: rows)
        case .set(let input): rows.set(input)
        }
    }
}

/// Subscribers whose values are looked at: all of them, or some packed together.
struct RefreshRows: MembershipReader {
    let profile: ColumnProfile
    let sets: [RefreshInput: Bitset]
    /// Who was a subscriber then and is not erased; nil = all were.
    var present: Bitset?
    let today: LocalDay
    let threads: Int

    /// Nobody is in a set that is not there.
    func set(_ input: RefreshInput) -> Bitset { sets[input] ?? Bitset(universe: profile.profile.universe) }

    func members(ofList code: String) -> Bitset? { sets[.set(Membership(.list, code))] }
    func owners(ofProduct code: String) -> Bitset? { sets[.set(Membership(.product, code))] }
    func members(ofAudience name: String) -> Bitset? { nil }
}

extension [SegmentStep] {
    /// Adds a step after which so many are left.
    mutating func append(after kind: SegmentStep.Kind, left: Int) {
        append(SegmentStep(kind, removed: (last?.left ?? 0) - Int64(left), left: Int64(left)))
    }
}

extension Segments {
    /// The definition of a segment, if it asks each subscriber for himself.
    ///
    /// - Parameters:
    ///   - segment: The segment.
    ///   - scope: What rules may refer to.
    ///   - lists: The lists there are.
    /// - Returns: The definition; nil for one that does not.
    /// - Throws: ``PlanningError`` for a rule that does not hold any more.
    static func rowwise(_ segment: Segment, _ scope: RuleScope, _ lists: [ListID: Bitset]) throws -> RowwiseDefinition?
    {
        let definition = segment.definition
        guard definition.customerLine == nil, definition.pick == nil else { return nil }
        func checked(_ rule: String, at part: String) throws -> CheckedRule? {
            do {
                return try rowwise(rule, in: segment.scope, scope)
            } catch let error as RuleError {
                throw PlanningError.badRule(part: part, error)
            }
        }
        let source: RowwiseDefinition.Part
        var organisation: CheckedRule?
        switch definition.source {
        case .rule(let rule):
            guard let rule = try checked(rule, at: "from.rule") else { return nil }
            source = .rule(rule)
        case .members(let file):
            source = .set(.file(file.file))
            if segment.scope != .all {
                organisation = try checked("TRUE", at: "scope")
                guard organisation != nil else { return nil }
            }
        case .algebra, .outcome, .sql: return nil
        }
        var exclusions: [RowwiseDefinition.Part] = []
        for (place, exclusion) in definition.exclusions.enumerated() {
            switch exclusion {
            case .list(let code):
                // An unknown list is refused where members are found.
                guard lists.isKnown(code) else { return nil }
                exclusions.append(.set(.set(Membership(.list, code))))
            case .rule(let rule):
                guard let rule = try checked(rule, at: "exclude.\(place)") else { return nil }
                exclusions.append(.rule(rule))
            case .filter, .contacted, .campaigns, .segment: return nil
            }
        }
        return RowwiseDefinition(source: source, scope: organisation, exclusions: exclusions)
    }

    /// A rule that looks at nothing but attributes in memory, lists and products.
    private static func rowwise(
        _ rule: String,
        in organisation: OrganisationScope,
        _ scope: RuleScope
    ) throws -> CheckedRule? {
        let syntax = try RuleSyntax(parsing: rule)
        let isCold = syntax.attributeNames.contains { scope.catalogue.attribute(named: $0)?.isHot == false }
        guard !isCold, !syntax.asksForBehaviour, syntax.audiences.isEmpty else { return nil }
        let checked = try check(rule, in: organisation, scope)
        return checked.uses.requiresWarehouse ? nil : checked
    }
}
