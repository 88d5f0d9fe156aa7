// DuckDB's syntax tree of a query, as its `json_serialize_sql` gives it without running anything.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// A part of a syntax tree.
indirect enum SyntaxTree: Hashable {
    case object([String: SyntaxTree])
    case list([SyntaxTree])
    case text(String)
    /// A number or a flag, as digits.
    case number(String)
    case null

    /// Reads JSON.
    ///
    /// - Throws: What `JSONSerialization` throws, also for JSON of more than 512 levels.
    init(json: String) throws {
        self.init(value: try JSONSerialization.jsonObject(with: Data(json.utf8)))
    }

    private init(value: Any) {
        self =
            switch value {
            case let object as [String: Any]: .object(object.mapValues { SyntaxTree(value: $0) })
            case let list as [Any]: .list(list.map { SyntaxTree(value: $0) })
            case let text as String: .text(text)
            case let number as NSNumber: .number(number.stringValue)
            default: .null
            }
    }

    /// A part of an object; null where there is none.
    subscript(_ key: String) -> SyntaxTree {
        if case .object(let parts) = self { parts[key] ?? .null } else { .null }
    }

    /// The text; empty for everything else.
    var text: String { if case .text(let text) = self { text } else { "" } }

    /// The parts of a list or of an object.
    var parts: [SyntaxTree] {
        switch self {
        case .list(let parts): parts
        case .object(let parts): parts.keys.sorted().compactMap { parts[$0] }
        default: []
        }
    }

    /// Whether it says true; numbers other than 0 do.
    var isTrue: Bool { if case .number(let digits) = self { digits != "0" } else { false } }

    /// Bytes of the query that it stands for.
    var range: Range<Int>? {
        guard case .number(let start) = self["query_location"], let start = Int(start), start >= 0,
            case .number(let length) = self["query_location_length"], let length = Int(length), length >= 0
        else { return nil }
        return start..<(start + length)
    }

    /// The same without places, so that trees of different texts can be compared.
    ///
    /// - Parameters:
    ///   - part: A part, without places, that is replaced.
    ///   - other: What comes instead.
    /// - Returns: The tree.
    func bare(replacing part: SyntaxTree? = nil, with other: SyntaxTree = .null) -> SyntaxTree {
        let bare: SyntaxTree =
            switch self {
            case .object(let parts):
                .object(
                    parts.filter { !["query_location", "query_location_length"].contains($0.key) }
                        .mapValues { $0.bare(replacing: part, with: other) }
                )
            case .list(let parts): .list(parts.map { $0.bare(replacing: part, with: other) })
            default: self
            }
        return bare == part ? other : bare
    }
}
