// Addresses: parameters encoded so that nothing escapes from them.
// SPDX-License-Identifier: Apache-2.0

extension Frame {
    /// A value in a query: everything but unreserved characters is percent-encoded (RFC 3986).
    static func encoded(value: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var out = ""
        for byte in value.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                out.append(Character(Unicode.Scalar(byte)))
            default: out += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return out
    }

    /// `?a=1&b=2`; empty without parameters.
    static func encoded(_ items: [QueryItem]) -> String {
        guard !items.isEmpty else { return "" }
        return "?" + items.map { encoded(value: $0.name) + "=" + encoded(value: $0.value) }.joined(separator: "&")
    }

    /// A path of this site to come back to; `/` for anything that could lead elsewhere.
    static func safePath(_ path: String) -> String {
        let bytes = Array(path.utf8)
        guard bytes.first == UInt8(ascii: "/"), bytes.dropFirst().first != UInt8(ascii: "/"),
            bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") })
        else { return "/" }
        return path
    }
}
