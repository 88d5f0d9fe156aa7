// A compiled score: Int32 micro-units per subscriber, block by block.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// A score compiled for the columns of one profile on one day; any number of threads may use it.
public struct ColumnScore: @unchecked Sendable {
    /// Stands for "no score": NULL, or not asked for.
    public static let missing = Int32.min

    private let program: ValueProgram
    private let owners: [AnyObject]
    /// Number of subscribers.
    public let universe: Int

    init(_ program: ValueProgram, owners: [AnyObject], universe: Int) {
        self.program = program
        self.owners = owners
        self.universe = universe
    }

    /// Writes the scores of one block, in micro-units, into memory of the caller.
    ///
    /// - Parameters:
    ///   - block: The block of 65,536 indices.
    ///   - selected: ``Block/words`` words; indices whose bit is not set get ``missing``.
    ///   - scores: Room for ``Block/size`` scores; indices without a value or beyond the universe get ``missing``.
    public func fill(
        block: Int,
        selected: UnsafeBufferPointer<UInt64>,
        into scores: UnsafeMutableBufferPointer<Int32>
    ) {
        precondition(selected.count >= Block.words && scores.count >= Block.size, "a block takes 65,536 scores")
        let first = block * Block.words
        let available = max(0, min(Block.words, words(universe) - first))
        let registers = ValueProgram.Registers(program)
        defer { registers.deallocate() }
        scores.update(repeating: Self.missing)
        for part in stride(from: 0, to: available, by: ValueProgram.words) {
            let count = min(ValueProgram.words, available - part)
            guard selected[part..<part + count].contains(where: { $0 != 0 }) else { continue }
            program.run(0..<program.steps.count, first + part, count, registers)
            let (values, valid) = (registers.values(0), registers.valid(0))
            for word in 0..<count {
                var rest = selected[part + word] & valid[word]
                if first + part + word == universe >> 6 { rest &= (1 << UInt64(universe & 63)) - 1 }
                while rest != 0 {
                    let row = word * 64 + rest.trailingZeroBitCount
                    scores[part * 64 + row] = Int32(truncatingIfNeeded: values[row])
                    rest &= rest - 1
                }
            }
        }
    }

    /// The score of one subscriber in micro-units; nil = none.
    public func value(at index: SubscriberIndex) -> Int32? {
        guard Int(index.number) < universe else { return nil }
        return program.value(0, at: Int(index.number)).map { Int32(truncatingIfNeeded: $0) }
    }
}
