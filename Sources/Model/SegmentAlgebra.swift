// Set algebra over saved segments (SEG-03).
// SPDX-License-Identifier: Apache-2.0

/// What is combined of saved segments: union 并集, intersection 交集, difference 差集, to any depth.
///
/// As JSON: `{"segment": 7}`, `{"union": […]}`, `{"intersection": […]}`, `{"difference": […]}`, whose first part loses the
/// members of all others.
public indirect enum SegmentAlgebra: Hashable, Sendable {
    /// The members of a segment, by number.
    case segment(Int64)
    /// Who is in any part.
    case union([SegmentAlgebra])
    /// Who is in all parts.
    case intersection([SegmentAlgebra])
    /// Who is in the first part and in none of the others.
    case difference([SegmentAlgebra])

    /// Levels that an expression may have.
    public static let deepest = 20
    /// Segments that an expression may name.
    public static let mostSegments = 100

    /// The segments it names, each once, ascending.
    public var segments: [Int64] {
        var found: Set<Int64> = []
        collect(&found)
        return found.sorted()
    }

    /// Levels it has; a segment alone is one.
    public var levels: Int {
        switch self {
        case .segment: 1
        case .union(let parts), .intersection(let parts), .difference(let parts):
            1 + (parts.map(\.levels).max() ?? 0)
        }
    }

    /// Why it is too large; nil when it is not.
    public var excess: BilingualText? {
        if levels > Self.deepest {
            return BilingualText(zh: "运算超过 \(Self.deepest) 层", en: "it has more than \(Self.deepest) levels")
        }
        guard segments.count > Self.mostSegments else { return nil }
        return BilingualText(
            zh: "运算涉及超过 \(Self.mostSegments) 个客户群",
            en: "it names more than \(Self.mostSegments) segments"
        )
    }

    private func collect(_ found: inout Set<Int64>) {
        switch self {
        case .segment(let id): found.insert(id)
        case .union(let parts), .intersection(let parts), .difference(let parts):
            for part in parts { part.collect(&found) }
        }
    }
}

extension SegmentAlgebra: Codable {
    private enum Key: String, CodingKey, CaseIterable {
        case segment, union, intersection, difference
    }

    public init(from decoder: any Decoder) throws {
        // No input may exhaust the stack; where the expression begins is some keys deep.
        guard decoder.codingPath.count <= Self.deepest * 2 + 10 else {
            throw Self.wrong(decoder, "it has more than \(Self.deepest) levels")
        }
        let container = try decoder.container(keyedBy: Key.self)
        guard container.allKeys.count == 1, let key = container.allKeys.first else {
            throw Self.wrong(decoder, "write one of segment, union, intersection and difference")
        }
        if key == .segment {
            self = .segment(try container.decode(Int64.self, forKey: key))
            return
        }
        let parts = try container.decode([SegmentAlgebra].self, forKey: key)
        guard parts.count >= 2 else { throw Self.wrong(decoder, "\(key.rawValue) takes two parts or more") }
        switch key {
        case .union: self = .union(parts)
        case .intersection: self = .intersection(parts)
        case .difference, .segment: self = .difference(parts)
        }
    }

    private static func wrong(_ decoder: any Decoder, _ why: String) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: decoder.codingPath, debugDescription: why))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .segment(let id): try container.encode(id, forKey: .segment)
        case .union(let parts): try container.encode(parts, forKey: .union)
        case .intersection(let parts): try container.encode(parts, forKey: .intersection)
        case .difference(let parts): try container.encode(parts, forKey: .difference)
        }
    }
}
