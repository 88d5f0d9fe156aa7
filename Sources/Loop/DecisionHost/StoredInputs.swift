// The files that log records name, read from the object store; the last profile is kept.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports
import Profiles
import Synchronization

/// ``DecisionInputs`` over an object store.
public final class StoredInputs: DecisionInputs {
    private struct Key: Equatable {
        var catalogue: ContentHash
        var columns: [AttributeColumn]
        var subscribers: Int
    }

    private let objects: any ObjectStore
    private let threads: Int
    private let catalogues = Mutex<[ContentHash: AttributeCatalogue]>([:])
    private let last = Mutex<(key: Key, profile: ColumnProfile)?>(nil)

    /// Reads from a store; rules run with `threads` workers.
    public init(objects: any ObjectStore, threads: Int) {
        self.objects = objects
        self.threads = threads
    }

    public func bytes(_ file: ContentHash) throws -> [UInt8] {
        try objects.bytes(file)
    }

    public func bytes(_ file: ContentHash, offset: Int, count: Int) throws -> [UInt8] {
        try objects.bytes(file, offset: offset, count: count)
    }

    public func profile(
        catalogue: ContentHash,
        columns: [AttributeColumn],
        subscribers: Int
    ) throws
        -> any ProfileReader
    {
        let key = Key(catalogue: catalogue, columns: columns, subscribers: subscribers)
        let before = last.withLock { $0 }
        if let before, before.key == key { return before.profile }
        // Most columns of a daily load are those of the one before.
        let known = before.map { before in
            Dictionary(before.key.columns.map { ($0.file, $0.code) }, uniquingKeysWith: { first, _ in first })
                .compactMapValues { before.profile.profile.columns[$0] }
        }
        let types = try self.catalogue(catalogue)
        var profile = try HotProfile(catalogue: types, universe: subscribers)
        let values = try columns.concurrentMap(threads: threads) { column in
            try known?[column.file] ?? HotColumn(decoding: objects.bytes(column.file))
        }
        for (column, values) in zip(columns, values) { try profile.set(column.code, values) }
        let made = ColumnProfile(profile, threads: threads)
        last.withLock { $0 = (key, made) }
        return made
    }

    public func profile(
        of index: SubscriberIndex,
        catalogue: ContentHash,
        columns: [AttributeColumn],
        subscribers: Int
    ) throws -> any SubscriberProfile {
        let types = try self.catalogue(catalogue)
        var profile = try HotProfile(catalogue: types, universe: 1)
        for column in columns {
            let row = try HotColumn(row: Int(index.number)) {
                try objects.bytes(column.file, offset: $0, count: $1)
            }
            try profile.set(column.code, row)
        }
        return RowProfile(profile)
    }

    /// The catalogue in a file; kept, for every count asks for it.
    public func catalogue(_ file: ContentHash) throws -> AttributeCatalogue {
        if let known = catalogues.withLock({ $0[file] }) { return known }
        let read = try JSONDecoder().decode(AttributeCatalogue.self, from: Data(objects.bytes(file)))
        catalogues.withLock { $0[file] = read }
        return read
    }
}
