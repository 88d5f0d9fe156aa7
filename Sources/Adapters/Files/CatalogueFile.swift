// The attribute catalogue as a YAML file; the format is described in docs/formats.md.
// SPDX-License-Identifier: Apache-2.0

internal import Kernel
public import Model

/// Reads attribute catalogues.
public enum CatalogueFile {
    /// Names that no attribute may have: the fixed columns of `subscriber`.
    public static let fixedColumns = AttributeCode.fixedColumns

    private static let attributeKeys = [
        "code", "zh", "en", "type", "group", "domain", "ordered", "unit", "range", "hot", "sensitivity",
    ]

    /// Reads a catalogue file.
    ///
    /// - Throws: ``DocumentError`` with every problem of the file.
    public static func read(path: String) throws -> AttributeCatalogue {
        try parse(YAMLDocument.contents(.catalogue, path: path), file: path)
    }

    /// Reads a catalogue from its text; `file` is the name that messages show.
    ///
    /// - Throws: ``DocumentError`` with every problem of the text.
    public static func parse(_ text: String, file: String) throws -> AttributeCatalogue {
        try YAMLDocument.read(.catalogue, file: file, text: text) { root in
            guard let map = root.map(keys: ["groups", "attributes"]) else { return nil }
            let groups = groups(map.needed("groups"))
            let attributes = attributes(map.needed("attributes"), groups: Set(groups.map(\.code)))
            return AttributeCatalogue(groups: groups, attributes: attributes)
        }
    }

    private static func groups(_ value: YAMLValue?) -> [AttributeGroup] {
        var seen: Set<String> = []
        return (value?.list() ?? []).compactMap { entry in
            guard let map = entry.map(keys: ["code", "zh", "en"]), let place = map.needed("code"),
                let code = identifier(place), let name = names(map)
            else { return nil }
            if !seen.insert(code).inserted { place.problem("group '\(code)' is defined twice; rename one") }
            return AttributeGroup(code: code, name: name)
        }
    }

    private static func attributes(_ value: YAMLValue?, groups: Set<String>) -> [Attribute] {
        var codes: Set<String> = []
        var chineseNames: Set<String> = []
        let entries = value?.list() ?? []
        if let value, entries.isEmpty { value.problem("holds no attribute; describe at least one") }
        return entries.compactMap { entry in
            guard let map = entry.map(keys: attributeKeys) else { return nil }
            let attribute = attribute(map, groups: groups)
            if let code = attribute?.code, !codes.insert(code).inserted {
                map["code"]?.problem("attribute '\(code)' is defined twice; rename one")
            }
            if let name = attribute?.name.zh, !chineseNames.insert(name).inserted {
                map["zh"]?.problem("'\(name)' names two attributes; rules could not tell them apart, rename one")
            }
            return attribute
        }
    }

    private static func attribute(_ map: YAMLMap, groups: Set<String>) -> Attribute? {
        let code = map.needed("code").flatMap(attributeCode)
        let name = names(map)
        let type = map.needed("type").flatMap(type)
        let group = map.needed("group")?.someText()
        if let group, !groups.contains(group) {
            let near = NearName.of(group, among: groups.sorted()).map { "; did you mean '\($0)'?" } ?? ""
            map["group"]?.problem("there is no group '\(group)'\(near) Add it to 'groups'")
        }
        guard let code, let name, let type, let group else { return nil }
        return Attribute(
            code: code,
            name: name,
            type: type,
            group: group,
            domain: domain(map, type),
            isOrdered: isOrdered(map, type),
            unit: map["unit"]?.someText(),
            range: map["range"].flatMap { range($0, type) },
            isHot: isHot(map, type),
            sensitivity: map["sensitivity"]?.word(of: Sensitivity.allCases.map(\.rawValue))
                .flatMap(Sensitivity.init) ?? .open
        )
    }

    /// The names in both languages.
    static func names(_ map: YAMLMap) -> BilingualText? {
        let zh = map.needed("zh")?.someText()
        let en = map.needed("en")?.someText()
        guard let zh, let en else { return nil }
        return BilingualText(zh: zh, en: en)
    }

    /// An identifier: lower-case ASCII letters, digits and `_`, starting with a letter, at most 63.
    static func identifier(_ place: YAMLValue) -> String? {
        guard let text = place.someText() else { return nil }
        guard AttributeCode.isIdentifier(text) else {
            place.problem(
                "'\(text)' is no identifier; use lower-case letters a-z, digits and _, start with a letter, at most 63"
            )
            return nil
        }
        return text
    }

    private static func attributeCode(_ place: YAMLValue) -> String? {
        guard let code = identifier(place) else { return nil }
        if fixedColumns.contains(code) {
            place.problem("'\(code)' is a fixed column of the subscriber table; choose another code")
            return nil
        }
        if AttributeCode.ruleWords.contains(code) {
            place.problem("'\(code)' is a word of the rule language; choose another code")
            return nil
        }
        return code
    }

    /// A type by its name in catalogue and mapping files.
    static func type(_ place: YAMLValue) -> AttributeType? {
        guard let text = place.someText() else { return nil }
        switch text {
        case "flag": return .flag
        case "integer": return .integer
        case "day": return .day
        case "enum": return .enumeration
        case "text": return .text
        default: break
        }
        if text.hasPrefix("decimal("), text.hasSuffix(")"), let scale = Int(text.dropFirst(8).dropLast()),
            (1...9).contains(scale)
        {
            return .decimal(scale: scale)
        }
        place.problem("'\(text)' is no type; use flag, integer, decimal(1) ... decimal(9), day, enum or text")
        return nil
    }

    private static func domain(_ map: YAMLMap, _ type: AttributeType) -> [DomainValue] {
        guard let place = map["domain"] else {
            if type == .enumeration { map.place.problem("an enum needs a 'domain' that lists its values") }
            return []
        }
        guard type == .enumeration else {
            place.problem("only an enum has a domain, this is \(type.name); remove it or make the type enum")
            return []
        }
        let entries = place.list() ?? []
        if entries.isEmpty { place.problem("the domain is empty; list at least one value") }
        if entries.count > 65_534 { place.problem("\(entries.count) values are too many for an enum; make it a text") }
        var seen: Set<String> = []
        return entries.compactMap { entry in
            guard let value = domainValue(entry) else { return nil }
            if !seen.insert(value.value).inserted {
                entry.problem("value '\(value.value)' is listed twice; remove one")
            }
            return value
        }
    }

    private static func domainValue(_ entry: YAMLValue) -> DomainValue? {
        if entry.isScalar {
            return entry.someText().map { DomainValue(value: $0, label: BilingualText(zh: $0, en: $0)) }
        }
        guard let map = entry.map(keys: ["value", "zh", "en"]), let value = map.needed("value")?.someText(),
            let label = names(map)
        else { return nil }
        return DomainValue(value: value, label: label)
    }

    private static func isOrdered(_ map: YAMLMap, _ type: AttributeType) -> Bool {
        guard let place = map["ordered"], let isOrdered = place.flag() else { return false }
        if isOrdered, type != .enumeration {
            place.problem("only an enum's domain has an order, this is \(type.name); remove the key")
        }
        return isOrdered
    }

    private static func isHot(_ map: YAMLMap, _ type: AttributeType) -> Bool {
        guard let place = map["hot"], let isHot = place.flag() else { return type != .text }
        if isHot, type == .text {
            place.problem("a text cannot be held in memory; remove 'hot', or make it an enum")
        }
        return isHot
    }

    private static func range(_ place: YAMLValue, _ type: AttributeType) -> ClosedRange<Int64>? {
        guard let ends = place.list() else { return nil }
        guard ends.count == 2 else {
            place.problem("expected [least, greatest]")
            return nil
        }
        guard let least = bound(ends[0], type), let greatest = bound(ends[1], type) else { return nil }
        guard least <= greatest else {
            place.problem("the least value is above the greatest; exchange them")
            return nil
        }
        return least...greatest
    }

    private static func bound(_ place: YAMLValue, _ type: AttributeType) -> Int64? {
        guard let text = place.someText() else { return nil }
        switch type {
        case .integer, .decimal:
            let scale = if case .decimal(let digits) = type { digits } else { 0 }
            if let number = Scaled(parsing: text)?.rescaled(to: scale) { return number.unscaled }
            place.problem("'\(text)' is no \(type.name)")
        case .day:
            if let day = LocalDay(iso: text) { return Int64(day.number) }
            place.problem("'\(text)' is no day; write it as YYYY-MM-DD")
        case .flag, .enumeration, .text:
            place.problem("only integer, decimal and day have a range, this is \(type.name); remove it")
        }
        return nil
    }
}
