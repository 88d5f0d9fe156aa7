// Passwords: stored as scrypt with a salt of their own; made up where people need one to start with.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Foundation
public import Ports

/// Hashes and checks passwords.
public enum Passwords {
    /// Cost parameters of scrypt (RFC 7914).
    public struct Cost: Hashable, Sendable {
        /// CPU and memory cost, a power of two.
        public var rounds: Int
        /// Block size.
        public var blockSize: Int
        /// Parallelism.
        public var parallelism: Int

        /// 16 MiB and about 0.2 s; one of the settings of the OWASP Password Storage Cheat Sheet.
        public static let standard = Cost(rounds: 1 << 14, blockSize: 8, parallelism: 5)
        /// For tests only.
        public static let tests = Cost(rounds: 1 << 4, blockSize: 8, parallelism: 1)
    }

    /// Hashes a password with a new salt: `scrypt$N$r$p$salt$key`, salt and key in Base64.
    public static func hash(_ password: String, cost: Cost = .standard) throws -> PasswordHash {
        let salt = SymmetricKey(size: .bits128).withUnsafeBytes { Data($0) }
        let key = try derive(password, salt: salt, cost: cost)
        let numbers = "\(cost.rounds)$\(cost.blockSize)$\(cost.parallelism)"
        return PasswordHash(text: "scrypt$\(numbers)$\(salt.base64EncodedString())$\(key.base64EncodedString())")
    }

    /// Whether a password is the stored one; takes the same time for every wrong one.
    public static func matches(_ password: String, _ stored: PasswordHash) throws -> Bool {
        let parts = stored.text.split(separator: "$")
        guard parts.count == 6, parts[0] == "scrypt", let rounds = Int(parts[1]), let blockSize = Int(parts[2]),
            let parallelism = Int(parts[3]), let salt = Data(base64Encoded: String(parts[4])),
            let key = Data(base64Encoded: String(parts[5]))
        else { return false }
        let cost = Cost(rounds: rounds, blockSize: blockSize, parallelism: parallelism)
        let given = try derive(password, salt: salt, cost: cost)
        return given.count == key.count && zip(given, key).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func derive(_ password: String, salt: Data, cost: Cost) throws -> Data {
        try KDF.Scrypt.deriveKey(
            from: Data(password.precomposedStringWithCanonicalMapping.utf8),
            salt: salt,
            outputByteCount: 32,
            rounds: cost.rounds,
            blockSize: cost.blockSize,
            parallelism: cost.parallelism
        ).withUnsafeBytes { Data($0) }
    }

    /// A password of 16 letters and digits in groups of four (80 bits), without those that look alike.
    public static func make() -> String {
        let letters = Array("abcdefghjkmnpqrstuvwxyz23456789X")
        let bytes = SymmetricKey(size: .bits128).withUnsafeBytes { Array($0) }
        return bytes.enumerated().reduce(into: "") { text, byte in
            if byte.offset > 0, byte.offset % 4 == 0 { text += "-" }
            text.append(letters[Int(byte.element & 31)])
        }
    }

    /// 256 random bits in Base64 for addresses: a session token.
    static func makeToken() -> String {
        SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }.base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
