// Rules made up for benches: conditions whose constants select some, but not all.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Profiles

/// Conditions whose constants lie where the values of the base lie.
struct Conditions {
    private static let ofAttributes = 16
    private static let ofSets = 4
    private let hot: [(attribute: Attribute, spread: ColumnDistribution)]
    private let coldOnes: [(attribute: Attribute, spread: ColumnDistribution)]

    init(_ segments: Segments, today: LocalDay) async throws {
        var found: [(Attribute, ColumnDistribution)] = []
        for attribute in try await segments.catalogue().attributes where attribute.type != .text {
            if let spread = try await segments.distribution(of: attribute, in: .all, today: today),
                spread.total.base > 0
            {
                found.append((attribute, spread))
            }
        }
        hot = found.filter { $0.0.isHot }
        coldOnes = found.filter { !$0.0.isHot }
    }

    /// One condition on a hot attribute.
    func one(_ random: inout SeededRandom) -> String {
        let (attribute, spread) = hot[Int.random(in: 0..<hot.count, using: &random)]
        return condition(attribute, spread, &random)
    }

    /// Twenty conditions, four of them sets, nested by AND, OR and NOT.
    func rule(_ sets: [String], _ random: inout SeededRandom) -> String {
        var parts = (0..<Self.ofAttributes).map { _ in one(&random) }
        parts += sets.shuffled(using: &random).prefix(Self.ofSets).map {
            Bool.random(using: &random) ? $0 : "NOT \($0)"
        }
        return tree(parts.shuffled(using: &random), isAnd: false, &random)
    }

    /// The same with one of the conditions on a cold attribute.
    func cold(_ sets: [String], _ random: inout SeededRandom) throws -> String {
        guard let (attribute, spread) = coldOnes.first(where: { $0.attribute.isNumber }) else {
            throw BenchError.answersDiffer("the operator has no cold number")
        }
        var parts = (0..<Self.ofAttributes - 1).map { _ in one(&random) }
        parts.append(condition(attribute, spread, &random))
        parts += sets.shuffled(using: &random).prefix(Self.ofSets)
        return tree(parts.shuffled(using: &random), isAnd: false, &random)
    }

    func tree(_ parts: [String], isAnd: Bool, _ random: inout SeededRandom) -> String {
        guard parts.count > 1 else { return parts[0] }
        let groups = Int.random(in: 2...min(4, parts.count), using: &random)
        let bounds = (0...groups).map { parts.count * $0 / groups }
        let texts = (0..<groups).map { tree(Array(parts[bounds[$0]..<bounds[$0 + 1]]), isAnd: !isAnd, &random) }
        let text = "(\(texts.joined(separator: isAnd ? " AND " : " OR ")))"
        return Int.random(in: 0..<8, using: &random) == 0 ? "NOT \(text)" : text
    }

    private func condition(_ attribute: Attribute, _ spread: ColumnDistribution, _ random: inout SeededRandom) -> String
    {
        switch attribute.type {
        case .flag: return Bool.random(using: &random) ? attribute.code : "NOT \(attribute.code)"
        case .enumeration, .text:
            let texts = spread.parts.compactMap(\.text).shuffled(using: &random)
            let chosen = texts.prefix(Int.random(in: 1...max(1, texts.count * 2 / 3), using: &random))
            let list = chosen.map { SQLDialect.duckdb.quoted(literal: $0) }.joined(separator: ", ")
            return "\(attribute.code) \(Bool.random(using: &random) ? "" : "NOT ")IN (\(list))"
        case .integer, .decimal, .day:
            guard let quantiles = spread.baseQuantiles else { return "\(attribute.code) IS NULL" }
            func literal(_ place: Int) -> String { attribute.literal(quantiles.values[place]) }
            let place = Int.random(in: 0..<quantiles.values.count, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: return "\(attribute.code) BETWEEN \(literal(0)) AND \(literal(3))"
            case 1: return "\(attribute.code) IS NOT NULL"
            case 2...4: return "\(attribute.code) < \(literal(place))"
            default: return "\(attribute.code) >= \(literal(place))"
            }
        }
    }
}

extension Attribute {
    fileprivate var isNumber: Bool {
        switch type {
        case .integer, .decimal: true
        default: false
        }
    }

    fileprivate func literal(_ value: Int64) -> String {
        switch type {
        case .decimal(let scale): Scaled(unscaled: value, scale: scale).description
        case .day: "DATE '\(LocalDay(number: Int32(truncatingIfNeeded: value)).iso)'"
        default: "\(value)"
        }
    }
}
