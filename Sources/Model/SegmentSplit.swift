// Ways to split a segment into sub-groups (客户群分组, SEG-18).
// SPDX-License-Identifier: Apache-2.0

/// How members are told apart.
///
/// As JSON: `{"random": {"weights": [1, 1, 2], "draw": 1}}`, `{"attribute": "city"}`,
/// `{"bands": {"attribute": "age", "edges": ["30", "50"]}}`, `{"conditions": ["…", "…"]}`, `{"tail_digits": ["135", "246"]}`.
public enum SegmentSplit: Hashable, Sendable {
    /// By lot, in parts whose sizes stand to each other as the weights; the same draw gives the same parts.
    case random(weights: [Int], draw: Int)
    /// By the values of a hot attribute with a domain, such as the brand or the region.
    case attribute(String)
    /// By bands of a number or day: below the first edge, from there to below the second, and so on.
    case bands(String, edges: [String])
    /// By rules in their order: who meets several belongs to the first.
    case conditions([String])
    /// By the last digit of the telephone number: a part for each text of digits.
    case tailDigits([String])

    /// Parts that become segments at most.
    public static let mostParts = 200
}

extension SegmentSplit: OneKeyed {
    enum Key: String, CodingKey, CaseIterable { case random, attribute, bands, conditions, tailDigits = "tail_digits" }

    private struct Random: Codable {
        var weights: [Int]
        var draw: Int?
    }

    private struct Bands: Codable {
        var attribute: String
        var edges: [String]
    }

    init(_ key: Key, from c: KeyedDecodingContainer<Key>) throws {
        switch key {
        case .random:
            let random = try c.decode(Random.self, forKey: key)
            self = .random(weights: random.weights, draw: random.draw ?? 1)
        case .attribute: self = .attribute(try c.decode(String.self, forKey: key))
        case .bands:
            let bands = try c.decode(Bands.self, forKey: key)
            self = .bands(bands.attribute, edges: bands.edges)
        case .conditions: self = .conditions(try c.decode([String].self, forKey: key))
        case .tailDigits: self = .tailDigits(try c.decode([String].self, forKey: key))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: Key.self)
        switch self {
        case .random(let weights, let draw): try c.encode(Random(weights: weights, draw: draw), forKey: .random)
        case .attribute(let code): try c.encode(code, forKey: .attribute)
        case .bands(let code, let edges): try c.encode(Bands(attribute: code, edges: edges), forKey: .bands)
        case .conditions(let rules): try c.encode(rules, forKey: .conditions)
        case .tailDigits(let digits): try c.encode(digits, forKey: .tailDigits)
        }
    }
}
