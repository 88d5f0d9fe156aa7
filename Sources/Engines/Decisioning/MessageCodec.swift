// Message ids: a keyed permutation of (wave, attempt, subscriber), so that nothing is stored per message.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Which message an id stands for.
public struct MessageAddress: Hashable, Sendable {
    /// Serial number of the wave in its data directory, from 1 to 2^28 - 1.
    public var waveSerial: UInt32
    /// 0 for the first attempt, up to 15.
    public var attempt: UInt8
    /// The subscriber.
    public var index: UInt32

    /// Joins the parts.
    public init(waveSerial: UInt32, attempt: UInt8, index: UInt32) {
        self.waveSerial = waveSerial
        self.attempt = attempt
        self.index = index
    }
}

/// Turns addresses into 64-bit ids and back: a Feistel network of four rounds with SipHash as its round function, which
/// makes ids unique, unguessable and resolvable without a table.
///
/// Source: M. Luby, C. Rackoff, "How to construct pseudorandom permutations from pseudorandom functions", 1988.
public struct MessageCodec: Sendable {
    private let hash: KeyedHash

    /// Uses the key of a data directory.
    public init(key: KeyedHash) {
        hash = key
    }

    private func round(_ number: UInt64, _ half: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: hash(Int64(bitPattern: number << 32 | UInt64(half))))
    }

    /// The id of a message.
    public func id(of address: MessageAddress) -> UInt64 {
        var left = address.waveSerial << 4 | UInt32(address.attempt & 15)
        var right = address.index
        for number in 0..<UInt64(4) { (left, right) = (right, left ^ round(number, right)) }
        return UInt64(left) << 32 | UInt64(right)
    }

    /// The message of an id; any 64 bits give an address, so the caller checks that the wave and subscriber exist.
    public func address(of id: UInt64) -> MessageAddress {
        var (left, right) = (UInt32(truncatingIfNeeded: id >> 32), UInt32(truncatingIfNeeded: id))
        for number in (0..<UInt64(4)).reversed() { (left, right) = (right ^ round(number, left), left) }
        return MessageAddress(waveSerial: left >> 4, attempt: UInt8(left & 15), index: right)
    }
}
