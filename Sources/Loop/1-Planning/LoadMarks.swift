// Small files beside the rows of a load: what was begun with it, so that it is done exactly once whatever comes between.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Ports

/// A mark in the folder of a load, written and synced before what it is about, and read after a crash.
protocol LoadMark: Codable, Sendable {
    static var file: String { get }
}

extension LoadMark {
    /// Reads the mark in a folder; nil when there is none.
    init?(in folder: String) {
        guard let data = FileManager.default.contents(atPath: "\(folder)/\(Self.file)"),
            let mark = try? JSONDecoder().decode(Self.self, from: data)
        else { return nil }
        self = mark
    }

    /// Writes and syncs the mark; it is there whole or not at all.
    func write(in folder: String) throws {
        let path = "\(folder)/\(Self.file)"
        let new = URL(filePath: path + ".new")
        try Data(canonicalJSON()).write(to: new)
        let handle = try FileHandle(forUpdating: new)
        try handle.synchronize()
        try handle.close()
        guard rename(path + ".new", path) == 0 else {
            throw LoadingError.unreadable(file: path, cause: String(cString: strerror(errno)))
        }
    }

    static func remove(in folder: String) throws {
        try FileManager.default.removeItem(atPath: "\(folder)/\(file)")
    }
}

/// What the ledger counts of a load of contacts.
struct HistoryMark: LoadMark {
    static let file = "_history.json"

    /// The `ContactHistory` that the log names, as hexadecimal digits.
    var file: String
    /// The record that counts it comes after this position of the log.
    var after: Int64
    /// Whether the record is known to be in the log.
    var isCounted: Bool

    var hash: ContentHash { ContentHash(hex: file) ?? .zero }
}

/// A load that is being taken out.
struct RemovalMark: LoadMark {
    static let file = "_removal.json"

    var id: String
    var who: String
    /// What the ledger stops counting; nil = nothing.
    var file: String?
    /// The record that says so comes after this position of the log.
    var after: Int64

    var hash: ContentHash? { file.flatMap { ContentHash(hex: $0) } }
}

/// From which loads of subscriptions the product owners in the log were made.
struct OwnersMark: LoadMark {
    static let file = "_owners.json"

    var loads: [String]
    var products: [String]
}
