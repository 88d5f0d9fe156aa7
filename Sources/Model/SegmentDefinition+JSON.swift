// Segment definitions as JSON: one key says what a part is, as in `{"list": "black"}`.
// SPDX-License-Identifier: Apache-2.0

/// A value written as an object with exactly one key, which says what it is.
protocol OneKeyed: Codable {
    associatedtype Key: CodingKey & CaseIterable & RawRepresentable<String>

    init(_ key: Key, from container: KeyedDecodingContainer<Key>) throws
}

extension OneKeyed {
    public init(from decoder: any Decoder) throws {
        let names = Key.allCases.map(\.rawValue)
        // Decoding by known keys only would let others pass unseen.
        let all = try decoder.container(keyedBy: AnyKey.self).allKeys
        guard all.count == 1, let key = all.first.flatMap({ Key(rawValue: $0.stringValue) }) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "write one of \(names.joined(separator: ", "))")
            )
        }
        try self.init(key, from: decoder.container(keyedBy: Key.self))
    }
}

/// Any key, to see which there are.
private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// The parts of a definition.
extension SegmentDefinition: Codable {
    private enum Key: String, CodingKey, CaseIterable {
        case from, exclude, customerLine = "one_per_customer", pick
    }

    public init(from decoder: any Decoder) throws {
        let known = Set(Key.allCases.map(\.rawValue))
        if let other = try decoder.container(keyedBy: AnyKey.self).allKeys.first(where: {
            !known.contains($0.stringValue)
        }) {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath + [other], debugDescription: "there is no such key")
            )
        }
        let c = try decoder.container(keyedBy: Key.self)
        self.init(
            try c.decode(SegmentSource.self, forKey: .from),
            exclusions: try c.decodeIfPresent([SegmentExclusion].self, forKey: .exclude) ?? [],
            customerLine: try c.decodeIfPresent(CustomerLine.self, forKey: .customerLine),
            pick: try c.decodeIfPresent(SegmentPick.self, forKey: .pick)
        )
    }

    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: Key.self)
        try c.encode(source, forKey: .from)
        if !exclusions.isEmpty { try c.encode(exclusions, forKey: .exclude) }
        try c.encodeIfPresent(customerLine, forKey: .customerLine)
        try c.encodeIfPresent(pick, forKey: .pick)
    }
}

extension SegmentSource: OneKeyed {
    enum Key: String, CodingKey, CaseIterable { case rule, members, algebra, outcome, sql }

    init(_ key: Key, from c: KeyedDecodingContainer<Key>) throws {
        self =
            switch key {
            case .rule: .rule(try c.decode(String.self, forKey: key))
            case .members: .members(try c.decode(MemberFile.self, forKey: key))
            case .algebra: .algebra(try SegmentAlgebra(from: c.superDecoder(forKey: key)))
            case .outcome: .outcome(try c.decode(CampaignOutcome.self, forKey: key))
            case .sql: .sql(try c.decode(String.self, forKey: key))
            }
    }

    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: Key.self)
        switch self {
        case .rule(let text): try c.encode(text, forKey: .rule)
        case .members(let file): try c.encode(file, forKey: .members)
        case .algebra(let algebra): try c.encode(algebra, forKey: .algebra)
        case .outcome(let outcome): try c.encode(outcome, forKey: .outcome)
        case .sql(let text): try c.encode(text, forKey: .sql)
        }
    }
}

extension SegmentExclusion: OneKeyed {
    enum Key: String, CodingKey, CaseIterable { case list, filter, contacted, campaigns, rule, segment }

    private struct Contacted: Codable {
        var category: String?
        var days: Int
    }

    init(_ key: Key, from c: KeyedDecodingContainer<Key>) throws {
        switch key {
        case .list: self = .list(try c.decode(String.self, forKey: key))
        case .filter: self = .filter(try c.decode(StrategyFilter.self, forKey: key))
        case .contacted:
            let contacted = try c.decode(Contacted.self, forKey: key)
            self = .contacted(category: contacted.category, days: contacted.days)
        case .campaigns: self = .campaigns(try c.decode([Int64].self, forKey: key))
        case .rule: self = .rule(try c.decode(String.self, forKey: key))
        case .segment: self = .segment(try c.decode(Int64.self, forKey: key))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: Key.self)
        switch self {
        case .list(let code): try c.encode(code, forKey: .list)
        case .filter(let filter): try c.encode(filter, forKey: .filter)
        case .contacted(let category, let days):
            try c.encode(Contacted(category: category, days: days), forKey: .contacted)
        case .campaigns(let ids): try c.encode(ids, forKey: .campaigns)
        case .rule(let text): try c.encode(text, forKey: .rule)
        case .segment(let id): try c.encode(id, forKey: .segment)
        }
    }
}

extension CustomerLine: OneKeyed {
    enum Key: String, CodingKey, CaseIterable { case highest, main }

    init(_ key: Key, from c: KeyedDecodingContainer<Key>) throws {
        switch key {
        case .highest: self = .highest(try c.decode(String.self, forKey: key))
        case .main: self = .main
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: Key.self)
        switch self {
        case .highest(let attribute): try c.encode(attribute, forKey: .highest)
        case .main: try c.encode(true, forKey: .main)
        }
    }
}

extension SegmentPick: OneKeyed {
    enum Key: String, CodingKey, CaseIterable { case top, sample }

    private struct Top: Codable {
        var count: Int
        var score: String
    }

    private struct Sample: Codable {
        var count: Int
        var draw: Int?
    }

    init(_ key: Key, from c: KeyedDecodingContainer<Key>) throws {
        switch key {
        case .top:
            let top = try c.decode(Top.self, forKey: key)
            self = .top(top.count, score: top.score)
        case .sample:
            let sample = try c.decode(Sample.self, forKey: key)
            self = .sample(sample.count, draw: sample.draw ?? 1)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: Key.self)
        switch self {
        case .top(let count, let score): try c.encode(Top(count: count, score: score), forKey: .top)
        case .sample(let count, let draw): try c.encode(Sample(count: count, draw: draw), forKey: .sample)
        }
    }
}

extension SegmentStep.Kind: OneKeyed {
    enum Key: String, CodingKey, CaseIterable {
        case source, scope, exclusion, onePerCustomer = "one_per_customer", pick
    }

    init(_ key: Key, from c: KeyedDecodingContainer<Key>) throws {
        self =
            switch key {
            case .source: .source
            case .scope: .scope
            case .exclusion: .exclusion(try c.decode(Int.self, forKey: key))
            case .onePerCustomer: .onePerCustomer
            case .pick: .pick
            }
    }

    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: Key.self)
        switch self {
        case .source: try c.encode(true, forKey: .source)
        case .scope: try c.encode(true, forKey: .scope)
        case .exclusion(let place): try c.encode(place, forKey: .exclusion)
        case .onePerCustomer: try c.encode(true, forKey: .onePerCustomer)
        case .pick: try c.encode(true, forKey: .pick)
        }
    }
}
