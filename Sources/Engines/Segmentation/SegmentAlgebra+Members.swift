// Evaluates set algebra piece by piece, so that no set in between is written to memory.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

extension SegmentAlgebra {
    /// The members that the expression stands for.
    ///
    /// `sets`: The members of each segment it names; one over fewer subscribers lacks those who came later.
    /// `universe`: Subscribers there are.
    /// - Complexity: One read of each set for each time it is named, and one write.
    public func members(of sets: [Int64: Bitset], universe: Int, threads: Int) -> Bitset {
        let program = Program(self, sets)
        var result = Bitset(universe: universe)
        result.withMutableWords { words in
            let target = Unchecked(words)
            Chunks.forEach(words.count, threads: threads) { range in
                program.evaluate(range, into: UnsafeMutableBufferPointer(rebasing: target.value[range]))
            }
        }
        return result
    }
}

/// An expression with its sets looked up.
private indirect enum Program: @unchecked Sendable {
    case set([UInt64])
    case union([Program])
    case intersection([Program])
    case difference([Program])

    init(_ algebra: SegmentAlgebra, _ sets: [Int64: Bitset]) {
        self =
            switch algebra {
            case .segment(let id): .set(sets[id]?.words ?? [])
            case .union(let parts): .union(parts.map { Program($0, sets) })
            case .intersection(let parts): .intersection(parts.map { Program($0, sets) })
            case .difference(let parts): .difference(parts.map { Program($0, sets) })
            }
    }

    /// Writes the words of a range.
    func evaluate(_ range: Range<Int>, into words: UnsafeMutableBufferPointer<UInt64>) {
        switch self {
        case .set: Self.combine(self, range, words) { $1 }
        case .union(let parts): fold(parts, range, words) { $0 | $1 }
        case .intersection(let parts): fold(parts, range, words) { $0 & $1 }
        case .difference(let parts): fold(parts, range, words) { $0 & ~$1 }
        }
    }

    @inline(__always)
    private func fold(
        _ parts: [Program],
        _ range: Range<Int>,
        _ words: UnsafeMutableBufferPointer<UInt64>,
        _ operation: (UInt64, UInt64) -> UInt64
    ) {
        guard let first = parts.first else {
            words.update(repeating: 0)
            return
        }
        first.evaluate(range, into: words)
        for part in parts.dropFirst() { Self.combine(part, range, words, operation) }
    }

    /// Combines the words with those of a part.
    @inline(__always)
    private static func combine(
        _ part: Program,
        _ range: Range<Int>,
        _ words: UnsafeMutableBufferPointer<UInt64>,
        _ operation: (UInt64, UInt64) -> UInt64
    ) {
        if case .set(let members) = part {
            members.withUnsafeBufferPointer { members in
                let there = max(0, min(range.count, members.count - range.lowerBound))
                for i in 0..<there { words[i] = operation(words[i], members[range.lowerBound + i]) }
                for i in there..<range.count { words[i] = operation(words[i], 0) }
            }
            return
        }
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: range.count) { other in
            other.initialize(repeating: 0)
            part.evaluate(range, into: other)
            for i in 0..<range.count { words[i] = operation(words[i], other[i]) }
        }
    }
}
