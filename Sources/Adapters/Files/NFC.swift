// Unicode normalisation at load: equal texts get equal bytes. One pass checks UTF-8 and finds the few texts that need it.
// SPDX-License-Identifier: Apache-2.0

/// Normalization Form C (UAX #15).
enum NFC {
    /// What a run of bytes is.
    enum Verdict: Equatable {
        /// Valid UTF-8, certainly in NFC.
        case normal
        /// Valid UTF-8 that has to be normalised.
        case unknown
        /// Not text: the offset of the first byte that is not valid UTF-8, or of a NUL.
        case invalid(offset: Int)
    }

    /// Checks UTF-8 (Unicode 15, table 3-7: no surrogates, no overlong forms) and looks for characters that
    /// normalisation could touch.
    static func check(_ bytes: UnsafeBufferPointer<UInt8>) -> Verdict {
        var position = asciiPrefix(bytes)
        var verdict = Verdict.normal
        while position < bytes.count {
            let first = bytes[position]
            if first < 0x80 {
                if first == 0 { return .invalid(offset: position) }
                position += 1
                continue
            }
            guard let (scalar, width) = decode(bytes, position, first) else { return .invalid(offset: position) }
            if !isInert(scalar) { verdict = .unknown }
            position += width
        }
        return verdict
    }

    /// Length of the leading run of ASCII without NUL, in whole groups of eight.
    private static func asciiPrefix(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        guard let base = UnsafeRawPointer(bytes.baseAddress) else { return 0 }
        var position = 0
        while position + 8 <= bytes.count {
            let word = base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            // High bit of a byte set: not ASCII, or (word - 1) borrowed from a zero byte.
            if (word | (word &- 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080 != 0 { break }
            position += 8
        }
        return position
    }

    @inline(__always)
    private static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ position: Int,
        _ first: UInt8
    ) -> (UInt32, Int)? {
        func next(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> UInt32? {
            guard position + offset < bytes.count, range.contains(bytes[position + offset]) else { return nil }
            return UInt32(bytes[position + offset] & 0x3F)
        }
        switch first {
        case 0xC2...0xDF:
            guard let a = next(1) else { return nil }
            return (UInt32(first & 0x1F) << 6 | a, 2)
        case 0xE0...0xEF:
            let range: ClosedRange<UInt8> = first == 0xE0 ? 0xA0...0xBF : first == 0xED ? 0x80...0x9F : 0x80...0xBF
            guard let a = next(1, range), let b = next(2) else { return nil }
            return (UInt32(first & 0x0F) << 12 | a << 6 | b, 3)
        case 0xF0...0xF4:
            let range: ClosedRange<UInt8> = first == 0xF0 ? 0x90...0xBF : first == 0xF4 ? 0x80...0x8F : 0x80...0xBF
            guard let a = next(1, range), let b = next(2), let c = next(3) else { return nil }
            return (UInt32(first & 0x07) << 18 | a << 12 | b << 6 | c, 4)
        default:
            return nil
        }
    }

    /// Characters that are NFC by themselves and never combine with what stands before or after them.
    ///
    /// A safe subset of NFC_Quick_Check = Yes with combining class 0 (Unicode DerivedNormalizationProps): Latin up to
    /// U+02FF, Chinese, Japanese kana without voicing marks, Hangul syllables, private use, full-width forms,
    /// dashes and quotation marks, emoji.
    private static func isInert(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x80...0x2FF, 0x2010...0x2027, 0x3000...0x3029, 0x3030...0x3098, 0x309B...0x30FF, 0x3105...0x312F,
            0x3200...0x9FFF, 0xAC00...0xD7A3, 0xE000...0xF8FF, 0xFF00...0xFFEF, 0x1F000...0x1FBFF, 0x20000...0x2F7FF:
            true
        default:
            false
        }
    }
}
