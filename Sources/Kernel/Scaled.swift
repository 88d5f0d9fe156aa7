// Exact decimals as scaled integers. Pure; no floating point anywhere.
// SPDX-License-Identifier: Apache-2.0

/// A decimal number with a fixed number of digits after the point: `unscaled` x 10^-`scale`.
public struct Scaled: Hashable, Sendable, Codable {
    /// The largest scale a value may have; 10^18 is the largest power of ten in `Int64`.
    public static let maximumScale = 18

    /// The number times 10^`scale`.
    public var unscaled: Int64
    /// Digits after the decimal point, 0...18.
    public var scale: Int

    /// Makes the number `unscaled` x 10^-`scale`; `scale` is 0...18.
    public init(unscaled: Int64, scale: Int) {
        precondition((0...Self.maximumScale).contains(scale), "scale \(scale) is outside 0...18")
        self.unscaled = unscaled
        self.scale = scale
    }

    /// Parses `[+-]digits[.digits]` exactly, keeping the scale that was written.
    ///
    /// - Returns: nil when the text has another shape, more than 18 digits after the point, or does not fit `Int64`.
    public init?(parsing text: some StringProtocol) {
        var value: Int64 = 0
        var scale = 0
        var digits = 0
        var seenPoint = false
        var bytes = text.utf8[...]
        let negative = bytes.first == UInt8(ascii: "-")
        if negative || bytes.first == UInt8(ascii: "+") { bytes = bytes.dropFirst() }
        for byte in bytes {
            if byte == UInt8(ascii: "."), !seenPoint, digits > 0 {
                seenPoint = true
                continue
            }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let digit = Int64(byte &- UInt8(ascii: "0"))
            let (sum, overflow2) = shifted.addingReportingOverflow(negative ? -digit : digit)
            guard !overflow, !overflow2 else { return nil }
            value = sum
            digits += 1
            if seenPoint { scale += 1 }
        }
        guard digits > 0, scale <= Self.maximumScale, !(seenPoint && scale == 0) else { return nil }
        self.init(unscaled: value, scale: scale)
    }

    /// The same number at another scale; nil when digits would be lost or the value would not fit `Int64`.
    public func rescaled(to target: Int) -> Scaled? {
        guard (0...Self.maximumScale).contains(target) else { return nil }
        if target >= scale {
            let (value, overflow) = unscaled.multipliedReportingOverflow(by: Self.powerOfTen(target - scale))
            return overflow ? nil : Scaled(unscaled: value, scale: target)
        }
        let (quotient, rest) = unscaled.quotientAndRemainder(dividingBy: Self.powerOfTen(scale - target))
        return rest == 0 ? Scaled(unscaled: quotient, scale: target) : nil
    }

    /// 10^`exponent`, for 0...18.
    public static func powerOfTen(_ exponent: Int) -> Int64 {
        precondition((0...maximumScale).contains(exponent), "10^\(exponent) does not fit Int64")
        var value: Int64 = 1
        for _ in 0..<exponent { value *= 10 }
        return value
    }
}

extension Scaled: CustomStringConvertible {
    /// Plain decimal text with exactly `scale` digits after the point.
    public var description: String {
        guard scale > 0 else { return String(unscaled) }
        let digits = padded(String(unscaled.magnitude), scale + 1)
        let split = digits.index(digits.endIndex, offsetBy: -scale)
        return (unscaled < 0 ? "-" : "") + digits[..<split] + "." + digits[split...]
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text.utf8.count >= width ? text : String(repeating: "0", count: width - text.utf8.count) + text
    }
}
