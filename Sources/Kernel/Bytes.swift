// Reading and writing of binary records: little-endian numbers, lengths before contents, bounds always checked.
// SPDX-License-Identifier: Apache-2.0

/// A binary record that cannot be read.
public struct MalformedBytes: CodedError, Equatable {
    /// Offset of the byte at which reading failed.
    public var offset: Int
    /// What was expected there.
    public var expected: String

    /// Joins offset and expectation.
    public init(offset: Int, expected: String) {
        self.offset = offset
        self.expected = expected
    }

    public var code: String { "bytes.malformed" }
    public var description: String { "malformed record at byte \(offset): expected \(expected)" }
}

/// Builds a binary record.
public struct ByteWriter: Sendable {
    /// The bytes written so far.
    public private(set) var bytes: [UInt8] = []

    /// An empty record with room for `capacity` bytes.
    public init(capacity: Int = 64) {
        bytes.reserveCapacity(capacity)
    }

    /// Appends a fixed-width integer, little-endian.
    public mutating func write<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Appends raw bytes without a length.
    public mutating func write(raw: some Sequence<UInt8>) {
        bytes.append(contentsOf: raw)
    }

    /// Appends raw memory without a length.
    public mutating func write(raw: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: raw)
    }

    /// Appends a 32-bit length and the bytes.
    public mutating func write(counted: [UInt8]) {
        write(UInt32(counted.count))
        bytes.append(contentsOf: counted)
    }

    /// Appends a 32-bit length and the UTF-8 bytes of the text.
    public mutating func write(text: String) {
        write(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }
}

/// Reads a binary record; every read checks the bounds.
public struct ByteReader: Sendable {
    private let bytes: [UInt8]
    /// Offset of the next byte to read.
    public private(set) var offset = 0

    /// Starts at the first byte.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Whether all bytes were read.
    public var isAtEnd: Bool { offset == bytes.count }

    /// Reads a fixed-width integer, little-endian.
    public mutating func read<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(MalformedBytes) -> T {
        let width = MemoryLayout<T>.size
        guard bytes.count - offset >= width else {
            throw MalformedBytes(offset: offset, expected: "\(width) more bytes")
        }
        let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) }
        offset += width
        return T(littleEndian: value)
    }

    /// Reads `count` raw bytes.
    public mutating func read(count: Int) throws(MalformedBytes) -> ArraySlice<UInt8> {
        guard count >= 0, bytes.count - offset >= count else {
            throw MalformedBytes(offset: offset, expected: "\(count) more bytes")
        }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    /// Reads bytes written by ``ByteWriter/write(counted:)``.
    public mutating func readCounted() throws(MalformedBytes) -> ArraySlice<UInt8> {
        let count: UInt32 = try read()
        return try read(count: Int(count))
    }

    /// Reads text written by ``ByteWriter/write(text:)``.
    public mutating func readText() throws(MalformedBytes) -> String {
        let start = offset
        guard let text = String(validating: try readCounted(), as: UTF8.self) else {
            throw MalformedBytes(offset: start, expected: "valid UTF-8")
        }
        return text
    }
}
