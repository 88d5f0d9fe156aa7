// The files that log records name, read from the object store; the last profile is kept.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
import Dispatch
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
        if let found = last.withLock({ $0 }), found.key == key { return found.profile }
        let types = try self.catalogue(catalogue)
        var profile = try HotProfile(catalogue: types, universe: subscribers)
        for (column, values) in zip(columns, try read(columns)) { try profile.set(column.code, values) }
        let made = ColumnProfile(profile, threads: threads)
        last.withLock { $0 = (key, made) }
        return made
    }

    /// Reads and checks column files, several at a time.
    private func read(_ columns: [AttributeColumn]) throws -> [HotColumn] {
        let found = Mutex([Result<HotColumn, any Error>?](repeating: nil, count: columns.count))
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: max(1, min(threads, columns.count))) { _ in
            while case let place = next.add(1, ordering: .relaxed).oldValue, place < columns.count {
                let column = Result { try HotColumn(decoding: objects.bytes(columns[place].file)) }
                found.withLock { $0[place] = column }
            }
        }
        return try found.withLock { $0 }.compactMap { try $0?.get() }
    }

    /// The catalogue in a file.
    public func catalogue(_ file: ContentHash) throws -> AttributeCatalogue {
        try JSONDecoder().decode(AttributeCatalogue.self, from: Data(objects.bytes(file)))
    }
}
