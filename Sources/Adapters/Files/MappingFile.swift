// Mapping files in YAML; the format is described in docs/formats.md.
// SPDX-License-Identifier: Apache-2.0

internal import Kernel
public import Model
internal import Ports

/// Reads mapping files.
public enum MappingFile {
    /// Reads a mapping file against the catalogue whose attributes it loads.
    ///
    /// - Throws: ``DocumentError`` with every problem of the file.
    public static func read(path: String, catalogue: AttributeCatalogue) throws -> LoadMapping {
        try parse(YAMLDocument.contents(.mapping, path: path), file: path, catalogue: catalogue)
    }

    /// Reads a mapping from its text; `file` is the name that messages show.
    ///
    /// - Throws: ``DocumentError`` with every problem of the text.
    public static func parse(_ text: String, file: String, catalogue: AttributeCatalogue) throws -> LoadMapping {
        try YAMLDocument.read(.mapping, file: file, text: text) { MappingReader(catalogue: catalogue).mapping($0) }
    }
}

/// A column that a table always has.
private struct FixedColumn {
    var name: String
    var kind: ValueKind
    var isNeeded = true
    /// What fills it where the mapping does not name it.
    var source: ColumnMapping.Source = .absent
    /// Whether the mapping gives its type.
    var isOwn = false

    static func text(_ name: String, isNeeded: Bool = true) -> FixedColumn {
        plain(name, .text, isNeeded: isNeeded)
    }

    static func plain(_ name: String, _ type: AttributeType, isNeeded: Bool = true) -> FixedColumn {
        FixedColumn(name: name, kind: .attribute(.plain(name, type)), isNeeded: isNeeded)
    }

    static let lineID = FixedColumn(name: "line_id", kind: .lineID(fromText: false))
}

extension Attribute {
    /// A column that the catalogue does not describe.
    fileprivate static func plain(_ name: String, _ type: AttributeType) -> Attribute {
        Attribute(code: name, name: BilingualText(zh: name, en: name), type: type, group: "", isHot: false)
    }
}

extension LoadTable {
    /// Columns that a load of a table other than `subscriber` adds: the subscriber's index and the number of the load.
    fileprivate static let ownColumns = ["idx", "load_no"]

    fileprivate var fixedColumns: [FixedColumn] {
        switch self {
        case .subscriber:
            [
                .lineID, FixedColumn(name: "msisdn", kind: .msisdn),
                FixedColumn(name: "imsi", kind: .imsi, isNeeded: false),
                FixedColumn(
                    name: "customer_id",
                    kind: .id(fromText: false),
                    isNeeded: false,
                    source: .copy(of: "line_id")
                ),
                FixedColumn(
                    name: "account_id",
                    kind: .id(fromText: false),
                    isNeeded: false,
                    source: .copy(of: "customer_id")
                ),
                .text("name", isNeeded: false),
            ]
        case .subscriberMonth: [.lineID, FixedColumn(name: "month", kind: .month)]
        case .contact:
            [
                .lineID, FixedColumn(name: "at", kind: .time),
                FixedColumn(
                    name: "day",
                    kind: .attribute(.plain("day", .day)),
                    isNeeded: false,
                    source: .localDay(of: "at")
                ),
                .text("channel"), .text("kind"), .text("category", isNeeded: false), .text("outcome", isNeeded: false),
                .text("campaign", isNeeded: false), .text("means", isNeeded: false),
                .text("business", isNeeded: false), .text("handling", isNeeded: false),
                .text("department", isNeeded: false), .text("details", isNeeded: false),
                .plain("seconds", .integer, isNeeded: false),
            ]
        case .complaint:
            [
                .lineID, .plain("day", .day), .text("topic"), .plain("resolved", .flag, isNeeded: false),
                .plain("escalated", .flag, isNeeded: false), .text("channel", isNeeded: false),
                .text("content", isNeeded: false), .text("resolution", isNeeded: false),
                .plain("call_seconds", .integer, isNeeded: false),
            ]
        case .subscription:
            [
                .lineID, .text("product"), .plain("from_day", .day), .plain("to_day", .day, isNeeded: false),
                .plain("trial", .flag, isNeeded: false), .text("end_reason", isNeeded: false),
            ]
        case .visit:
            [
                .lineID, FixedColumn(name: "at", kind: .time),
                FixedColumn(
                    name: "day",
                    kind: .attribute(.plain("day", .day)),
                    isNeeded: false,
                    source: .localDay(of: "at")
                ),
                .text("channel"), .text("step"), .text("business", isNeeded: false),
                .plain("seconds", .integer, isNeeded: false),
            ]
        case .externalBehaviour:
            [.lineID, .plain("day", .day), .text("source"), .text("kind"), .text("value", isNeeded: false)]
        }
    }
}

private struct MappingReader {
    let catalogue: AttributeCatalogue

    private static let columnKeys = [
        "column", "constant", "values", "blank", "form", "date", "point", "group", "round", "type",
    ]

    func mapping(_ root: YAMLValue) -> LoadMapping? {
        let keys = ["table", "file", "max_reject_percent", "blank", "columns", "absent"]
        guard let map = root.map(keys: keys) else { return nil }
        let table = map.needed("table")?.word(of: LoadTable.allCases.map(\.rawValue)).flatMap(LoadTable.init)
        let file = map["file"]?.map(keys: ["format", "delimiter", "encoding", "header", "nulls", "utc_offset"])
        let blankIsNull = map["blank"].flatMap(blankIsNull) ?? false
        guard let table, let entries = map.needed("columns")?.pairs() else { return nil }
        let columns = columns(table, entries, absent: map["absent"], place: map.place, blankIsNull: blankIsNull)
        return LoadMapping(
            table: table,
            format: file.map(format) ?? .csv(CSVFormat()),
            nulls: file?["nulls"]?.list()?.compactMap { $0.text() } ?? [""],
            utcOffsetSeconds: file?["utc_offset"].flatMap(offset) ?? 28_800,
            maximumRejects: map["max_reject_percent"].flatMap(percent) ?? 500,
            columns: columns
        )
    }

    // MARK: The file

    private func format(_ file: YAMLMap) -> LoadMapping.Format {
        if file["format"]?.word(of: ["csv", "parquet"]) == "parquet" {
            for key in ["delimiter", "encoding", "header"] {
                file[key]?.problem("a Parquet file has no \(key); remove the key")
            }
            return .parquet
        }
        var format = CSVFormat()
        if let value = file["delimiter"], let text = value.text() {
            let bytes = Array((text == "tab" ? "\t" : text).utf8)
            if bytes.count == 1, bytes[0] < 0x80, ![0x22, 0x0A, 0x0D, 0].contains(bytes[0]) {
                format.delimiter = bytes[0]
            } else {
                value.problem("'\(text)' is no delimiter; give one ASCII character other than a quote, or tab")
            }
        }
        let encodings = CSVFormat.Encoding.allCases.map(\.rawValue)
        format.encoding = file["encoding"]?.word(of: encodings).flatMap(CSVFormat.Encoding.init) ?? .utf8
        format.header = file["header"]?.list()?.compactMap { $0.someText() }
        if let header = format.header, Set(header).count < header.count {
            file["header"]?.problem("names a column twice; rename one")
        }
        return .csv(format)
    }

    private func offset(_ value: YAMLValue) -> Int32? {
        guard let text = value.text() else { return nil }
        let offset = DatePattern.offsetSeconds(text)
        if offset == nil { value.problem("'\(text)' is no offset; write it like +08:00") }
        return offset
    }

    private func percent(_ value: YAMLValue) -> Int? {
        guard let text = value.text() else { return nil }
        if let number = Scaled(parsing: text)?.rescaled(to: 2), (0...10_000).contains(number.unscaled) {
            return Int(number.unscaled)
        }
        value.problem("'\(text)' is no percentage; give 0 ... 100 with at most two digits after the point")
        return nil
    }

    private func blankIsNull(_ value: YAMLValue) -> Bool? {
        value.isNull ? true : value.word(of: ["null", "reject"]).map { $0 == "null" }
    }

    // MARK: Columns

    private typealias Entry = (name: String, at: YAMLValue, value: YAMLValue)

    private func columns(
        _ table: LoadTable,
        _ entries: [Entry],
        absent: YAMLValue?,
        place: YAMLValue,
        blankIsNull: Bool
    ) -> [ColumnMapping] {
        let attributes = table == .subscriber ? catalogue.attributes : []
        let fixed =
            table.fixedColumns
            + attributes.map { FixedColumn(name: $0.code, kind: .attribute($0), isNeeded: false) }
        let byName = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let absentCodes = absentAttributes(table, absent, mapped: byName)
        var columns: [ColumnMapping] = []
        for column in fixed {
            if let entry = byName[column.name] {
                columns += self.column(column, entry.value, blankIsNull: blankIsNull).map { [$0] } ?? []
                continue
            }
            columns.append(bare(column.name, column.kind, column.source))
            if column.isNeeded {
                place.problem("column '\(column.name)' of \(table.rawValue) is not mapped; add it to 'columns'")
            }
            if catalogue[column.name] != nil, table == .subscriber, !absentCodes.contains(column.name) {
                place.problem(
                    "attribute '\(column.name)' is not mapped; add it to 'columns', or to 'absent' to load it as NULL"
                )
            }
        }
        let names = fixed.map(\.name)
        for entry in entries where !names.contains(entry.name) {
            columns += extra(table, entry, names: names, blankIsNull: blankIsNull).map { [$0] } ?? []
        }
        return columns
    }

    private func absentAttributes(_ table: LoadTable, _ absent: YAMLValue?, mapped: [String: Entry]) -> Set<String> {
        guard let absent else { return [] }
        if table != .subscriber { absent.problem("only subscriber has attributes; remove the key") }
        var codes: Set<String> = []
        for entry in absent.list() ?? [] {
            guard let code = entry.someText() else { continue }
            if catalogue[code] == nil {
                let near = NearName.of(code, among: catalogue.attributes.map(\.code)).map { "; did you mean '\($0)'?" }
                entry.problem("the catalogue has no attribute '\(code)'\(near ?? "; remove it")")
            } else if mapped[code] != nil {
                entry.problem("'\(code)' is mapped and absent; remove it from one of the two")
            }
            codes.insert(code)
        }
        return codes
    }

    /// A column of the file's own, which says its type.
    private func extra(_ table: LoadTable, _ entry: Entry, names: [String], blankIsNull: Bool) -> ColumnMapping? {
        if table != .subscriber, let place = entry.value.child("type") {
            guard let name = CatalogueFile.identifier(entry.at), let type = CatalogueFile.type(place) else {
                return nil
            }
            guard !LoadTable.ownColumns.contains(name) else {
                entry.at.problem("'\(name)' is a column that each load adds by itself; choose another name")
                return nil
            }
            guard type != .enumeration else {
                place.problem("an enum belongs to the catalogue; use text")
                return nil
            }
            let own = FixedColumn(name: name, kind: .attribute(.plain(name, type)), isNeeded: false, isOwn: true)
            return column(own, entry.value, blankIsNull: blankIsNull)
        }
        let near = NearName.of(entry.name, among: names).map { "; did you mean '\($0)'?" }
        let advice = table == .subscriber ? "; add it to the catalogue or remove it" : "; give it a 'type' or remove it"
        entry.at.problem("\(table.rawValue) has no column '\(entry.name)'\(near ?? advice)")
        return nil
    }

    private func bare(_ name: String, _ kind: ValueKind, _ source: ColumnMapping.Source) -> ColumnMapping {
        let pattern: DatePattern =
            switch kind {
            case .month: .month
            case .time: .time
            default: .day
            }
        return ColumnMapping(name: name, kind: kind, source: source, blankIsNull: true, pattern: pattern)
    }

    private func column(_ column: FixedColumn, _ value: YAMLValue, blankIsNull: Bool) -> ColumnMapping? {
        var mapping = bare(column.name, column.kind, .absent)
        let isKey = column.name == "line_id" || column.kind == .msisdn
        mapping.blankIsNull = blankIsNull && !isKey
        if value.isScalar {
            guard let name = value.someText() else { return nil }
            mapping.source = .column(name)
            return mapping
        }
        guard let map = value.map(keys: Self.columnKeys) else { return nil }
        source(map, column, &mapping)
        if let blank = map["blank"], let isNull = self.blankIsNull(blank) {
            if isNull, isKey { blank.problem("\(column.name) is never NULL; remove the key") }
            mapping.blankIsNull = isNull && !isKey
        }
        map["values"].map { mapping.translations = translations($0) }
        if !column.isOwn, let place = map["type"],
            catalogue[column.name] != nil || CatalogueFile.type(place)?.warehouseType != column.kind.warehouseType
        {
            place.problem("the type of \(column.name) is fixed; remove the key")
        }
        form(map, &mapping)
        pattern(map, &mapping)
        number(map, &mapping)
        checkConstant(map, mapping)
        return mapping
    }

    private func source(_ map: YAMLMap, _ column: FixedColumn, _ mapping: inout ColumnMapping) {
        switch (map["column"], map["constant"]) {
        case (let name?, nil): mapping.source = name.someText().map { .column($0) } ?? .absent
        case (nil, let constant?):
            switch column.kind {
            case .lineID, .id, .msisdn, .imsi: constant.problem("\(column.name) differs in every row; give a 'column'")
            case .attribute, .month, .time: mapping.source = constant.text().map { .constant($0) } ?? .absent
            }
        default: map.place.problem("give either 'column' or 'constant'")
        }
    }

    private func translations(_ value: YAMLValue) -> [String: String?] {
        var translations: [String: String?] = [:]
        for pair in value.pairs() ?? [] {
            if pair.value.isNull {
                translations[pair.name] = String?.none
            } else if let text = pair.value.text() {
                translations[pair.name] = text
            }
        }
        return translations
    }

    private func form(_ map: YAMLMap, _ mapping: inout ColumnMapping) {
        guard let place = map["form"], let form = place.word(of: ["number", "text"]) else { return }
        switch mapping.kind {
        case .lineID: mapping.kind = .lineID(fromText: form == "text")
        case .id: mapping.kind = .id(fromText: form == "text")
        default: place.problem("only line_id, customer_id and account_id have a form; remove the key")
        }
    }

    private func pattern(_ map: YAMLMap, _ mapping: inout ColumnMapping) {
        guard let place = map["date"], let text = place.someText() else { return }
        guard let pattern = DatePattern(text) else {
            place.problem("'\(text)' is no pattern; use YYYY, MM or M, DD or D, hh, mm, ss, each at most once")
            return
        }
        switch mapping.kind.warehouseType {
        case .day, .timestamp:
            if mapping.kind != .month, !pattern.hasDay { place.problem("'\(text)' names no day; add DD") }
            if mapping.kind == .time, !pattern.hasHour { place.problem("'\(text)' names no hour; add hh") }
        default: place.problem("only days, months and times have a pattern; remove the key")
        }
        mapping.pattern = pattern
    }

    private func number(_ map: YAMLMap, _ mapping: inout ColumnMapping) {
        var (isDecimal, isInteger) = (false, false)
        if case .attribute(let attribute) = mapping.kind {
            if case .decimal = attribute.type { isDecimal = true }
            isInteger = attribute.type == .integer
        }
        for key in ["point", "group"] {
            guard let place = map[key], let text = place.text() else { continue }
            let bytes = Array(text.utf8)
            guard isDecimal || isInteger, bytes.count == 1, bytes[0] < 0x80, !(0x30...0x39).contains(bytes[0]) else {
                place.problem("expected one ASCII character, and only for numbers")
                continue
            }
            if key == "point" { mapping.point = bytes[0] } else { mapping.group = bytes[0] }
        }
        if mapping.group == mapping.point { map.place.problem("point and group are the same character; change one") }
        guard let place = map["round"], let rounds = place.flag() else { return }
        if rounds, !isDecimal { place.problem("only decimals are rounded; remove the key") }
        mapping.rounds = rounds
    }

    /// A constant is read once, here, by the rules for values.
    private func checkConstant(_ map: YAMLMap, _ mapping: ColumnMapping) {
        guard case .constant(let text) = mapping.source, let place = map["constant"] else { return }
        var reader = ValueReader(mapping, nulls: [""], utcOffsetSeconds: 0)
        let refusal = Array(text.utf8).withUnsafeBufferPointer { reader.append($0) }
        if let refusal { place.problem("'\(text)' is refused: \(refusal.sentence)") }
    }
}
