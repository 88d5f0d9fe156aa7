// A condition as a list of steps over chunks of rows; each step makes a mask and merges it into a row of masks.
// SPDX-License-Identifier: Apache-2.0

import CColumns
import Kernel

/// Where a column's rows lie, without ownership: the program keeps the memory alive.
struct ColumnMemory {
    let values: UnsafeRawPointer
    let width: HotColumn.Width
    let base: Int64
    let nulls: UnsafePointer<UInt64>?

    init(_ column: HotColumn) {
        values = UnsafeRawPointer(column.values.pointer(to: UInt8.self))
        width = column.width
        base = column.base
        nulls = column.nulls.map { UnsafePointer($0.pointer(to: UInt64.self)) }
    }

    /// The number in a row, whether it is NULL or not; flags have none.
    func value(at row: Int) -> Int64 {
        switch width {
        case .one: base &+ Int64(values.load(fromByteOffset: row, as: UInt8.self))
        case .two: base &+ Int64(values.load(fromByteOffset: row * 2, as: UInt16.self))
        case .four: base &+ Int64(values.load(fromByteOffset: row * 4, as: UInt32.self))
        case .eight: base &+ values.load(fromByteOffset: row * 8, as: Int64.self)
        case .bit: preconditionFailure("flags are read as bits")
        }
    }

    /// The values from a row on that starts a word.
    func values<T>(from word: Int, as type: T.Type = T.self) -> UnsafePointer<T> {
        values.assumingMemoryBound(to: T.self) + word * 64
    }
}

/// One step of a condition; only trivial fields, so that running it counts no references.
struct PredicateStep {
    enum Operation {
        /// Rows whose distance from the column's base is in one of the ranges.
        case ranges(ColumnMemory, low: UnsafePointer<UInt64>, span: UnsafePointer<UInt64>, count: Int)
        /// Rows whose code is a member.
        case lookup(ColumnMemory, codes: UnsafePointer<UInt64>)
        /// Rows whose bit is set.
        case bits(UnsafePointer<UInt64>)
        /// All rows.
        case all
        /// The masks of a deeper row of masks.
        case level(Int)
        /// Rows where two computed values compare as asked.
        case compare(ValueProgram.Range, Int, column_comparison, Int)
        /// Rows where a computed value is in one of the ranges.
        case search(ValueProgram.Range, Int, low: UnsafePointer<Int64>, high: UnsafePointer<Int64>, count: Int)
        /// Rows where a computed value is NULL.
        case missing(ValueProgram.Range, Int)
    }

    let operation: Operation
    /// All ones for the complement.
    let flip: UInt64
    /// Rows that never become members.
    let nulls: UnsafePointer<UInt64>?
    /// The row of masks that the step writes to, and how.
    let level: Int
    let mode: column_mode
}

/// The steps of a condition and the memory they point to.
final class PredicateProgram: @unchecked Sendable {
    let steps: [PredicateStep]
    let values: ValueProgram
    let levels: Int
    private let owners: [AnyObject]

    init(steps: [PredicateStep], values: ValueProgram, levels: Int, owners: [AnyObject]) {
        self.steps = steps
        self.values = values
        self.levels = levels
        self.owners = owners
    }

    /// Words of masks that are worked on together: 16,384 rows, whose masks stay in the first-level cache.
    static let chunkWords = 256

    /// Scratch memory of one thread.
    struct Scratch: ~Copyable {
        let masks: UnsafeMutablePointer<UInt64>
        let registers: ValueProgram.Registers

        init(_ program: PredicateProgram) {
            masks = .allocate(capacity: (program.levels + 1) * PredicateProgram.chunkWords)
            registers = ValueProgram.Registers(program.values)
        }

        deinit {
            masks.deallocate()
            registers.deallocate()
        }
    }

    /// Fills `out` with the masks of `words` words from `first` on; at most ``chunkWords``.
    func run(first: Int, words: Int, scratch: borrowing Scratch, out: UnsafeMutablePointer<UInt64>) {
        let kernels = ColumnKernels.best
        let mask = scratch.masks
        let registers = scratch.registers
        func level(_ number: Int) -> UnsafeMutablePointer<UInt64> {
            number == 0 ? out : scratch.masks + number * Self.chunkWords
        }
        steps.withUnsafeBufferPointer { steps in
            for step in steps {
                var source = UnsafePointer(mask)
                var nulls = step.nulls.map { $0 + first }
                switch step.operation {
                case .ranges(let column, let low, let span, let count):
                    kernels.ranges(column, first, words, low, span, count, mask)
                case .lookup(let column, let codes): kernels.lookup(column, first, words, codes, mask)
                case .bits(let bits): source = bits + first
                case .all: mask.update(repeating: .max, count: words)
                case .level(let number): source = UnsafePointer(level(number))
                case .compare(let range, let a, let comparison, let b):
                    // The two values' NULLs are in the mask already, so the complement must not bring them back.
                    values.forEachPart(range, first, words, registers) { part, count in
                        kernels.compare64(registers.values(a), registers.values(b), count, comparison, mask + part)
                        kernels.merge(
                            mask + part,
                            step.flip,
                            registers.valid(a),
                            registers.valid(b),
                            count,
                            into: mask + part
                        )
                    }
                    kernels.combine(mask, 0, nil, words, step.mode, level(step.level))
                    continue
                case .search(let range, let a, let low, let high, let itemCount):
                    values.forEachPart(range, first, words, registers) { part, count in
                        kernels.search64(registers.values(a), count, low, high, itemCount, mask + part)
                        kernels.merge(
                            mask + part,
                            step.flip,
                            registers.valid(a),
                            registers.valid(a),
                            count,
                            into: mask + part
                        )
                    }
                    kernels.combine(mask, 0, nil, words, step.mode, level(step.level))
                    continue
                case .missing(let range, let a):
                    values.forEachPart(range, first, words, registers) { part, count in
                        for word in 0..<count { mask[part + word] = ~registers.valid(a)[word] }
                    }
                    nulls = nil
                }
                kernels.combine(source, step.flip, nulls, words, step.mode, level(step.level))
            }
        }
    }
}

extension column_kernels {
    fileprivate func ranges(
        _ column: ColumnMemory,
        _ first: Int,
        _ words: Int,
        _ low: UnsafePointer<UInt64>,
        _ span: UnsafePointer<UInt64>,
        _ count: Int,
        _ out: UnsafeMutablePointer<UInt64>
    ) {
        switch column.width {
        case .one: ranges8(column.values(from: first), words, low, span, count, out)
        case .two: ranges16(column.values(from: first), words, low, span, count, out)
        case .four: ranges32(column.values(from: first), words, low, span, count, out)
        case .eight: ranges64(column.values(from: first), words, low, span, count, out)
        case .bit: preconditionFailure("flags have no ranges")
        }
    }

    fileprivate func lookup(
        _ column: ColumnMemory,
        _ first: Int,
        _ words: Int,
        _ codes: UnsafePointer<UInt64>,
        _ out: UnsafeMutablePointer<UInt64>
    ) {
        switch column.width {
        case .one: lookup8(column.values(from: first), words, codes, out)
        case .two: lookup16(column.values(from: first), words, codes, out)
        case .four: lookup32(column.values(from: first), words, codes, out)
        case .bit, .eight: preconditionFailure("codes have 1, 2 or 4 bytes")
        }
    }

    /// (mask ^ flip), only where both values exist.
    fileprivate func merge(
        _ mask: UnsafePointer<UInt64>,
        _ flip: UInt64,
        _ a: UnsafePointer<UInt64>,
        _ b: UnsafePointer<UInt64>,
        _ words: Int,
        into out: UnsafeMutablePointer<UInt64>
    ) {
        for word in 0..<words { out[word] = (mask[word] ^ flip) & a[word] & b[word] }
    }
}
