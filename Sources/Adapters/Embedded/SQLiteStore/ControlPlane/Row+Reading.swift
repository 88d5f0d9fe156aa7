// Values of rows and JSON columns, read so that damage is an error and not a crash.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Kernel
import Model

extension Row {
    /// A value of a type SQLite stores.
    func value<Value: DatabaseValueConvertible & StatementColumnConvertible>(_ column: String) throws -> Value {
        try decode(Value.self, forColumn: column)
    }

    /// A value of a type SQLite stores, or nothing.
    func optional<Value: DatabaseValueConvertible & StatementColumnConvertible>(_ column: String) throws -> Value? {
        try decode(Value?.self, forColumn: column)
    }

    /// A moment.
    func instant(_ column: String) throws -> Instant {
        Instant(epochMs: try value(column))
    }

    /// One of a closed set of names.
    func name<Name: RawRepresentable<String>>(_ column: String, of object: String) throws -> Name {
        let text: String = try value(column)
        guard let name = Name(rawValue: text) else {
            throw UnreadableRow(object: object, reason: "column \(column) holds \"\(text)\"")
        }
        return name
    }

    /// A value in a column of JSON.
    func json<Value: Decodable>(_ column: String, of object: String) throws -> Value {
        let text: String = try value(column)
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch {
            throw UnreadableRow(object: object, reason: "column \(column): \(error)")
        }
    }

    /// A value in a column of JSON that may be empty.
    func optionalJSON<Value: Decodable>(_ column: String, of object: String) throws -> Value? {
        let text: String? = try optional(column)
        return try text == nil ? nil : json(column, of: object)
    }

    /// The scope in the columns `province`, `city` and `county`.
    func scope() throws -> OrganisationScope {
        OrganisationScope(
            province: try optional("province"),
            city: try optional("city"),
            county: try optional("county")
        )
    }
}

/// JSON text that is the same for the same value: keys sorted, no white space.
func canonicalJSON(_ value: some Encodable) throws -> String {
    String(decoding: try value.canonicalJSON(), as: UTF8.self)
}
