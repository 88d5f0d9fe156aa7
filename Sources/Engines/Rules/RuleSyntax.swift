// A rule as it was written: its text and its syntax tree, which convert into each other without loss.
// SPDX-License-Identifier: Apache-2.0

/// A rule as text and as tree; not yet checked against a catalogue.
///
/// In JSON it is the tree alone; ``text`` is canonical then.
public struct RuleSyntax: Hashable, Sendable {
    /// The text, as written or canonical.
    public let text: String
    /// The tree.
    public let root: RuleNode

    /// Reads a rule's text.
    ///
    /// - Throws: ``RuleError`` with the place of the first thing that cannot be read.
    public init(parsing text: String) throws(RuleError) {
        let scalars = Array(text.unicodeScalars)
        do {
            root = try Parser.parse(scalars)
        } catch {
            throw error.located(in: scalars)
        }
        self.text = text
    }

    /// Takes a tree, for example of the visual builder; it must be one that text can express.
    ///
    /// - Throws: ``RuleError`` that refers to the tree's canonical text.
    public init(root: RuleNode) throws(RuleError) {
        guard root.height <= RuleLimits.depth else {
            throw RuleFault(.tooDeep, 0..<0).located(in: [])
        }
        try self.init(parsing: root.text)
        guard self.root == root else {
            let detail = "it reads back as \(self.root.text)"
            throw RuleFault(.malformedTree(detail), 0..<text.unicodeScalars.count)
                .located(in: Array(text.unicodeScalars))
        }
    }

    /// The canonical text of the tree.
    public var canonicalText: String { root.text }

    /// Names of the audiences that it asks for; they are looked up before it is checked.
    public var audiences: Set<String> {
        var names: Set<String> = []
        func visit(_ node: RuleNode) {
            if case .call(MembershipKind.audience.function, let arguments) = node.kind,
                case .text(let name)? = arguments.first?.kind
            {
                names.insert(name)
            }
            node.kind.children.forEach(visit)
        }
        visit(root)
        return names
    }

    /// Attributes that it names, by code or Chinese name.
    public var attributeNames: Set<String> {
        var names: Set<String> = []
        func visit(_ node: RuleNode) {
            if case .name(let name) = node.kind { names.insert(name) }
            if case .aggregate = node.kind { return }
            node.kind.children.forEach(visit)
        }
        visit(root)
        return names
    }

    /// Whether it asks who owns a product.
    public var asksForOwners: Bool {
        func asks(_ node: RuleNode) -> Bool {
            if case .call(MembershipKind.product.function, _) = node.kind { return true }
            return node.kind.children.contains(where: asks)
        }
        return asks(root)
    }

    /// Tables of behaviour that it asks, as it names them.
    public var sourceNames: Set<String> {
        var names: Set<String> = []
        func visit(_ node: RuleNode) {
            if case .aggregate(let aggregate) = node.kind { names.insert(aggregate.source) }
            node.kind.children.forEach(visit)
        }
        visit(root)
        return names
    }

    /// Whether it asks what subscribers did.
    public var asksForBehaviour: Bool {
        func asks(_ node: RuleNode) -> Bool {
            if case .aggregate = node.kind { return true }
            return node.kind.children.contains(where: asks)
        }
        return asks(root)
    }
}

extension RuleSyntax: Codable {
    /// Writes the tree.
    public func encode(to encoder: any Encoder) throws {
        try root.encode(to: encoder)
    }

    /// Reads a tree; throws `DecodingError` for what is no tree and ``RuleError`` for one that text cannot express.
    public init(from decoder: any Decoder) throws {
        try self.init(root: try RuleNode(from: decoder))
    }
}
