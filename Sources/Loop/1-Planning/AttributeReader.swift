// What reads attributes: rules and scores of segments, campaigns and the contact policy.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Model
import Rules

/// A text of the rule language that something is made with.
struct AttributeReader {
    enum Form {
        /// The rule of a segment, which may read cold attributes and behaviour.
        case rule
        /// A rule that the decision core evaluates in memory.
        case hotRule
        case score
        /// The code of a hot column that holds numbers or days.
        case column
    }

    var use: CatalogueUse
    var form: Form
    var text: String

    init(_ use: CatalogueUse, _ part: String, _ form: Form, _ text: String) {
        self.use = use
        self.use.part = part
        (self.form, self.text) = (form, text)
    }

    /// Why it cannot be evaluated; nil when it can.
    func problem(in scope: RuleScope) -> String? {
        do throws(RuleError) {
            switch form {
            case .rule:
                var scope = scope
                scope.audiences = try RuleSyntax(parsing: text).audiences
                _ = try scope.check(text)
                return nil
            case .hotRule:
                var scope = scope
                scope.sources = nil
                return Self.cold(try scope.check(text).uses)
            case .score: return Self.cold(try scope.checkScore(text).uses)
            case .column: return scope.catalogue[text]?.isHotColumn == true ? nil : "\(text) is not held in memory"
            }
        } catch {
            return error.description
        }
    }

    private static func cold(_ uses: RuleUses) -> String? {
        let cold = uses.coldAttributes.map(\.code)
        return cold.isEmpty ? nil : "\(cold.joined(separator: ", ")) would not be held in memory"
    }

    static func all(of segment: Segment) -> [AttributeReader] {
        let use = CatalogueUse(.segment, id: segment.id, name: segment.name)
        var found = segment.definition.rules.map { AttributeReader(use, "", .rule, $0) }
        if case .top(_, let score) = segment.definition.pick { found.append(.init(use, "pick", .score, score)) }
        if case .highest(let code) = segment.definition.customerLine {
            found.append(.init(use, "one_per_customer", .column, code))
        }
        return found
    }

    static func all(of campaign: Campaign) -> [AttributeReader] {
        let use = CatalogueUse(.campaign, id: Int64(campaign.id.number), name: campaign.plan.name)
        let texts = [("score", campaign.plan.score), ("personalPriority", campaign.plan.personalPriority)]
        return texts.compactMap { part, text in text.map { AttributeReader(use, part, .score, $0) } }
    }

    static func all(of policy: ContactPolicy, _ use: CatalogueUse) -> [AttributeReader] {
        var found: [AttributeReader] = []
        _ = policy.problems { rule in
            found.append(.init(use, "", .hotRule, rule))
            return nil
        }
        return found
    }
}

extension CatalogueContent {
    /// Derived attributes that name one of these.
    func users(of names: Set<String>) -> [CatalogueUse] {
        derived.filter { definition in
            (try? RuleSyntax(parsing: definition.expression)).map { !$0.attributeNames.isDisjoint(with: names) }
                ?? false
        }
        .map { CatalogueUse(.derived, name: $0.code) }
    }
}
