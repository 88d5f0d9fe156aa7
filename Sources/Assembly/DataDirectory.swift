// The data directory: everything Gyre knows, owned by one process at a time.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
public import Kernel

/// Why a data directory cannot be used.
public enum DataDirectoryError: CodedError {
    case locked(path: String, by: String)
    case notWritable(path: String, cause: String)
    case notReadable(path: String, cause: String)
    /// A file that the directory must have.
    case lost(file: String)
    case damaged(file: String)
    case foreign(path: String)
    case notDemo(path: String)
    case newerFormat(path: String, format: Int)
    case olderFormat(path: String, format: Int)
    case notThere(path: String)

    public var code: String {
        switch self {
        case .locked: "data.locked"
        case .notWritable: "data.not_writable"
        case .notReadable: "data.not_readable"
        case .lost: "data.lost"
        case .damaged: "data.damaged"
        case .foreign: "data.foreign"
        case .notDemo: "data.not_demo"
        case .newerFormat: "data.newer_format"
        case .olderFormat: "data.older_format"
        case .notThere: "data.not_there"
        }
    }

    public var description: String {
        switch self {
        case .locked(let path, let by): "\(path) is in use by process \(by); stop it or choose another --data-dir"
        case .notWritable(let path, let cause):
            "\(path) cannot be written (\(cause)); check its owner, rights and free space, or choose another --data-dir"
        case .notReadable(let path, let cause):
            "\(path) cannot be read (\(cause)); check its owner and rights, or choose another --data-dir"
        case .lost(let file): "\(file) is missing, though the data directory is not new; restore it from a backup"
        case .damaged(let file): "\(file) is damaged; restore it from a backup"
        case .foreign(let path):
            "\(path) is not empty and was not made by Gyre; choose an empty or new --data-dir"
        case .notDemo(let path):
            "\(path) was not made by gyre demo, which replaces only what it made; choose an empty or new --data-dir"
        case .olderFormat(let path, let format):
            "\(path) has format \(format) of a build before the first release; load the operator's files into a new "
                + "--data-dir, or remove it when a demo made it"
        case .newerFormat(let path, let format):
            "\(path) has format \(format), which this build does not know; use a newer gyre"
        case .notThere(let path):
            "\(path) holds no Gyre data; run gyre load or gyre demo first, or name another --data-dir"
        }
    }
}

/// A folder with the marker of Gyre in it, locked by this process.
public final class DataDirectory: Sendable {
    /// What the marker file says.
    public struct Marker: Codable, Sendable {
        /// Format of the directory.
        public var format: Int
        /// Whether `gyre demo` made it and may replace it.
        public var isDemo: Bool
    }

    /// The format this build writes.
    public static let format = 2

    /// Absolute path without a slash at the end.
    public let path: String
    /// What the marker says.
    public let marker: Marker
    private let lock: Int32

    /// Where bodies of requests are kept that are too large for memory; emptied at each start.
    public var temporary: String { path + "/tmp" }

    /// Where a Parquet file of the operator's stands while it is loaded.
    var inbox: String { path + "/tmp/in" }

    /// Opens a directory, made when it is not there, and locks it.
    ///
    /// - Throws: ``DataDirectoryError``.
    public init(path: String, isDemo: Bool = false) throws {
        self.path = URL(filePath: path).standardizedFileURL.path(percentEncoded: false).trimmingSuffix("/")
        let manager = FileManager.default
        do {
            try manager.createDirectory(atPath: self.path, withIntermediateDirectories: true)
        } catch {
            throw DataDirectoryError.notWritable(path: self.path, cause: error.systemCause)
        }
        let markerPath = self.path + "/gyre.json"
        let existing = try Self.marker(at: self.path)
        if existing == nil {
            let contents = try Self.contents(of: self.path).filter {
                $0 != "lock" && $0 != "lost+found"
            }
            guard contents.isEmpty else { throw DataDirectoryError.foreign(path: self.path) }
        }
        lock = try Self.lock(self.path)
        marker = existing ?? Marker(format: Self.format, isDemo: isDemo)
        guard marker.format <= Self.format else {
            throw DataDirectoryError.newerFormat(path: self.path, format: marker.format)
        }
        guard marker.format == Self.format else {
            throw DataDirectoryError.olderFormat(path: self.path, format: marker.format)
        }
        if existing == nil {
            do {
                try JSONEncoder().encode(marker).write(to: URL(filePath: markerPath), options: .atomic)
            } catch {
                throw DataDirectoryError.notWritable(path: self.path, cause: error.systemCause)
            }
        }
    }

    deinit {
        unlock()
        close(lock)
    }

    /// Lets others have the directory, from which on this process must not use it.
    ///
    /// Closing the file is not enough: a process that is being started holds a copy until it runs its own program.
    func unlock() { _ = flock(lock, LOCK_UN) }

    /// The marker of a directory; nil when there is none.
    ///
    /// - Throws: ``DataDirectoryError``, `notReadable` or `damaged`.
    public static func marker(at path: String) throws -> Marker? {
        let file = path + "/gyre.json"
        guard access(file, R_OK) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR else {
                throw DataDirectoryError.notReadable(path: path, cause: String(cString: strerror(errno)))
            }
            return nil
        }
        guard let data = FileManager.default.contents(atPath: file),
            let marker = try? JSONDecoder().decode(Marker.self, from: data)
        else { throw DataDirectoryError.damaged(file: file) }
        return marker
    }

    private static func contents(of path: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw DataDirectoryError.notReadable(path: path, cause: error.systemCause)
        }
    }

    /// Removes a directory that `gyre demo` made; nothing happens when it is not there or empty.
    ///
    /// - Throws: ``DataDirectoryError/foreign(path:)`` or ``DataDirectoryError/notDemo(path:)`` when it is anything else.
    public static func removeDemo(at path: String) throws {
        let manager = FileManager.default
        guard manager.fileExists(atPath: path) else { return }
        guard try !contents(of: path).isEmpty else { return }
        guard let marker = try marker(at: path) else { throw DataDirectoryError.foreign(path: path) }
        guard marker.isDemo else { throw DataDirectoryError.notDemo(path: path) }
        close(try lock(path))
        do {
            try manager.removeItem(atPath: path)
        } catch {
            throw DataDirectoryError.notWritable(path: path, cause: error.systemCause)
        }
    }

    private static func lock(_ path: String) throws -> Int32 {
        let file = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard file >= 0 else {
            throw DataDirectoryError.notWritable(path: path, cause: String(cString: strerror(errno)))
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let owner = FileManager.default.contents(atPath: path + "/lock").map { String(decoding: $0, as: UTF8.self) }
            close(file)
            throw DataDirectoryError.locked(
                path: path,
                by: owner?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "?"
            )
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(file, 0) == 0, pwrite(file, text, text.count, 0) == text.count else {
            let cause = String(cString: strerror(errno))
            close(file)
            throw DataDirectoryError.notWritable(path: path, cause: cause)
        }
        return file
    }
}

extension Error {
    /// What the system said, without Foundation's wrapping, for example "Permission denied".
    public var systemCause: String {
        let error = self as NSError
        if let inner = (self as? CocoaError)?.underlying { return inner.systemCause }
        guard error.domain == NSPOSIXErrorDomain else { return localizedDescription }
        return String(cString: strerror(Int32(error.code)))
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: Character) -> String {
        var text = self
        while text.count > 1, text.last == suffix { text.removeLast() }
        return text
    }
}
