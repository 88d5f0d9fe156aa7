// How wide a terminal shows a character.
// SPDX-License-Identifier: Apache-2.0

extension Character {
    /// Columns a terminal gives it (East Asian Wide and Fullwidth of UAX #11, and emoji, take two).
    public var columns: Int {
        guard let scalar = unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

extension String {
    /// Columns a terminal gives it.
    public var columns: Int { reduce(0) { $0 + $1.columns } }
}
