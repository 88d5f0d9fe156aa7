// Arithmetic over columns: steps on registers of 1,024 rows each, 64-bit integers with a bit per row for "has a value".
// SPDX-License-Identifier: Apache-2.0

import CColumns
import Kernel

/// One step of a value; only trivial fields, so that running it counts no references.
struct ValueStep {
    enum Operation {
        case load(ColumnMemory)
        /// Codes, each replaced by its entry in a table.
        case translate(ColumnMemory, table: UnsafePointer<Int64>)
        /// Flags as 0 and 1.
        case bits(UnsafePointer<UInt64>, nulls: UnsafePointer<UInt64>?)
        case constant(Int64)
        case add(Int, Int)
        case subtract(Int, Int)
        case multiply(Int, Int)
        case divide(Int, Int)
        case negate(Int)
        case scaleUp(Int, Int64)
        case scaleDown(Int, Int64)
        case addDays(Int, Int64)
        case addMonths(Int, Int)
    }

    let operation: Operation
    /// The register that receives the result.
    let target: Int
}

/// The values that a condition or score computes.
struct ValueProgram {
    /// The steps of one value or pair of values.
    typealias Range = Swift.Range<Int>

    /// Rows of a register: 8 KiB, so that several fit into the first-level cache.
    static let rows = 1_024
    static let words = rows / 64

    var steps: [ValueStep] = []
    var registerCount = 0

    /// The registers of one thread.
    struct Registers {
        private let numbers: UnsafeMutablePointer<Int64>
        private let bits: UnsafeMutablePointer<UInt64>

        init(_ program: ValueProgram) {
            numbers = .allocate(capacity: program.registerCount * ValueProgram.rows)
            bits = .allocate(capacity: program.registerCount * ValueProgram.words)
        }

        func deallocate() {
            numbers.deallocate()
            bits.deallocate()
        }

        func values(_ register: Int) -> UnsafeMutablePointer<Int64> { numbers + register * ValueProgram.rows }
        func valid(_ register: Int) -> UnsafeMutablePointer<UInt64> { bits + register * ValueProgram.words }
    }

    /// Computes steps for `words` words from `first` on, part by part; `body` gets the offset and length of a part.
    func forEachPart(
        _ range: Range,
        _ first: Int,
        _ words: Int,
        _ registers: Registers,
        _ body: (Int, Int) -> Void
    ) {
        for part in stride(from: 0, to: words, by: Self.words) {
            let count = min(Self.words, words - part)
            run(range, first + part, count, registers)
            body(part, count)
        }
    }

    /// Computes steps for at most ``words`` words.
    func run(_ range: Range, _ first: Int, _ words: Int, _ registers: Registers) {
        steps.withUnsafeBufferPointer { steps in
            for step in steps[range] { Self.run(step, first, words, registers) }
        }
    }

    /// Computes one register for one row; nil when it has no value there.
    ///
    /// Agrees with ``run(_:_:_:_:)``.
    func value(_ register: Int, at row: Int) -> Int64? {
        withUnsafeTemporaryAllocation(of: Int64?.self, capacity: max(1, registerCount)) { registers in
            registers.initialize(repeating: nil)
            steps.withUnsafeBufferPointer { steps in
                for step in steps { registers[step.target] = Self.value(step.operation, row, registers) }
            }
            return registers[register]
        }
    }

    private static func value(
        _ operation: ValueStep.Operation,
        _ row: Int,
        _ registers: UnsafeMutableBufferPointer<Int64?>
    ) -> Int64? {
        func isNull(_ nulls: UnsafePointer<UInt64>?) -> Bool {
            nulls.map { $0[row >> 6] >> UInt64(row & 63) & 1 == 1 } ?? false
        }
        func two(_ a: Int, _ b: Int, _ body: (Int64, Int64) -> Int64?) -> Int64? {
            registers[a].flatMap { x in registers[b].flatMap { body(x, $0) } }
        }
        switch operation {
        case .load(let column): return isNull(column.nulls) ? nil : column.value(at: row)
        case .translate(let column, let table):
            return isNull(column.nulls) ? nil : table[Int(column.value(at: row))]
        case .bits(let bits, let nulls):
            return isNull(nulls) ? nil : Int64(bits[row >> 6] >> UInt64(row & 63) & 1)
        case .constant(let number): return number
        case .add(let a, let b): return two(a, b) { $0 &+ $1 }
        case .subtract(let a, let b): return two(a, b) { $0 &- $1 }
        case .multiply(let a, let b): return two(a, b) { $0 &* $1 }
        case .divide(let a, let b): return two(a, b) { $1 == 0 ? nil : $0 / $1 }
        case .negate(let a): return registers[a].map { 0 &- $0 }
        case .scaleUp(let a, let factor): return registers[a].map { $0 &* factor }
        case .scaleDown(let a, let divisor): return registers[a].map { $0 / divisor }
        case .addDays(let a, let days): return registers[a].map { $0 &+ days }
        case .addMonths(let a, let months):
            return registers[a].map {
                Int64(LocalDay(number: Int32(truncatingIfNeeded: $0)).adding(months: months).number)
            }
        }
    }

    // The checker proved that no operation overflows; `&` only saves the test.
    private static func run(_ step: ValueStep, _ first: Int, _ words: Int, _ registers: Registers) {
        let out = registers.values(step.target)
        let valid = registers.valid(step.target)
        let rows = words * 64
        func one(_ a: Int, _ body: (Int64) -> Int64) {
            let a = (values: registers.values(a), valid: registers.valid(a))
            for row in 0..<rows { out[row] = body(a.values[row]) }
            for word in 0..<words { valid[word] = a.valid[word] }
        }
        func two(_ a: Int, _ b: Int, _ body: (Int64, Int64) -> Int64) {
            let (x, y) = (registers.values(a), registers.values(b))
            let (validX, validY) = (registers.valid(a), registers.valid(b))
            for row in 0..<rows { out[row] = body(x[row], y[row]) }
            for word in 0..<words { valid[word] = validX[word] & validY[word] }
        }
        switch step.operation {
        case .load(let column):
            load(column, first, rows, out)
            setValid(column.nulls, first, words, valid)
        case .translate(let column, let table):
            load(column, first, rows, out)
            for row in 0..<rows { out[row] = table[Int(out[row])] }
            setValid(column.nulls, first, words, valid)
        case .bits(let bits, let nulls):
            for row in 0..<rows { out[row] = Int64(bits[first + row >> 6] >> UInt64(row & 63) & 1) }
            setValid(nulls, first, words, valid)
        case .constant(let number):
            out.update(repeating: number, count: rows)
            valid.update(repeating: .max, count: words)
        case .add(let a, let b): two(a, b) { $0 &+ $1 }
        case .subtract(let a, let b): two(a, b) { $0 &- $1 }
        case .multiply(let a, let b): two(a, b) { $0 &* $1 }
        case .divide(let a, let b):
            two(a, b) { $1 == 0 ? 0 : $0 / $1 }
            let divisor = registers.values(b)
            for row in 0..<rows where divisor[row] == 0 { valid[row >> 6] &= ~(1 << UInt64(row & 63)) }
        case .negate(let a): one(a) { 0 &- $0 }
        case .scaleUp(let a, let factor): one(a) { $0 &* factor }
        case .scaleDown(let a, let divisor): one(a) { $0 / divisor }
        case .addDays(let a, let days): one(a) { $0 &+ days }
        case .addMonths(let a, let months):
            one(a) { Int64(LocalDay(number: Int32(truncatingIfNeeded: $0)).adding(months: months).number) }
        }
    }

    private static func load(_ column: ColumnMemory, _ first: Int, _ rows: Int, _ out: UnsafeMutablePointer<Int64>) {
        let kernels = ColumnKernels.best
        switch column.width {
        case .one: kernels.widen8(column.values(from: first), rows, column.base, out)
        case .two: kernels.widen16(column.values(from: first), rows, column.base, out)
        case .four: kernels.widen32(column.values(from: first), rows, column.base, out)
        case .eight: kernels.widen64(column.values(from: first), rows, column.base, out)
        case .bit: preconditionFailure("flags are loaded as bits")
        }
    }

    private static func setValid(
        _ nulls: UnsafePointer<UInt64>?,
        _ first: Int,
        _ words: Int,
        _ valid: UnsafeMutablePointer<UInt64>
    ) {
        for word in 0..<words { valid[word] = nulls.map { ~$0[first + word] } ?? .max }
    }
}
