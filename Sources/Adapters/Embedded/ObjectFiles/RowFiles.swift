// Rows of bits for each 64 waves, one file per group beside the log.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
public import Kernel
public import Ports
import Synchronization

/// ``WaveRows`` in files: 32 bytes of key, then the rows; written under a temporary name, then renamed.
///
/// Not synced: what a power cut takes is made anew from the log.
public final class RowFiles: WaveRows {
    private let folder: String
    private let open = Mutex<[Int: (key: ContentHash, rows: Int, file: OpenFile)]>([:])

    /// Uses a folder, which is made when it is not there.
    public init(folder: String) throws {
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    public func group(_ number: Int) throws -> (key: ContentHash, rows: Int)? {
        try file(number).map { ($0.key, $0.rows) }
    }

    public func write(group number: Int, key: ContentHash, next: () throws -> [UInt8]?) throws {
        let (path, temporary) = (path(number), path(number) + ".tmp")
        guard FileManager.default.createFile(atPath: temporary, contents: Data(key.bytes)),
            let file = FileHandle(forWritingAtPath: temporary)
        else { throw ObjectFiles.failed("create", temporary) }
        do {
            try file.seekToEnd()
            while let part = try next() { try file.write(contentsOf: Data(part)) }
            try file.close()
        } catch {
            try? file.close()
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else { throw ObjectFiles.failed("rename to", path) }
        open.withLock { $0[number] = nil }
    }

    public func row(_ index: Int, ofGroup number: Int) throws -> UInt64 {
        guard let group = try file(number) else {
            throw ObjectFilesError.missing(.zero, path: path(number))
        }
        let bytes = try group.file.read(offset: Self.keyBytes + index * 8, count: 8)
        return (0..<8).reduce(0) { $0 | UInt64(bytes[$1]) << UInt64(8 * $1) }
    }

    private static let keyBytes = 32

    private func path(_ number: Int) -> String { folder + "/waves-\(number)" }

    private func file(_ number: Int) throws -> (key: ContentHash, rows: Int, file: OpenFile)? {
        if let known = open.withLock({ $0[number] }) { return known }
        let path = path(number)
        guard access(path, R_OK) == 0 else { return nil }
        let file = try OpenFile(path, name: .zero, isScattered: true)
        // A file that ends before its key was cut off: it is as good as none.
        guard file.size() >= Self.keyBytes, let key = try ContentHash(bytes: file.read(offset: 0, count: Self.keyBytes))
        else { return nil }
        let found = (key: key, rows: (file.size() - Self.keyBytes) / 8, file: file)
        open.withLock { $0[number] = found }
        return found
    }
}
