// The files that log records name, as explaining reads them: a few bytes of the large ones, the small ones decoded once.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Synchronization

/// ``DecisionInputs`` with what was decoded kept.
///
/// Contents never change under their name, so nothing gets old.
final class DecodedInputs: Sendable {
    private let inputs: any DecisionInputs
    private let campaigns = Mutex<[ContentHash: CampaignSpec]>([:])
    private let policies = Mutex<[ContentHash: ContactPolicy]>([:])
    private let layouts = Mutex<[ContentHash: ContactHistory.Layout]>([:])
    private let universes = Mutex<[ContentHash: UInt64]>([:])

    init(_ inputs: any DecisionInputs) {
        self.inputs = inputs
    }

    func campaign(_ file: ContentHash) throws -> CampaignSpec { try decoded(file, campaigns) }
    func policy(_ file: ContentHash) throws -> ContactPolicy { try decoded(file, policies) }

    private func decoded<T: Decodable & Sendable>(
        _ file: ContentHash,
        _ known: borrowing Mutex<[ContentHash: T]>
    ) throws -> T {
        if let value = known.withLock({ $0[file] }) { return value }
        let value = try DecisionState.decode(T.self, inputs.bytes(file), file: file)
        known.withLock { $0[file] = value }
        return value
    }

    /// Whether a subscriber is in a set: a list, an audience; one byte of the file is read.
    func isMember(_ index: SubscriberIndex, ofSet file: ContentHash) throws -> Bool {
        guard UInt64(index.number) < (try universe(ofSet: file)) else { return false }
        return try inputs.bytes(file, offset: 8 + Int(index.number) / 8, count: 1)[0] >> (index.number & 7) & 1 == 1
    }

    /// Words of bits in a set.
    func words(ofSet file: ContentHash) throws -> Int { Int(try universe(ofSet: file) + 63) / 64 }

    /// Some words of bits of a set; 0 behind its end.
    func words(ofSet file: ContentHash, from start: Int, count: Int) throws -> [UInt64] {
        let own = max(0, min(count, try words(ofSet: file) - start))
        var words = [UInt64](repeating: 0, count: count)
        guard own > 0 else { return words }
        try inputs.bytes(file, offset: 8 + start * 8, count: own * 8).withUnsafeBytes { bytes in
            for place in 0..<own {
                words[place] = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self))
            }
        }
        return words
    }

    private func universe(ofSet file: ContentHash) throws -> UInt64 {
        let universe =
            try universes.withLock { $0[file] }
            ?? inputs.bytes(file, offset: 0, count: 8)
            .withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        universes.withLock { $0[file] = universe }
        return universe
    }

    /// What a history says of a subscriber.
    func history(_ file: ContentHash, of index: SubscriberIndex) throws -> ContactHistory.Excerpt {
        func read(_ offset: Int, _ count: Int) throws -> [UInt8] {
            try inputs.bytes(file, offset: offset, count: count)
        }
        let layout = try layouts.withLock { $0[file] } ?? ContactHistory.Layout(read: read)
        layouts.withLock { $0[file] = layout }
        return try layout.excerpt(of: index, read: read)
    }

    /// What an assignment says of a subscriber.
    func assignment(_ file: ContentHash, of index: SubscriberIndex) throws -> Assignment.Excerpt {
        try Assignment.excerpt(of: index, file: file) { try inputs.bytes(file, offset: $0, count: $1) }
    }

    /// The line id of a subscriber in a file of line ids, the first of which has the index `base`.
    func line(_ index: SubscriberIndex, in file: ContentHash, from base: UInt32) throws -> LineID {
        let bytes = try inputs.bytes(file, offset: Int(index.number - base) * 8, count: 8)
        return LineID(Int64(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }))
    }

    func profile(
        of index: SubscriberIndex,
        catalogue: ContentHash,
        columns: [AttributeColumn],
        subscribers: Int
    ) throws -> any SubscriberProfile {
        try inputs.profile(of: index, catalogue: catalogue, columns: columns, subscribers: subscribers)
    }
}
