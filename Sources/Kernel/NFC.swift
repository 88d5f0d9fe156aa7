// Unicode normalisation: rules and loaded texts meet in one form, so that equal texts have equal bytes.
// SPDX-License-Identifier: Apache-2.0

import Foundation

extension String {
    /// The text in Unicode Normalization Form C (UAX #15); texts of rules, lists and columns are kept in it.
    public var nfc: String {
        utf8.allSatisfy { $0 < 0x80 } ? self : precomposedStringWithCanonicalMapping
    }
}
