// Deterministic random numbers and keyed hashes; every draw names its seed or key.
// SPDX-License-Identifier: Apache-2.0

/// SplitMix64: a small, fast generator for seeded worlds and tests (not for secrets).
///
/// Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Starts the sequence that belongs to `seed`.
    @inlinable
    public init(seed: UInt64) {
        self.init(state: seed)
    }

    @usableFromInline
    init(state: UInt64) {
        self.state = state
    }

    /// The next 64 bits of the sequence.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// The finaliser on its own: 64 bits in, 64 well-mixed bits out.
    @inlinable
    public static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// SipHash-2-4 with a 128-bit key: draws control groups and breaks ties.
///
/// Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012.
public struct KeyedHash: Hashable, Sendable {
    private let k0: UInt64
    private let k1: UInt64

    /// Makes the hash that belongs to a 128-bit key.
    public init(key0: UInt64, key1: UInt64) {
        k0 = key0
        k1 = key1
    }

    /// The hash of one 64-bit message (8 bytes, little-endian).
    @inlinable
    public func callAsFunction(_ message: Int64) -> UInt64 {
        hash(UInt64(bitPattern: message))
    }

    @usableFromInline
    func hash(_ message: UInt64) -> UInt64 {
        var v0 = k0 ^ 0x736F_6D65_7073_6575
        var v1 = k1 ^ 0x646F_7261_6E64_6F6D
        var v2 = k0 ^ 0x6C79_6765_6E65_7261
        var v3 = k1 ^ 0x7465_6462_7974_6573
        func round() {
            v0 = v0 &+ v1
            v1 = (v1 &<< 13 | v1 &>> 51) ^ v0
            v0 = v0 &<< 32 | v0 &>> 32
            v2 = v2 &+ v3
            v3 = (v3 &<< 16 | v3 &>> 48) ^ v2
            v0 = v0 &+ v3
            v3 = (v3 &<< 21 | v3 &>> 43) ^ v0
            v2 = v2 &+ v1
            v1 = (v1 &<< 17 | v1 &>> 47) ^ v2
            v2 = v2 &<< 32 | v2 &>> 32
        }
        let length: UInt64 = 8 << 56
        v3 ^= message
        round()
        round()
        v0 ^= message
        v3 ^= length
        round()
        round()
        v0 ^= length
        v2 ^= 0xFF
        round()
        round()
        round()
        round()
        return v0 ^ v1 ^ v2 ^ v3
    }
}
