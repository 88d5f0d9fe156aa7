// Which subscribers have a line id or a customer id: sorted arrays, found by halving.
// SPDX-License-Identifier: Apache-2.0

import Kernel

/// Subscribers by a key that several may share.
struct OwnerIndex: Sendable {
    /// Ascending.
    private let keys: [Int64]
    /// The subscriber of each key; nil = its place, as with line ids that were all loaded at once.
    private let owners: [UInt32]?

    private init(keys: [Int64], owners: [UInt32]?) {
        (self.keys, self.owners) = (keys, owners)
    }

    /// Takes pairs that are ordered by key.
    init(sorted keys: [Int64], owners: [UInt32]) {
        self.init(keys: keys, owners: owners)
    }

    /// Indexes line ids by index; 0 has none.
    init(lines: [Int64]) {
        if zip(lines, lines.dropFirst()).allSatisfy({ $0 < $1 }), lines.first != 0 {
            self.init(keys: lines, owners: nil)
            return
        }
        let order = lines.indices.lazy.filter { lines[$0] != 0 }.map { UInt32($0) }
            .sorted { lines[Int($0)] < lines[Int($1)] }
        self.init(sorted: order.map { lines[Int($0)] }, owners: order)
    }

    /// The subscribers of a key.
    func owners(of key: Int64) -> ArraySlice<UInt32> {
        let start = first { $0 >= key }
        guard start < keys.count, keys[start] == key else { return [] }
        guard let owners else { return [UInt32(start)] }
        var end = start + 1
        while end < keys.count, keys[end] == key { end += 1 }
        return owners[start..<end]
    }

    private func first(where isBehind: (Int64) -> Bool) -> Int {
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(keys[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// Keeps the last index of each kind while what it was made from stays the same.
actor OwnerIndexes {
    private var kept: [String: (of: String, index: OwnerIndex)] = [:]

    /// `state`: Names what the index is made from; another one makes it anew.
    func index(
        _ kind: String,
        of state: String,
        make: @Sendable () async throws -> OwnerIndex
    ) async throws -> OwnerIndex {
        if let known = kept[kind], known.of == state { return known.index }
        kept[kind] = nil
        let made = try await make()
        kept[kind] = (state, made)
        return made
    }
}
