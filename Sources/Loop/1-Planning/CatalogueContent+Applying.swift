// The operator's catalogue file with what people changed of it.
// SPDX-License-Identifier: Apache-2.0

import Model
import Rules

extension CatalogueContent {
    /// Derived attributes a catalogue may have.
    static let mostDerived = 200

    /// The catalogue that holds: that of the file with switches and derived attributes.
    ///
    /// Switches of attributes that the file does not have any more are passed over.
    ///
    /// - Throws: ``CatalogueError`` with the first definition that cannot be.
    func applied(
        to file: AttributeCatalogue,
        revision: Int,
        sources: [EventSource]
    ) throws(CatalogueError) -> AttributeCatalogue {
        var attributes = file.attributes
        for place in attributes.indices {
            guard let isHot = hot[attributes[place].code] else { continue }
            guard !isHot || attributes[place].type != .text else {
                throw .badField(attribute: attributes[place].code, field: "hot", why: "texts are held cold only")
            }
            attributes[place].isHot = isHot
        }
        guard derived.count <= Self.mostDerived else {
            throw .badField(attribute: "", field: "derived", why: "there are at most \(Self.mostDerived)")
        }
        for definition in try ordered(beside: file) {
            let soFar = AttributeCatalogue(groups: file.groups, attributes: attributes, revision: revision)
            try definition.check(beside: soFar)
            do {
                attributes.append(try RuleScope(catalogue: soFar, sources: sources).attribute(of: definition))
            } catch {
                throw .badExpression(attribute: definition.code, error)
            }
        }
        return AttributeCatalogue(groups: file.groups, attributes: attributes, revision: revision)
    }

    /// Definitions, each after those that it names; a name that the file has is the file's.
    private func ordered(beside file: AttributeCatalogue) throws(CatalogueError) -> [DerivedAttribute] {
        var done: [DerivedAttribute] = []
        func visit(_ definition: DerivedAttribute, _ path: [String]) throws(CatalogueError) {
            guard !path.contains(definition.code) else { throw .circular(path + [definition.code]) }
            guard !done.contains(definition) else { return }
            let names: Set<String>
            do {
                names = try RuleSyntax(parsing: definition.expression).attributeNames.filter {
                    file.attribute(named: $0) == nil
                }
            } catch {
                throw .badExpression(attribute: definition.code, error)
            }
            for other in derived where names.contains(other.code) || names.contains(other.name.zh) {
                try visit(other, path + [definition.code])
            }
            done.append(definition)
        }
        for definition in derived { try visit(definition, []) }
        return done
    }
}

extension DerivedAttribute {
    /// Checks all but the expression.
    fileprivate func check(beside catalogue: AttributeCatalogue) throws(CatalogueError) {
        func require(_ isRight: Bool, _ field: String, _ why: String) throws(CatalogueError) {
            guard isRight else { throw .badField(attribute: String(code.prefix(63)), field: field, why: why) }
        }
        try require(
            AttributeCode.isIdentifier(code),
            "code",
            "use lower-case letters a-z, digits and _, start with a letter, at most 63"
        )
        try require(!AttributeCode.fixedColumns.contains(code), "code", "it is a fixed column of the subscriber table")
        try require(!AttributeCode.ruleWords.contains(code), "code", "it is a word of the rule language")
        try require(catalogue.attribute(named: code) == nil, "code", "there is an attribute of that name already")
        for (field, text) in [("zh", name.zh), ("en", name.en)] {
            try require(
                (1...60).contains(text.count) && text.isPlain,
                field,
                "a name has 1 to 60 characters, on one line"
            )
        }
        try require(
            catalogue.attribute(named: name.zh) == nil,
            "zh",
            "there is an attribute of that name already; rules could not tell them apart"
        )
        try require(catalogue.groups.contains { $0.code == group }, "group", "there is no such group")
        try require(
            unit.map { (1...20).contains($0.count) && $0.isPlain } ?? true,
            "unit",
            "a unit has 1 to 20 characters"
        )
        try require(decimals.map { (0...9).contains($0) } ?? true, "decimals", "keep 0 to 9 digits")
        try require(
            expression.unicodeScalars.count <= 2_000,
            "expression",
            "an expression has at most 2000 characters"
        )
    }
}

extension String {
    /// Without control characters, and not blank.
    fileprivate var isPlain: Bool {
        contains { !$0.isWhitespace } && unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }
}
