// LIKE patterns: `%` stands for any characters, `_` for one code point; case matters.
// SPDX-License-Identifier: Apache-2.0

/// A LIKE pattern taken apart.
public struct LikePattern: Hashable, Sendable {
    /// One piece of a pattern.
    public enum Piece: Hashable, Sendable {
        /// This code point.
        case exactly(Unicode.Scalar)
        /// Any one code point.
        case one
        /// Any number of code points.
        case any
    }

    /// The pieces in order; two `any` never follow each other.
    public let pieces: [Piece]

    /// Takes a pattern apart; nil when the escape character stands before anything else or at the end.
    ///
    /// - Parameters:
    ///   - text: The pattern.
    ///   - escape: Makes the following `%`, `_` or itself an ordinary character; nil = there is no such character.
    public init?(_ text: String, escape: Unicode.Scalar? = nil) {
        var pieces: [Piece] = []
        var escaped = false
        for scalar in text.unicodeScalars {
            if escaped {
                guard scalar == "%" || scalar == "_" || scalar == escape else { return nil }
                pieces.append(.exactly(scalar))
                escaped = false
            } else if scalar == escape {
                escaped = true
            } else if scalar == "%" {
                if pieces.last != .any { pieces.append(.any) }
            } else {
                pieces.append(scalar == "_" ? .one : .exactly(scalar))
            }
        }
        guard !escaped else { return nil }
        self.pieces = pieces
    }

    /// Whether the whole text matches.
    ///
    /// - Complexity: O(text x pattern) at worst, without recursion.
    public func matches(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var (position, piece) = (0, 0)
        // Where to go on when a piece fails: behind the last `any`, one code point later than before.
        var retry: (position: Int, piece: Int)?
        while position < scalars.count {
            if piece < pieces.count, pieces[piece] == .any {
                retry = (position, piece + 1)
                piece += 1
            } else if piece < pieces.count, pieces[piece] == .one || pieces[piece] == .exactly(scalars[position]) {
                position += 1
                piece += 1
            } else if let last = retry {
                retry = (last.position + 1, last.piece)
                (position, piece) = (last.position + 1, last.piece)
            } else {
                return false
            }
        }
        return pieces[piece...].allSatisfy { $0 == .any }
    }
}
