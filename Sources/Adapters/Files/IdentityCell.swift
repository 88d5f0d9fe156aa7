// One cell of a list as the number it means.
// SPDX-License-Identifier: Apache-2.0

internal import Kernel
internal import Model

/// Reads a number as people, files and spreadsheets write it.
enum IdentityCell {
    /// Characters that stand around numbers and mean nothing, in UTF-8: no-break space, byte order mark, zero-width space,
    /// ideographic space.
    private static let blanks: [[UInt8]] = [
        [0xC2, 0xA0], [0xEF, 0xBB, 0xBF], [0xE2, 0x80, 0x8B], [0xE3, 0x80, 0x80],
    ]

    /// The number a cell holds, or why it holds none.
    static func value(_ cell: UnsafeBufferPointer<UInt8>, _ kind: IdentityKind) -> Result<Int64, Refusal> {
        let bytes = trimmed(cell)
        guard !bytes.isEmpty else { return .failure(.blank) }
        guard bytes.count <= 64 else { return .failure(.notANumber) }
        if kind == .msisdn, let number = MSISDN(normalising: String(decoding: bytes, as: UTF8.self)) {
            return .success(number.number)
        }
        switch whole(bytes) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let number) where kind == .msisdn:
            // As a spreadsheet keeps it: 13987650001.0 or 1.3987650001E10.
            return MSISDN(normalising: String(number)).map { .success($0.number) } ?? .failure(.notAPhoneNumber)
        case .success(let number): return number > 0 ? .success(number) : .failure(.notANumber)
        }
    }

    /// Why a cell holds no number, as an error.
    struct Refusal: Error, Equatable {
        var why: IdentityRefusal
        static let blank = Self(why: .blank)
        static let notANumber = Self(why: .notANumber)
        static let shortened = Self(why: .shortened)
        static let notAPhoneNumber = Self(why: .notAPhoneNumber)
    }

    /// Without blanks and quotes around it.
    private static func trimmed(_ cell: UnsafeBufferPointer<UInt8>) -> Slice<UnsafeBufferPointer<UInt8>> {
        var rest = cell[...]
        func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0D, 0x22, 0x27].contains(byte) }
        while let first = rest.first {
            if isBlank(first) {
                rest = rest.dropFirst()
            } else if let blank = blanks.first(where: { rest.starts(with: $0) }) {
                rest = rest.dropFirst(blank.count)
            } else {
                break
            }
        }
        while let last = rest.last {
            if isBlank(last) {
                rest = rest.dropLast()
            } else if let blank = blanks.first(where: { rest.suffix($0.count).elementsEqual($0) }) {
                rest = rest.dropLast(blank.count)
            } else {
                break
            }
        }
        return rest
    }

    /// A whole number, also as `digits.000` or `d.dddE+nn` when no digit was lost.
    private static func whole(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Result<Int64, Refusal> {
        var rest = bytes
        if rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        var (value, fraction, exponent): (Int64, Int, Int?) = (0, 0, nil)
        var (isFraction, digits, zeros) = (false, 0, 0)
        scan: while let byte = rest.first {
            rest = rest.dropFirst()
            switch byte {
            case 0x30...0x39:
                // Zeros at the end of a fraction say nothing.
                if isFraction, byte == 0x30 {
                    zeros += 1
                    continue
                }
                for _ in 0..<zeros {
                    value = value &* 10
                    fraction += 1
                }
                digits += 1 + zeros
                zeros = 0
                guard digits <= 18 else { return .failure(.notANumber) }
                value = value * 10 + Int64(byte - 0x30)
                if isFraction { fraction += 1 }
            case UInt8(ascii: "."):
                guard !isFraction else { return .failure(.notANumber) }
                isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                exponent = Self.exponent(rest)
                guard exponent != nil else { return .failure(.notANumber) }
                break scan
            case 0x20, UInt8(ascii: "-"): guard digits > 0, !isFraction else { return .failure(.notANumber) }
            default: return .failure(.notANumber)
            }
        }
        guard digits > 0 else { return .failure(.notANumber) }
        // More places than digits were written: a spreadsheet has rounded the rest away.
        if let exponent, exponent > fraction + zeros { return .failure(.shortened) }
        let places = (exponent ?? 0) - fraction
        guard places >= 0 else { return .failure(.notANumber) }
        for _ in 0..<places {
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            guard !overflows else { return .failure(.notANumber) }
            value = product
        }
        return .success(value)
    }

    private static func exponent(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        let digits = bytes.first == UInt8(ascii: "+") ? bytes.dropFirst() : bytes
        guard (1...2).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
