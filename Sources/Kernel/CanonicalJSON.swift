// JSON by which values are stored, hashed and compared.
// SPDX-License-Identifier: Apache-2.0

import Foundation

extension Encodable {
    /// The value as JSON in UTF-8: sorted keys, no white space; equal values give equal bytes.
    ///
    /// - Throws: What the value's own encoding throws.
    public func canonicalJSON() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}
