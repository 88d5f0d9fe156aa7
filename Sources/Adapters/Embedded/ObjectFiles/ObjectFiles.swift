// Content-addressed files in a folder: objects/ab/cdef…
// SPDX-License-Identifier: Apache-2.0

import CFileSystem
import Crypto
import Foundation
import Glibc
public import Kernel
public import Ports
import Synchronization

/// A file that the log names is missing or changed.
public enum ObjectFilesError: CodedError {
    case missing(ContentHash, path: String)
    case changed(ContentHash, path: String)
    case io(operation: String, path: String, cause: String)

    public var code: String {
        switch self {
        case .missing: "objects.missing"
        case .changed: "objects.changed"
        case .io: "objects.io"
        }
    }

    public var description: String {
        switch self {
        case .missing(_, let path): "\(path) is missing; restore the data directory from a backup"
        case .changed(_, let path): "\(path) does not have the content its name says; restore it from a backup"
        case .io(let operation, let path, let cause):
            "cannot \(operation) \(path): \(cause). The folder must be there, be writable and have free space"
        }
    }
}

/// Stores each content once, under its SHA-256; written under a temporary name, synced, then renamed.
public struct ObjectFiles: ObjectStore {
    private let folder: String
    private let openFiles = OpenFiles()

    /// Uses a folder, which is made when it is not there; no other process may be writing to it.
    public init(folder: String) throws {
        self.folder = folder
        try Self.make(folder: folder)
        Self.removeTemporaryFiles(below: folder)
    }

    public func put(_ bytes: [UInt8]) throws -> ContentHash {
        let name = Self.digest(bytes)
        let path = self.path(name)
        let parent = Self.parent(of: path)
        // A file that is there and damaged is written again: whoever puts content has it right.
        if access(path, R_OK) == 0, (try? self.bytes(name)) != nil {
            // Whoever put it there may have been killed between renaming and syncing.
            try Self.sync(folder: parent)
            try Self.sync(folder: folder)
            return name
        }
        try Self.make(folder: parent)
        let temporary = Self.temporary(path)
        do {
            try Self.write(bytes, to: temporary)
            guard rename(temporary, path) == 0 else { throw Self.failed("rename to", path) }
            openFiles.forget(name)
            try Self.sync(folder: parent)
        } catch {
            unlink(temporary)
            throw error
        }
        return name
    }

    /// Syncs the whole file system twice, however many there are: contents before they get their names, then the names.
    public func put(all contents: [[UInt8]]) throws -> [ContentHash] {
        let names = contents.map { Self.digest($0) }
        var written: [(temporary: String, path: String, name: ContentHash)] = []
        do {
            var known: Set<ContentHash> = []
            for (name, bytes) in zip(names, contents) where known.insert(name).inserted {
                let path = self.path(name)
                if access(path, R_OK) == 0, (try? self.bytes(name)) != nil { continue }
                let parent = Self.parent(of: path)
                guard mkdir(parent, 0o750) == 0 || errno == EEXIST else { throw Self.failed("create", parent) }
                written.append((Self.temporary(path), path, name))
                try Self.write(bytes, to: written[written.count - 1].temporary, isSynced: false)
            }
            try Self.syncAll(folder: folder)
            for file in written {
                guard rename(file.temporary, file.path) == 0 else { throw Self.failed("rename to", file.path) }
                openFiles.forget(file.name)
            }
            if !written.isEmpty { try Self.syncAll(folder: folder) }
        } catch {
            for file in written { unlink(file.temporary) }
            throw error
        }
        return names
    }

    public func bytes(_ name: ContentHash) throws -> [UInt8] {
        let path = path(name)
        let file = try OpenFile(path, name: name)
        let content = try file.read(offset: 0, count: file.size())
        guard Self.digest(content) == name else { throw ObjectFilesError.changed(name, path: path) }
        return content
    }

    public func bytes(_ name: ContentHash, offset: Int, count: Int) throws -> [UInt8] {
        try openFiles.file(name) { try OpenFile(path(name), name: name, isScattered: true) }.read(
            offset: offset,
            count: count
        )
    }

    public func remove(_ name: ContentHash) throws {
        let path = path(name)
        openFiles.forget(name)
        // Not synced: what comes back after a power cut is named by nothing.
        guard unlink(path) == 0 || errno == ENOENT else { throw Self.failed("remove", path) }
    }

    public func names() throws -> [ContentHash] {
        let manager = FileManager.default
        do {
            return try manager.contentsOfDirectory(atPath: folder).flatMap { start in
                try manager.contentsOfDirectory(atPath: "\(folder)/\(start)").compactMap {
                    ContentHash(hex: start + $0)
                }
            }
        } catch {
            throw ObjectFilesError.io(operation: "list", path: folder, cause: "\(error)")
        }
    }

    public func destroy(_ names: [ContentHash]) throws {
        for name in names { try remove(name) }
        for parent in Set(names.map { Self.parent(of: path($0)) }) where access(parent, F_OK) == 0 {
            try Self.sync(folder: parent)
        }
    }

    /// Where a content is stored.
    public func path(_ name: ContentHash) -> String {
        let hex = name.hex
        return folder + "/" + hex.prefix(2) + "/" + hex.dropFirst(2)
    }

    private static func digest(_ bytes: [UInt8]) -> ContentHash {
        var hasher = SHA256()
        bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        return ContentHash(bytes: Array(hasher.finalize())) ?? .zero
    }

    private static func parent(of path: String) -> String {
        URL(fileURLWithPath: path).deletingLastPathComponent().path
    }

    /// Makes a folder and those above it where they are missing, and syncs the folder that holds it.
    private static func make(folder path: String) throws {
        let parent = parent(of: path)
        if mkdir(path, 0o750) != 0 {
            switch errno {
            case EEXIST: break
            case ENOENT where parent != path:
                try make(folder: parent)
                guard mkdir(path, 0o750) == 0 else { throw failed("create", path) }
            default: throw failed("create", path)
            }
        }
        try sync(folder: parent)
    }

    private static let temporaryMark = ".tmp-"

    /// Removes what a process left that was killed while it wrote; what cannot be removed does no harm.
    private static func removeTemporaryFiles(below folder: String) {
        let manager = FileManager.default
        for name in (try? manager.subpathsOfDirectory(atPath: folder)) ?? [] where name.contains(temporaryMark) {
            unlink("\(folder)/\(name)")
        }
    }

    private static func temporary(_ path: String) -> String {
        path + temporaryMark + "\(getpid())-\(UInt64.random(in: 0 ... .max))"
    }

    private static func write(_ bytes: [UInt8], to path: String, isSynced: Bool = true) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw failed("create", path) }
        defer { close(file) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                Glibc.write(file, raw.baseAddress.map { $0 + written }, bytes.count - written)
            }
            guard count > 0 else { throw failed("write", path) }
            written += count
        }
        guard !isSynced || fdatasync(file) == 0 else { throw failed("sync", path) }
    }

    static func sync(folder: String) throws {
        let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw failed("open", folder) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw failed("sync", folder) }
    }

    /// Syncs everything on the file system that a folder is on.
    private static func syncAll(folder: String) throws {
        let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw failed("open", folder) }
        defer { close(file) }
        guard syncfs(file) == 0 else { throw failed("sync", folder) }
    }

    static func failed(_ operation: String, _ path: String) -> ObjectFilesError {
        .io(operation: operation, path: path, cause: String(cString: strerror(errno)))
    }
}

/// A file that is open for reading; closed with its last user.
final class OpenFile: Sendable {
    private let descriptor: CInt
    private let path: String
    private let name: ContentHash

    init(_ path: String, name: ContentHash, isScattered: Bool = false) throws {
        self.path = path
        self.name = name
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT
                ? ObjectFilesError.missing(name, path: path) : ObjectFiles.failed("open", path)
        }
        // Parts are read here and there: what lies behind them is of no use.
        if isScattered { posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM) }
    }

    deinit { close(descriptor) }

    func size() -> Int { Int(lseek(descriptor, 0, SEEK_END)) }

    func read(offset: Int, count: Int) throws -> [UInt8] {
        var failure: ObjectFilesError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                let read = pread(descriptor, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset + done))
                guard read > 0 else {
                    failure = read == 0 ? .changed(name, path: path) : ObjectFiles.failed("read", path)
                    return
                }
                done += read
            }
        }
        if let failure { throw failure }
        return bytes
    }
}

/// Files of which parts were read, kept open: who asks for one byte of thousands of files should not open each again.
private final class OpenFiles: Sendable {
    private struct Content {
        var files: [ContentHash: OpenFile] = [:]
        var names: [ContentHash] = []
        var next = 0
    }

    private let content = Mutex(Content())
    private let most: Int

    init() {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        most = min(8_192, max(16, Int(clamping: limit.rlim_cur) / 4))
    }

    func file(_ name: ContentHash, open: () throws -> OpenFile) throws -> OpenFile {
        if let known = content.withLock({ $0.files[name] }) { return known }
        let file = try open()
        content.withLock { content in
            guard content.files.updateValue(file, forKey: name) == nil else { return }
            if content.names.count < most {
                content.names.append(name)
            } else {
                // The one that was opened first makes room.
                content.files[content.names[content.next]] = nil
                content.names[content.next] = name
                content.next = (content.next + 1) % most
            }
        }
        return file
    }

    func forget(_ name: ContentHash) {
        content.withLock { content in
            guard content.files.removeValue(forKey: name) != nil else { return }
            content.names.removeAll { $0 == name }
            content.next = min(content.next, max(0, content.names.count - 1))
        }
    }
}
