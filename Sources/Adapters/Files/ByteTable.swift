// A small fixed table from texts to numbers that is asked with raw bytes, without making strings.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The FNV-1a hash of 64 bits, part of the rule for text ids (docs/formats.md).
enum FNV1a {
    @inline(__always)
    static func hash(_ bytes: UnsafeBufferPointer<UInt8>, offsetBasis: UInt64 = 0xCBF2_9CE4_8422_2325) -> UInt64 {
        var hash = offsetBasis
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }
}

/// A hash of short texts for tables in memory, eight bytes at a step; it is never stored.
enum TableHash {
    @inline(__always)
    static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        guard let base = UnsafeRawPointer(bytes.baseAddress) else { return 0 }
        let count = bytes.count
        // Half of the golden ratio's digits, odd: spreads low bits upwards.
        let factor: UInt64 = 0x9E37_79B9_7F4A_7C15
        var hash = UInt64(truncatingIfNeeded: count) &* factor
        var position = 0
        while count - position >= 8 {
            hash = (hash ^ base.loadUnaligned(fromByteOffset: position, as: UInt64.self)) &* factor
            hash ^= hash >> 32
            position += 8
        }
        var tail: UInt64 = 0
        if count - position >= 4 {
            tail = UInt64(base.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            tail |= UInt64(base.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)) << 32
        } else {
            while position < count {
                tail = tail << 8 | UInt64(bytes[position])
                position += 1
            }
        }
        hash = (hash ^ tail) &* factor
        return hash ^ hash >> 32
    }
}

/// Finds the position of a text in a list.
final class ByteTable {
    private struct Slot {
        var hash: UInt64 = 0
        /// Position of the text; negative in a free slot.
        var position: Int32 = -1
        var count: Int32 = 0
        var text: UnsafeMutablePointer<UInt8>?
    }

    private let slots: UnsafeMutablePointer<Slot>
    private let mask: Int

    /// Indexes `keys`; of equal ones the first counts.
    init(_ keys: [String]) {
        var size = 8
        while size < keys.count * 2 { size *= 2 }
        mask = size - 1
        slots = .allocate(capacity: size)
        slots.initialize(repeating: Slot(), count: size)
        for (position, key) in keys.enumerated() {
            var key = key
            key.withUTF8 { bytes in
                let slot = slot(bytes)
                guard slots[slot].position < 0 else { return }
                let text = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
                bytes.baseAddress.map { text.initialize(from: $0, count: bytes.count) }
                slots[slot] = Slot(
                    hash: TableHash.hash(bytes),
                    position: Int32(position),
                    count: Int32(bytes.count),
                    text: text
                )
            }
        }
    }

    deinit {
        for slot in 0...mask { slots[slot].text?.deallocate() }
        slots.deallocate()
    }

    /// The position of a text; nil when it is not in the list.
    @inline(__always)
    func position(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
        let found = slots[slot(text)].position
        return found < 0 ? nil : Int(found)
    }

    /// The slot that holds the text, or the free one where it would be.
    @inline(__always)
    private func slot(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        let hash = TableHash.hash(text)
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot].position >= 0, !isEqual(slots[slot], hash, text) { slot = (slot + 1) & mask }
        return slot
    }

    @inline(__always)
    private func isEqual(_ slot: Slot, _ hash: UInt64, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard slot.hash == hash, Int(slot.count) == text.count else { return false }
        guard let known = slot.text, let bytes = text.baseAddress else { return text.isEmpty }
        return memcmp(known, bytes, text.count) == 0
    }
}
