// The solution file: written one way only, closed by its SHA-256, every field checked when it is read.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Kernel

extension ArbitrationSolution {
    private static let magic = Array("gyre arbitration solution 1\n".utf8)
    private static let noGreedy: Int64 = -1

    /// The solution as bytes; equal solutions give equal bytes.
    ///
    /// Subscribers are written as differences in seven-bit groups (LEB128): one to three bytes each.
    public func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 4_096 + assignments.reduce(0) { $0 + $1.subscribers.count * 2 })
        writer.write(raw: Self.magic)
        writer.write(raw: problem.bytes)
        writer.write(limits.perSubscriber)
        writer.write(counted: limits.perClass)
        writer.write(value)
        writer.write(bound)
        writer.write(greedyValue ?? Self.noGreedy)
        writer.write(UInt32(constraints.count))
        for constraint in constraints {
            writer.write(text: constraint.name)
            writer.write(constraint.kind.rawValue)
            writer.write(constraint.limit)
            writer.write(constraint.used)
            writer.write(constraint.dual)
        }
        writer.write(UInt32(assignments.count))
        for assignment in assignments {
            let bytes = Self.packed(assignment.subscribers)
            writer.write(assignment.offer)
            writer.write(UInt32(assignment.subscribers.count))
            writer.write(counted: bytes)
        }
        return writer.bytes + Array(SHA256.hash(data: writer.bytes))
    }

    /// Reads what ``encoded()`` wrote.
    ///
    /// - Throws: ``ArbitrationError/badSolution(_:)`` for bytes that differ from what was written in any bit, and for
    ///   contents that no solution has. Whether it solves a problem is ``ArbitrationCheck``'s to say.
    public init(decoding bytes: [UInt8]) throws(ArbitrationError) {
        let digestSize = 32
        guard bytes.count >= Self.magic.count + digestSize, bytes.starts(with: Self.magic) else {
            throw .badSolution("it does not begin as one")
        }
        let content = Array(bytes.dropLast(digestSize))
        guard SHA256.hash(data: content).elementsEqual(bytes.suffix(digestSize)) else {
            throw .badSolution("its content and its SHA-256 differ")
        }
        do {
            try self.init(content: content)
        } catch let error as ArbitrationError {
            throw error
        } catch {
            throw .badSolution("\(error)")
        }
    }

    private init(content: [UInt8]) throws {
        var reader = ByteReader(content)
        _ = try reader.read(count: Self.magic.count)
        problem = ContentHash(bytes: try reader.read(count: 32)) ?? .zero
        let perSubscriber: UInt8 = try reader.read()
        limits = ContactLimits(perSubscriber: perSubscriber, perClass: Array(try reader.readCounted()))
        value = try reader.read()
        bound = try reader.read()
        let greedy: Int64 = try reader.read()
        greedyValue = greedy == Self.noGreedy ? nil : greedy
        guard value >= 0, bound >= value, greedy >= Self.noGreedy, greedy <= value else {
            throw ArbitrationError.badSolution("value \(value), bound \(bound) and greedy value \(greedy) do not fit")
        }
        constraints = []
        for _ in 0..<(try reader.read(UInt32.self)) {
            constraints.append(try Self.constraint(from: &reader))
        }
        assignments = []
        for _ in 0..<(try reader.read(UInt32.self)) {
            let offer: UInt32 = try reader.read()
            let count: UInt32 = try reader.read()
            let subscribers = try Self.unpacked(try reader.readCounted(), count: Int(count))
            assignments.append(OfferAssignment(offer: offer, subscribers: subscribers))
        }
        guard reader.isAtEnd else { throw ArbitrationError.badSolution("something follows its end") }
    }

    private static func constraint(from reader: inout ByteReader) throws -> ConstraintReport {
        let name = try reader.readText()
        guard let kind = ArbitrationConstraint.Kind(rawValue: try reader.read()) else {
            throw ArbitrationError.badSolution("the kind of \(name) is not known")
        }
        let report = ConstraintReport(
            name: name,
            kind: kind,
            limit: try reader.read(),
            used: try reader.read(),
            dual: try reader.read()
        )
        guard report.limit >= 0, report.used >= 0, report.dual >= 0 else {
            throw ArbitrationError.badSolution("limit, use or dual of \(name) is negative")
        }
        return report
    }

    // MARK: Subscribers

    static func packed(_ subscribers: [UInt32]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(subscribers.count * 2)
        var next: UInt64 = 0
        for subscriber in subscribers {
            precondition(UInt64(subscriber) >= next, "subscribers of an offer ascend")
            var rest = UInt64(subscriber) - next
            while rest >= 0x80 {
                bytes.append(UInt8(rest & 0x7F) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
            next = UInt64(subscriber) + 1
        }
        return bytes
    }

    static func unpacked(_ bytes: ArraySlice<UInt8>, count: Int) throws -> [UInt32] {
        guard count <= bytes.count else { throw ArbitrationError.badSolution("subscribers are missing") }
        var subscribers: [UInt32] = []
        subscribers.reserveCapacity(count)
        var (next, rest, shift): (UInt64, UInt64, UInt64) = (0, 0, 0)
        for byte in bytes {
            rest |= UInt64(byte & 0x7F) << shift
            shift += 7
            if byte & 0x80 != 0 {
                guard shift < 35 else { throw ArbitrationError.badSolution("a subscriber number is too long") }
                continue
            }
            guard let subscriber = UInt32(exactly: next + rest), byte != 0 || shift == 7 else {
                throw ArbitrationError.badSolution("a subscriber number is not written as it should be")
            }
            subscribers.append(subscriber)
            (next, rest, shift) = (UInt64(subscriber) + 1, 0, 0)
        }
        guard shift == 0, subscribers.count == count else {
            throw ArbitrationError.badSolution("the number of subscribers of an offer is not \(count)")
        }
        return subscribers
    }
}
