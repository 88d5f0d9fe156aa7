// From a checked condition to steps over columns. NOT moves to the leaves first: then only "true" has to be computed,
// because AND and OR of the rows that are true, NULLs left out, are exactly the rows where SQL finds the whole true.
// SPDX-License-Identifier: Apache-2.0

import CColumns
import Kernel
import Model
import Rules

/// A condition without a NOT of what may be unknown.
private indirect enum Node {
    case constant(Bool)
    case all([Node])
    case any([Node])
    case leaf(PredicateStep.Operation, flip: Bool, nulls: UnsafePointer<UInt64>?)
    /// Wherever the other is not true.
    case except(Node)
}

struct PredicateCompiler {
    private let profile: HotProfile
    private let members: (Membership) -> Bitset?
    private var owners: [AnyObject] = []
    private var values = ValueProgram()
    private var steps: [PredicateStep] = []
    private var levels = 1

    private init(_ profile: HotProfile, _ members: @escaping (Membership) -> Bitset?) {
        self.profile = profile
        self.members = members
    }

    /// Compiles a condition whose `today` is bound.
    static func compile(
        _ condition: CheckedCondition,
        _ profile: HotProfile,
        _ members: @escaping (Membership) -> Bitset?
    ) throws(ProfileError) -> PredicateProgram {
        var compiler = PredicateCompiler(profile, members)
        let node = try compiler.node(condition, negated: false)
        compiler.emit(node, level: 0, mode: COLUMN_SET)
        return PredicateProgram(
            steps: compiler.steps,
            values: compiler.values,
            levels: compiler.levels,
            owners: compiler.owners
        )
    }

    /// Compiles a value whose `today` is bound; the result is in register 0.
    static func compile(
        _ value: CheckedValue,
        _ profile: HotProfile
    ) throws(ProfileError) -> (ValueProgram, owners: [AnyObject]) {
        var compiler = PredicateCompiler(profile) { _ in nil }
        try compiler.emit(value, into: 0, tables: [:])
        return (compiler.values, compiler.owners)
    }

    // MARK: Steps

    private mutating func emit(_ node: Node, level: Int, mode: column_mode) {
        levels = max(levels, level + 1)
        func step(_ operation: PredicateStep.Operation, flip: Bool, nulls: UnsafePointer<UInt64>?) -> PredicateStep {
            PredicateStep(operation: operation, flip: flip ? .max : 0, nulls: nulls, level: level, mode: mode)
        }
        switch node {
        case .constant(let value): steps.append(step(.all, flip: !value, nulls: nil))
        case .leaf(let operation, let flip, let nulls): steps.append(step(operation, flip: flip, nulls: nulls))
        case .all(let parts): emit(parts, inner: COLUMN_AND, level: level, mode: mode)
        case .any(let parts): emit(parts, inner: COLUMN_OR, level: level, mode: mode)
        case .except(let other):
            emit(other, level: level + 1, mode: COLUMN_SET)
            steps.append(step(.level(level + 1), flip: true, nulls: nil))
        }
    }

    /// Parts are merged into their own row of masks, unless that row is the one to be set or merged the same way.
    private mutating func emit(_ parts: [Node], inner: column_mode, level: Int, mode: column_mode) {
        if mode == COLUMN_SET || mode == inner {
            for (place, part) in parts.enumerated() { emit(part, level: level, mode: place == 0 ? mode : inner) }
        } else {
            emit(parts, inner: inner, level: level + 1, mode: COLUMN_SET)
            steps.append(
                PredicateStep(operation: .level(level + 1), flip: 0, nulls: nil, level: level, mode: mode)
            )
        }
    }

    // MARK: Conditions

    private mutating func node(_ condition: CheckedCondition, negated: Bool) throws(ProfileError) -> Node {
        switch condition {
        case .constant(let value): return .constant(value != negated)
        case .not(let part): return try node(part, negated: !negated)
        case .holds(let part):
            let node = try node(part, negated: false)
            guard negated else { return node }
            if case .constant(let value) = node { return .constant(!value) }
            return .except(node)
        case .and(let parts): return try combined(parts, isAll: !negated, negated)
        case .or(let parts): return try combined(parts, isAll: negated, negated)
        case .flag(let attribute): return bits(try profile.hot(attribute), flip: negated)
        case .compare(let left, let sign, let right): return try comparison(left, negated ? sign.negated : sign, right)
        case .isIn(let value, let items): return try isIn(value, items, flip: negated)
        case .like(let value, let pattern):
            guard case .attribute(let attribute) = value.operation else {
                preconditionFailure("behaviour has no column, and only texts are like a pattern")
            }
            return try codes(attribute, flip: negated) { pattern.matches($0) }
        case .isNull(let value): return try isNull(value, flip: negated)
        case .member(let membership): return try member(membership, flip: negated)
        }
    }

    private mutating func combined(
        _ parts: [CheckedCondition],
        isAll: Bool,
        _ negated: Bool
    ) throws(ProfileError) -> Node {
        var nodes: [Node] = []
        for part in parts {
            let node = try node(part, negated: negated)
            guard case .constant(let value) = node else {
                nodes.append(node)
                continue
            }
            // TRUE in an AND and FALSE in an OR change nothing; the other way round they decide.
            if value != isAll { return .constant(value) }
        }
        if nodes.count == 1 { return nodes[0] }
        return nodes.isEmpty ? .constant(isAll) : isAll ? .all(nodes) : .any(nodes)
    }

    private mutating func comparison(
        _ left: CheckedValue,
        _ sign: ComparisonOperator,
        _ right: CheckedValue
    ) throws(ProfileError) -> Node {
        switch (left.type, left.operation, right.operation) {
        case (.flag, .attribute(let attribute), .constant(let value)),
            (.flag, .constant(let value), .attribute(let attribute)):
            return bits(try profile.hot(attribute), flip: (value == 1) != (sign == .equal))
        case (.text, .attribute(let attribute), .text(let text)),
            (.enumeration, .attribute(let attribute), .text(let text)):
            return try comparison(attribute, sign, text)
        case (.text, .text(let text), .attribute(let attribute)),
            (.enumeration, .text(let text), .attribute(let attribute)):
            return try comparison(attribute, sign.mirrored, text)
        case (_, .constant(let bound), _):
            if let node = try comparison(right, sign.mirrored, bound) { return node }
        case (_, _, .constant(let bound)):
            if let node = try comparison(left, sign, bound) { return node }
        default: break
        }
        return try compare(left, sign, right)
    }

    /// A text or enumeration against a constant.
    private mutating func comparison(
        _ attribute: Attribute,
        _ sign: ComparisonOperator,
        _ text: String
    ) throws(ProfileError) -> Node {
        let column = try profile.hot(attribute)
        guard sign != .equal, sign != .notEqual else {
            return matching(column, column.code(of: text).map { [$0] } ?? [], flip: sign == .notEqual)
        }
        // Only enumerations have an order, and their codes are places in the domain.
        let place = Int64(column.code(of: text) ?? -1)
        return matching(column, column.dictionary.indices.filter { sign.holds(Int64($0), place) }, flip: false)
    }

    private mutating func isIn(
        _ value: CheckedValue,
        _ items: [CheckedValue],
        flip: Bool
    ) throws(ProfileError) -> Node {
        if case .attribute(let attribute) = value.operation, attribute.type == .text || attribute.type == .enumeration {
            let column = try profile.hot(attribute)
            let codes = items.compactMap { item in
                if case .text(let text) = item.operation { column.code(of: text) } else { nil }
            }
            return matching(column, Array(Set(codes)).sorted(), flip: flip)
        }
        let bounds = Set(items.compactMap { $0.evaluate { _ in nil } }).sorted()
        if case .attribute(let attribute) = value.operation {
            let column = try profile.hot(attribute)
            return matching(column, bounds.compactMap { column.distance($0) }.map { $0...$0 }, flip: flip)
        }
        let register = registerBase
        let range = try emitValues([value], from: register)
        let (low, high) = (keep(bounds), keep(bounds))
        return .leaf(.search(range, register, low: low, high: high, count: bounds.count), flip: flip, nulls: nil)
    }

    private mutating func isNull(_ value: CheckedValue, flip: Bool) throws(ProfileError) -> Node {
        if case .attribute(let attribute) = value.operation {
            let column = try profile.hot(attribute)
            guard let nulls = ColumnMemory(column).nulls else { return .constant(flip) }
            keepAlive(column)
            return .leaf(.bits(nulls), flip: flip, nulls: nil)
        }
        if case .text = value.operation { return .constant(flip) }
        let register = registerBase
        let range = try emitValues([value], from: register)
        return .leaf(.missing(range, register), flip: flip, nulls: nil)
    }

    private mutating func member(_ membership: Membership, flip: Bool) throws(ProfileError) -> Node {
        guard let set = members(membership) else { throw .unknownMembership(membership) }
        // A copy, so that the set may change and have another universe.
        let needed = words(profile.universe)
        let copy = ColumnStorage(byteCount: needed * 8)
        set.words.withUnsafeBytes { copy.bytes.copyMemory(from: .init(rebasing: $0.prefix(needed * 8))) }
        owners.append(copy)
        return .leaf(.bits(UnsafePointer(copy.pointer(to: UInt64.self))), flip: flip, nulls: nil)
    }

    // MARK: Columns against constants

    private mutating func bits(_ column: HotColumn, flip: Bool) -> Node {
        keepAlive(column)
        let memory = ColumnMemory(column)
        return .leaf(.bits(memory.values(from: 0)), flip: flip, nulls: memory.nulls)
    }

    /// Rows that have a value.
    private mutating func present(_ column: HotColumn) -> Node {
        guard let nulls = ColumnMemory(column).nulls else { return .constant(true) }
        keepAlive(column)
        return .leaf(.bits(nulls), flip: true, nulls: nil)
    }

    /// A number or day against a constant, when that comes down to one range of one column.
    private mutating func comparison(
        _ value: CheckedValue,
        _ sign: ComparisonOperator,
        _ bound: Int64
    ) throws(ProfileError) -> Node? {
        guard let (attribute, rises) = value.monotone else { return nil }
        let column = try profile.hot(attribute)
        guard let range = column.range else { return .constant(false) }
        func holds(_ sign: ComparisonOperator, at number: Int64) -> Bool {
            // Without NULL there is a value, because a monotone value divides by no zero.
            value.evaluate { _ in number }.map { sign.holds($0, bound) } ?? false
        }
        // Distances whose value is below the bound form a prefix (a suffix when the value falls); same for "not above".
        func prefix(_ sign: ComparisonOperator) -> UInt64 {
            var (low, high) = (UInt64(0), column.largest)
            guard holds(sign, at: range.lowerBound) else { return 0 }
            guard !holds(sign, at: range.upperBound) else { return .max }
            while high - low > 1 {
                let middle = low + (high - low) / 2
                if holds(sign, at: column.base &+ Int64(bitPattern: middle)) { low = middle } else { high = middle }
            }
            return high
        }
        // Number of distances for which the first, then the second of "below, equal, above" (or the reverse) holds.
        let first = prefix(rises ? .less : .greater)
        let second = prefix(rises ? .lessOrEqual : .greaterOrEqual)
        let (below, above) = (rises ? ComparisonOperator.less : .greater, rises ? ComparisonOperator.greater : .less)
        switch sign {
        case .equal, .notEqual: return matching(column, span(first, second), flip: sign == .notEqual)
        case below: return matching(column, span(0, first), flip: false)
        case above: return matching(column, span(second, .max), flip: false)
        case .lessOrEqual, .greaterOrEqual:
            let isPrefix = (sign == .lessOrEqual) == rises
            return matching(column, isPrefix ? span(0, second) : span(first, .max), flip: false)
        default: return nil
        }
    }

    /// The distances from `start` up to but not including `end`; `.max` stands for all.
    private func span(_ start: UInt64, _ end: UInt64) -> [ClosedRange<UInt64>] {
        start < end ? [start...(end == .max ? .max : end - 1)] : []
    }

    /// Codes whose text fits.
    private mutating func codes(
        _ attribute: Attribute,
        flip: Bool,
        _ fits: (String) -> Bool
    ) throws(ProfileError) -> Node {
        let column = try profile.hot(attribute)
        return matching(column, column.dictionary.indices.filter { fits(column.dictionary[$0]) }, flip: flip)
    }

    /// Rows whose code is one of `codes`, which ascend.
    private mutating func matching(_ column: HotColumn, _ codes: [Int], flip: Bool) -> Node {
        let ranges = codes.map { UInt64($0)...UInt64($0) }
        let runs = Self.merged(ranges)
        guard runs.count > Self.manyRanges else { return matching(column, runs, flip: flip) }
        var members = [UInt64](repeating: 0, count: words(column.dictionary.count))
        for code in codes { members[code >> 6] |= 1 << UInt64(code & 63) }
        keepAlive(column)
        let memory = ColumnMemory(column)
        return .leaf(.lookup(memory, codes: keep(members)), flip: flip, nulls: memory.nulls)
    }

    /// More ranges than this are looked up rather than tried in turn.
    private static let manyRanges = 16

    /// Rows whose distance is in one of `ranges`, which ascend and do not meet.
    private mutating func matching(_ column: HotColumn, _ ranges: [ClosedRange<UInt64>], flip: Bool) -> Node {
        let runs = Self.merged(ranges.filter { $0.lowerBound <= column.largest })
            .map { $0.lowerBound...min($0.upperBound, column.largest) }
        if runs.isEmpty { return flip ? present(column) : .constant(false) }
        if runs == [0...column.largest] { return flip ? .constant(false) : present(column) }
        keepAlive(column)
        let memory = ColumnMemory(column)
        guard runs.count <= Self.manyRanges else { return searched(column, runs, flip: flip) }
        let low = keep(runs.map(\.lowerBound))
        let span = keep(runs.map { $0.upperBound - $0.lowerBound })
        return .leaf(
            .ranges(memory, low: low, span: span, count: runs.count),
            flip: flip,
            nulls: memory.nulls
        )
    }

    private mutating func searched(_ column: HotColumn, _ runs: [ClosedRange<UInt64>], flip: Bool) -> Node {
        let register = registerBase
        let start = values.steps.count
        append(.load(ColumnMemory(column)), register)
        let low = keep(runs.map { column.base &+ Int64(bitPattern: $0.lowerBound) })
        let high = keep(runs.map { column.base &+ Int64(bitPattern: $0.upperBound) })
        let range = start..<values.steps.count
        return .leaf(.search(range, register, low: low, high: high, count: runs.count), flip: flip, nulls: nil)
    }

    /// Neighbours joined.
    private static func merged(_ ranges: [ClosedRange<UInt64>]) -> [ClosedRange<UInt64>] {
        var runs: [ClosedRange<UInt64>] = []
        for range in ranges {
            if let last = runs.last, last.upperBound != .max, range.lowerBound == last.upperBound + 1 {
                runs[runs.count - 1] = last.lowerBound...range.upperBound
            } else {
                runs.append(range)
            }
        }
        return runs
    }

    // MARK: Values

    /// Registers are reused from one leaf to the next.
    private let registerBase = 0

    private mutating func compare(
        _ left: CheckedValue,
        _ sign: ComparisonOperator,
        _ right: CheckedValue
    ) throws(ProfileError) -> Node {
        let tables = try texts(left, right)
        let start = values.steps.count
        try emit(left, into: 0, tables: tables)
        try emit(right, into: 1, tables: tables)
        let range = start..<values.steps.count
        let (a, kind, b, flip) =
            switch sign {
            case .equal: (0, COLUMN_EQUAL, 1, false)
            case .notEqual: (0, COLUMN_EQUAL, 1, true)
            case .less: (0, COLUMN_LESS, 1, false)
            case .lessOrEqual: (0, COLUMN_LESS_OR_EQUAL, 1, false)
            case .greater: (1, COLUMN_LESS, 0, false)
            case .greaterOrEqual: (1, COLUMN_LESS_OR_EQUAL, 0, false)
            }
        return .leaf(.compare(range, a, kind, b), flip: flip, nulls: nil)
    }

    private mutating func emitValues(_ list: [CheckedValue], from register: Int) throws(ProfileError) -> Range<Int> {
        let start = values.steps.count
        for (place, value) in list.enumerated() { try emit(value, into: register + place, tables: [:]) }
        return start..<values.steps.count
    }

    /// For two columns of texts: a table for each that turns its codes into numbers both share.
    private mutating func texts(
        _ left: CheckedValue,
        _ right: CheckedValue
    ) throws(ProfileError) -> [String: UnsafePointer<Int64>] {
        guard case .attribute(let a) = left.operation, case .attribute(let b) = right.operation,
            a.type == .text || a.type == .enumeration
        else { return [:] }
        let (first, second) = (try profile.hot(a), try profile.hot(b))
        let own = first.dictionary.indices.map { Int64($0) }
        let other = second.dictionary.enumerated().map { place, text in
            Int64(first.code(of: text) ?? -1 - place)
        }
        return [a.code: keep(own), b.code: keep(other)]
    }

    /// Computes a value into a register; higher registers serve for its parts.
    private mutating func emit(
        _ value: CheckedValue,
        into target: Int,
        tables: [String: UnsafePointer<Int64>]
    ) throws(ProfileError) {
        func parts(_ list: [CheckedValue]) throws(ProfileError) {
            for (place, part) in list.enumerated() { try emit(part, into: target + place, tables: tables) }
        }
        let (a, b) = (target, target + 1)
        switch value.operation {
        case .constant(let number): append(.constant(number), target)
        case .attribute(let attribute):
            let column = try profile.hot(attribute)
            keepAlive(column)
            let memory = ColumnMemory(column)
            switch attribute.type {
            case .flag: append(.bits(memory.values(from: 0), nulls: memory.nulls), target)
            case .text, .enumeration:
                guard let table = tables[attribute.code] else { preconditionFailure("a text is compared with a text") }
                append(.translate(memory, table: table), target)
            case .integer, .decimal, .day: append(.load(memory), target)
            }
        case .add(let x, let y):
            try parts([x, y])
            append(.add(a, b), target)
        case .subtract(let x, let y):
            try parts([x, y])
            append(.subtract(a, b), target)
        case .multiply(let x, let y):
            try parts([x, y])
            append(.multiply(a, b), target)
        case .divide(let x, let y):
            try parts([x, y])
            append(.divide(a, b), target)
        case .daysBetween(let from, let to):
            try parts([from, to])
            append(.subtract(b, a), target)
        case .negate(let x):
            try parts([x])
            append(.negate(a), target)
        case .scaleUp(let x, let power):
            try parts([x])
            append(.scaleUp(a, Scaled.powerOfTen(power)), target)
        case .scaleDown(let x, let power):
            try parts([x])
            append(.scaleDown(a, Scaled.powerOfTen(power)), target)
        case .addDays(let x, let days):
            try parts([x])
            append(.addDays(a, Int64(days)), target)
        case .addMonths(let x, let months):
            try parts([x])
            append(.addMonths(a, months), target)
        case .aggregate(let aggregate): throw .requiresWarehouse(attributes: [aggregate.source.name])
        case .text, .today: preconditionFailure("texts are compared by code, and today is bound")
        }
    }

    private mutating func append(_ operation: ValueStep.Operation, _ target: Int) {
        values.steps.append(ValueStep(operation: operation, target: target))
        values.registerCount = max(values.registerCount, target + 1)
    }

    // MARK: Memory

    private mutating func keepAlive(_ column: HotColumn) {
        owners.append(column.values)
        if let nulls = column.nulls { owners.append(nulls) }
    }

    private mutating func keep<T: BitwiseCopyable>(_ numbers: [T]) -> UnsafePointer<T> {
        let storage = ColumnStorage(numbers)
        owners.append(storage)
        return UnsafePointer(storage.pointer(to: T.self))
    }
}

extension HotColumn {
    /// The distance of a number from the base, when a row could hold it.
    fileprivate func distance(_ number: Int64) -> UInt64? {
        guard let range, range.contains(number) else { return nil }
        return UInt64(bitPattern: number) &- UInt64(bitPattern: base)
    }
}

extension CheckedValue {
    /// The only attribute of a value that rises, or falls, with it and is NULL only where it is.
    fileprivate var monotone: (Attribute, rises: Bool)? {
        func sign(of value: CheckedValue) -> Int64? {
            if case .constant(let number) = value.operation { number.signum() } else { nil }
        }
        switch operation {
        case .attribute(let attribute): return (attribute, true)
        case .add(let a, let b):
            if sign(of: a) != nil { return b.monotone }
            return sign(of: b) != nil ? a.monotone : nil
        case .subtract(let a, let b), .daysBetween(let b, let a):
            if sign(of: b) != nil { return a.monotone }
            return sign(of: a) != nil ? b.monotone.map { ($0, !$1) } : nil
        case .multiply(let a, let b):
            guard let factor = sign(of: a) ?? sign(of: b), factor != 0 else { return nil }
            return (sign(of: a) == nil ? a : b).monotone.map { ($0, $1 == (factor > 0)) }
        case .divide(let a, let b):
            guard let divisor = sign(of: b), divisor != 0 else { return nil }
            return a.monotone.map { ($0, $1 == (divisor > 0)) }
        case .negate(let a): return a.monotone.map { ($0, !$1) }
        case .scaleUp(let a, _), .scaleDown(let a, _), .addDays(let a, _), .addMonths(let a, _): return a.monotone
        case .constant, .text, .today, .aggregate: return nil
        }
    }
}
