// Memory in pages of 2 MiB: what is read at random over all subscribers then misses the cache, not the page table too.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Asks the kernel for huge pages; only ever a hint: without them the pages are small and everything still works.
public enum HugePages {
    /// Bytes of a huge page.
    public static let size = 2 << 20
    /// Not in every release of the C library's headers; Linux 6.1 and later know it.
    private static let collapse: CInt = 25

    /// Memory that is not initialised yet, in huge pages as far as it fills whole ones; the caller deallocates it.
    public static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: byteCount >= size ? size : 64)
        if byteCount >= size { madvise(memory, byteCount / size * size, MADV_HUGEPAGE) }
        return memory
    }

    /// Moves an array that is read at random from now on into huge pages, where it fills whole ones; takes about
    /// as long as copying it.
    public static func gather<T: BitwiseCopyable>(_ array: [T]) {
        array.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            let first = UInt(bitPattern: start)
            let whole = (first + UInt(size - 1)) / UInt(size) * UInt(size)
            let end = (first + UInt(bytes.count)) / UInt(size) * UInt(size)
            guard whole < end, let pages = UnsafeMutableRawPointer(bitPattern: whole) else { return }
            madvise(pages, Int(end - whole), MADV_HUGEPAGE)
            madvise(pages, Int(end - whole), Self.collapse)
        }
    }
}
