// Splits a segment into sub-groups and saves them as segments of their own (SEG-18).
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
public import Kernel
public import Model
import Ports
import Profiles
import Rules
import Segmentation

/// A sub-group.
public struct SegmentPart: Hashable, Sendable {
    /// What its members have in common, in both languages.
    public var label: BilingualText
    /// Who they are.
    public var members: Bitset

    /// Joins both.
    public init(label: BilingualText, members: Bitset) {
        (self.label, self.members) = (label, members)
    }
}

extension Segments {
    /// Splits members; empty parts of an attribute's values are left out, and who is in no part makes a last one.
    ///
    /// - Throws: ``PlanningError/badDefinition(part:why:)`` for a split that cannot be.
    public func split(_ members: Bitset, by split: SegmentSplit, today: LocalDay) async throws -> [SegmentPart] {
        var parts: [SegmentPart]
        switch split {
        case .random(let weights, let draw):
            guard (2...SegmentSplit.mostParts).contains(weights.count), weights.allSatisfy({ $0 > 0 }),
                weights.reduce(0, { $0.addingReportingOverflow($1).partialValue }) <= 1_000_000,
                weights.allSatisfy({ $0 <= 1_000_000 })
            else {
                throw Self.wrong(
                    "random.weights",
                    zh: "请填写 2 至 \(SegmentSplit.mostParts) 个正数权重",
                    en: "give 2 to \(SegmentSplit.mostParts) positive weights"
                )
            }
            return zip(1..., try await draws(draw).split(members, weights: weights)).map { number, part in
                let share = "\(number)/\(weights.count)"
                return SegmentPart(label: BilingualText(zh: "第 \(share) 组", en: "part \(share)"), members: part)
            }
        case .attribute(let code): parts = try await self.parts(of: members, byValuesOf: code)
        case .bands(let code, let edges): parts = try await self.parts(of: members, byBandsOf: code, edges)
        case .conditions(let rules):
            guard (1..<SegmentSplit.mostParts).contains(rules.count) else {
                throw Self.wrong(
                    "conditions",
                    zh: "请填写 1 至 \(SegmentSplit.mostParts - 1) 条规则",
                    en: "give 1 to \(SegmentSplit.mostParts - 1) rules"
                )
            }
            var sets: [Bitset] = []
            for (place, rule) in rules.enumerated() {
                do {
                    sets.append(try await self.members(rule, in: .all, today: today))
                } catch let error as RuleError {
                    throw PlanningError.badRule(part: "conditions.\(place)", error)
                }
            }
            parts = zip(rules, members.parts(by: sets)).map {
                SegmentPart(label: BilingualText(zh: $0, en: $0), members: $1)
            }
        case .tailDigits(let groups): parts = try self.parts(of: members, byLastDigitIn: groups)
        }
        return withRest(parts, of: members)
    }

    /// Saves parts as segments named after the one they were split from.
    public func save(
        _ parts: [SegmentPart],
        of segment: Segment,
        name: (BilingualText) -> String,
        by staff: Staff,
        at now: Instant
    ) async throws -> [Segment] {
        guard parts.count <= SegmentSplit.mostParts else {
            throw Self.wrong(
                "split",
                zh: "共分为 \(parts.count) 组，最多 \(SegmentSplit.mostParts) 组可存为客户群",
                en: "it has \(parts.count) parts; at most \(SegmentSplit.mostParts) become segments"
            )
        }
        var saved: [Segment] = []
        for part in parts {
            saved.append(
                try await save(part, of: segment, action: "segment.split", name: name, by: staff, at: now)
            )
        }
        return saved
    }

    /// Saves some of a segment's members as one of its own, in the part of the organisation that both it and its owner have.
    func save(
        _ part: SegmentPart,
        of segment: Segment,
        action: String,
        name: (BilingualText) -> String,
        by staff: Staff,
        at now: Instant
    ) async throws -> Segment {
        let file = MemberFile(
            file: try host.store(part.members.listFile),
            count: Int64(part.members.count),
            origin: .split,
            name: segment.name
        )
        var new = Segment(
            name: "\(segment.name.prefix(60)) · \(name(part.label).prefix(36))",
            definition: SegmentDefinition(.members(file)),
            owner: staff.login,
            scope: staff.scope.covers(segment.scope) ? segment.scope : staff.scope,
            updatedAt: now
        )
        new.sharing = segment.sharing
        new.count = file.count
        let audit = AuditEntry(
            at: now,
            who: staff.login,
            action: action,
            object: "segment/\(segment.id)",
            detail: new.name
        )
        return try await store.save(new, audit: audit)
    }

    private func parts(of members: Bitset, byValuesOf code: String) async throws -> [SegmentPart] {
        let (column, attribute) = try await column(code, part: "attribute")
        guard [.enumeration, .flag, .text].contains(attribute.type) else {
            throw Self.wrong(
                "attribute",
                zh: "\(code) 没有取值列表，请按区间拆分",
                en: "\(code) has no set of values; split it by bands"
            )
        }
        let labels: [BilingualText] =
            attribute.type == .flag
            ? [BilingualText(zh: "否", en: "no"), BilingualText(zh: "是", en: "yes")]
            : column.dictionary.map { value in
                attribute.domain.first { $0.value == value }?.label ?? BilingualText(zh: value, en: value)
            }
        guard labels.count < SegmentSplit.mostParts else {
            throw Self.wrong(
                "attribute",
                zh: "\(code) 有 \(labels.count) 个取值，分组过多",
                en: "\(code) has \(labels.count) values, which are too many parts"
            )
        }
        let parts = members.parts(labels.count) { column.unscaled(at: Int($0)).map { Int($0) } }
        return zip(labels, parts).filter { !$1.isEmpty }.map { SegmentPart(label: $0, members: $1) }
    }

    private func parts(of members: Bitset, byBandsOf code: String, _ edges: [String]) async throws -> [SegmentPart] {
        let (column, attribute) = try await column(code, part: "bands.attribute")
        let values = edges.map { attribute.unscaled($0) }
        let ascending = values.compactMap { $0 }
        guard ascending.count == edges.count, !edges.isEmpty, edges.count < SegmentSplit.mostParts,
            zip(ascending, ascending.dropFirst()).allSatisfy(<)
        else {
            throw Self.wrong(
                "bands.edges",
                zh: "请按从小到大填写分界值，每个都是 \(code) 的取值",
                en: "give edges that ascend, each a value of \(code)"
            )
        }
        let parts = members.parts(edges.count + 1) { index in
            column.unscaled(at: Int(index)).map { value in ascending.firstIndex { value < $0 } ?? ascending.count }
        }
        return parts.enumerated().map { place, part in
            let label =
                place == 0
                ? "< \(edges[0])"
                : place == edges.count ? "≥ \(edges[place - 1])" : "\(edges[place - 1]) – < \(edges[place])"
            let name = attribute.name
            return SegmentPart(
                label: BilingualText(zh: "\(name.zh) \(label)", en: "\(name.en) \(label)"),
                members: part
            )
        }
    }

    private func parts(of members: Bitset, byLastDigitIn groups: [String]) throws -> [SegmentPart] {
        var partOfDigit = [Int?](repeating: nil, count: 10)
        for (part, group) in groups.enumerated() {
            for character in group where !", ".contains(character) {
                guard let digit = character.wholeNumberValue, character.isASCII, partOfDigit[digit] == nil else {
                    throw Self.wrong(
                        "tail_digits",
                        zh: "每组填写 0 至 9 的数字，每个数字只在一组中",
                        en: "each part is a text of digits 0 to 9, and each digit is in one part"
                    )
                }
                partOfDigit[digit] = part
            }
        }
        guard (1...10).contains(groups.count), groups.allSatisfy({ !$0.isEmpty }) else {
            throw Self.wrong("tail_digits", zh: "请填写 1 至 10 组尾号", en: "give 1 to 10 parts with digits")
        }
        let numbers = numbers.current
        let parts = members.parts(groups.count) { index in
            numbers.number(of: SubscriberIndex(index)).flatMap { partOfDigit[Int($0.number % 10)] }
        }
        return zip(groups, parts).map { digits, part in
            SegmentPart(label: BilingualText(zh: "尾号 \(digits)", en: "last digit \(digits)"), members: part)
        }
    }

    /// A hot attribute's column.
    func column(_ code: String, part: String) async throws -> (HotColumn, Attribute) {
        let reader = try await host.read { try $0.profileReader() }
        guard let profile = (reader as? ColumnProfile)?.profile, let attribute = profile.catalogue[code],
            let column = profile.columns[code]
        else {
            throw Self.wrong(
                part,
                zh: "没有常驻内存的属性 \(code.prefix(63))",
                en: "there is no hot attribute \(code.prefix(63))"
            )
        }
        return (column, attribute)
    }

    private func withRest(_ parts: [SegmentPart], of members: Bitset) -> [SegmentPart] {
        var rest = members
        for part in parts { rest.subtract(part.members) }
        return rest.isEmpty ? parts : parts + [SegmentPart(label: BilingualText(zh: "其余", en: "others"), members: rest)]
    }

    private static func wrong(_ part: String, zh: String, en: String) -> PlanningError {
        .badDefinition(part: part, why: BilingualText(zh: zh, en: en))
    }
}

extension Attribute {
    /// A value as people write it, as the number a column holds; nil when it is none.
    func unscaled(_ text: String) -> Int64? {
        switch type {
        case .integer: return Int64(text)
        case .decimal(let scale): return Scaled(parsing: text).flatMap { $0.rescaled(to: scale) }?.unscaled
        case .day: return LocalDay(iso: text).map { Int64($0.number) }
        case .flag, .enumeration, .text: return nil
        }
    }
}
