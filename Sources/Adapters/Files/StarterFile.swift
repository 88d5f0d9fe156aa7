// Profile tags, segment templates and lists filled by rules that an operator begins with, as a YAML file; docs/formats.md has the format.
// SPDX-License-Identifier: Apache-2.0

internal import Kernel
public import Model

/// A segment that is offered as a model for new ones (SEG-06, SEG-13).
public struct SegmentTemplate: Hashable, Sendable {
    /// The scene it is for.
    public var name: BilingualText
    /// What it is for, in a sentence.
    public var purpose: BilingualText
    /// Whom it selects.
    public var rule: String
}

/// A special list that a rule fills (LST-15, LST-16).
public struct ListFilling: Hashable, Sendable {
    /// Code of the list.
    public var list: String
    public var rule: String
    public var reason: BilingualText
}

/// What a starter file holds.
public struct StarterContent: Hashable, Sendable {
    /// Derived attributes; conditions are profile tags (CUS-03).
    public var tags: [DerivedAttribute]
    public var templates: [SegmentTemplate]
    public var lists: [ListFilling]
}

/// Reads starter files.
public enum StarterFile {
    /// Reads a starter file; rules are checked when they are added.
    ///
    /// - Throws: ``DocumentError`` with every problem of the file.
    public static func read(path: String) throws -> StarterContent {
        try parse(YAMLDocument.contents(.starter, path: path), file: path)
    }

    /// Reads the text of a starter file; `file` is the name that messages show.
    ///
    /// - Throws: ``DocumentError`` with every problem of the text.
    public static func parse(_ text: String, file: String) throws -> StarterContent {
        try YAMLDocument.read(.starter, file: file, text: text) { root in
            let keys = ["tags", "templates", "lists"]
            guard let map = root.map(keys: keys) else { return nil }
            let tags = (map["tags"]?.list() ?? []).compactMap(tag)
            let templates = (map["templates"]?.list() ?? []).compactMap(template)
            let lists = (map["lists"]?.list() ?? []).compactMap(list)
            if keys.allSatisfy({ map[$0] == nil }) { root.problem("holds nothing; give tags, templates or lists") }
            return StarterContent(tags: tags, templates: templates, lists: lists)
        }
    }

    private static func tag(_ entry: YAMLValue) -> DerivedAttribute? {
        guard let map = entry.map(keys: ["code", "zh", "en", "group", "expression"]) else { return nil }
        let code = map.needed("code").flatMap(CatalogueFile.identifier)
        let (name, group) = (CatalogueFile.names(map), map.needed("group")?.someText())
        guard let code, let name, let group, let expression = map.needed("expression")?.someText() else { return nil }
        return DerivedAttribute(code: code, name: name, group: group, expression: expression)
    }

    private static func list(_ entry: YAMLValue) -> ListFilling? {
        guard let map = entry.map(keys: ["list", "rule", "reason"]) else { return nil }
        let (list, rule) = (map.needed("list")?.someText(), map.needed("rule")?.someText())
        let reason = map.needed("reason")?.map(keys: ["zh", "en"]).flatMap(CatalogueFile.names)
        guard let list, let rule, let reason else { return nil }
        return ListFilling(list: list, rule: rule, reason: reason)
    }

    private static func template(_ entry: YAMLValue) -> SegmentTemplate? {
        guard let map = entry.map(keys: ["zh", "en", "purpose", "rule"]) else { return nil }
        let (name, rule) = (CatalogueFile.names(map), map.needed("rule")?.someText())
        let purpose = map.needed("purpose")?.map(keys: ["zh", "en"]).flatMap(CatalogueFile.names)
        guard let name, let purpose, let rule else { return nil }
        return SegmentTemplate(name: name, purpose: purpose, rule: rule)
    }
}
