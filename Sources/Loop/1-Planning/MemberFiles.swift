// Files of members, read once and kept while they are used; and whose customer each subscriber is.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Kernel
import Segmentation
import Synchronization

/// Members by the name of their file; those used last stay in memory.
final class MemberFiles: Sendable {
    /// Files kept: 18 million subscribers take 2.3 MB each.
    private static let most = 64
    private let inputs: StoredInputs
    private let kept = Mutex<[(file: ContentHash, members: Bitset)]>([])

    init(inputs: StoredInputs) { self.inputs = inputs }

    func members(of file: ContentHash, subscribers: Int) throws -> Bitset {
        let known = kept.withLock { kept -> Bitset? in
            guard let place = kept.firstIndex(where: { $0.file == file }) else { return nil }
            let found = kept.remove(at: place)
            kept.append(found)
            return found.members
        }
        var members = try known ?? read(file, subscribers)
        members.grow(universe: subscribers)
        kept.withLock { [members] kept in
            kept.removeAll { $0.file == file }
            kept.append((file, members))
            if kept.count > Self.most { kept.removeFirst() }
        }
        return members
    }

    private func read(_ file: ContentHash, _ subscribers: Int) throws -> Bitset {
        var changes: [AudienceDelta] = []
        var bytes = try inputs.bytes(file)
        while AudienceDelta.depth(ofMark: bytes) > 0 {
            let change = try AudienceDelta(decoding: bytes)
            guard change.universe <= subscribers else {
                throw DecisionError.badFile(file, why: "a change over \(change.universe) of \(subscribers) subscribers")
            }
            changes.append(change)
            bytes = try inputs.bytes(change.previous)
        }
        var members = try Bitset(audienceFile: bytes, subscribers: subscribers)
        for change in changes {
            let chosen = try self.members(of: change.chosen, subscribers: subscribers)
            guard chosen.count == change.difference.universe else {
                throw DecisionError.badFile(
                    file,
                    why: "\(change.difference.universe) bits for \(chosen.count) subscribers"
                )
            }
            members.formSymmetricDifference(change.difference.spread(over: chosen))
        }
        return members
    }
}

/// The customer of each subscriber as numbers from 0, made anew for each load.
final class CustomerNumbers: Sendable {
    private let kept = Mutex<(load: String, customers: [UInt32])?>(nil)

    func numbers(load: String, _ read: () async throws -> [Int64]) async throws -> [UInt32] {
        if let kept = kept.withLock({ $0 }), kept.load == load { return kept.customers }
        let customers = Self.numbered(try await read())
        kept.withLock { $0 = (load, customers) }
        return customers
    }

    /// Gives each different id the next number, in the order they come; id 0 = not known.
    static func numbered(_ ids: [Int64]) -> [UInt32] {
        var size = 16
        while size < ids.count * 2 { size *= 2 }
        // Open addressing: a dictionary takes four times the memory and time for millions of ids.
        var places = [UInt32](repeating: .max, count: size)
        var known: [Int64] = []
        return ids.map { id in
            guard id != 0 else { return Bitset.noCustomer }
            var place = Int(truncatingIfNeeded: SeededRandom.mix(UInt64(bitPattern: id))) & (size - 1)
            while places[place] != .max {
                if known[Int(places[place])] == id { return places[place] }
                place = (place + 1) & (size - 1)
            }
            places[place] = UInt32(known.count)
            known.append(id)
            return places[place]
        }
    }
}
