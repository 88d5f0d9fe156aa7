// A folder that other systems put files into, and what became of them.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Glibc
public import Kernel

/// A file that was put into an inbox.
public struct InboxFile: Sendable, Hashable {
    /// What became of it.
    public enum Standing: String, Sendable, CaseIterable {
        case waiting, taken, refused
    }

    /// Its name as it was put there.
    public var name: String
    /// Its name where it is now, unique among files of the same standing.
    public var key: String
    /// What became of it.
    public var standing: Standing
    /// When it was put there, taken in or refused.
    public var at: Instant

    /// Joins the parts.
    public init(name: String, key: String, standing: Standing, at: Instant) {
        (self.name, self.key, self.standing, self.at) = (name, key, standing, at)
    }
}

/// What became of a file that was looked at.
public struct TakenFile: Sendable, Hashable {
    /// Its name.
    public var file: String
    /// Code of why it was refused; nil when it was taken in.
    public var problem: String?
}

/// One folder: what waits is in it, what was taken in is in `done/` with its report beside it, what was refused in `failed/`
/// with the reason.
///
/// Hidden files, and those ending in `.part` or `.tmp`, are left alone: who writes does so under such a name, then renames.
struct InboxFolder: Sendable {
    let path: String
    /// The data directory; reasons do not name it.
    let directory: String
    /// Names of files that are no such files.
    var others: Set<String> = []

    /// Whether a file is taken in again that was before, with the same name and content.
    var isRepeated = false

    /// Takes in what waits, by name.
    ///
    /// - Parameters:
    ///   - now: Gives the time, which dates what is written.
    ///   - isRefusal: Whether a problem is the file's, which is refused; else it ends the work, and the file is tried again
    ///     next time.
    ///   - body: Takes in a file, given its name and path, and returns its report.
    /// - Returns: What became of each file.
    /// - Throws: What is no refusal, and ``DataDirectoryError``.
    func take(
        now: @Sendable () -> Instant,
        isRefusal: @Sendable (any CodedError) -> Bool,
        _ body: @Sendable (_ name: String, _ path: String) async throws -> Data
    ) async throws -> [TakenFile] {
        var taken: [TakenFile] = []
        for name in try names(in: path).sorted() where isWaiting(name) {
            try Task.checkCancellation()
            let file = "\(path)/\(name)"
            let key = String(try Self.hash(file).hex.prefix(16)) + "-" + name
            let (done, failed) = (place(of: .taken) + "/" + key, place(of: .refused) + "/" + key)
            if !isRepeated, FileManager.default.fileExists(atPath: done) {
                try move(file, to: done)
                taken.append(TakenFile(file: name))
                continue
            }
            do {
                try write(await body(name, file), to: done + Self.note(of: .taken), at: now())
                try move(file, to: done)
                taken.append(TakenFile(file: name))
            } catch let error as any CodedError where isRefusal(error) {
                let reason = "\(error.code): \(error)\n".replacing(directory + "/", with: "")
                try write(Data(reason.utf8), to: failed + Self.note(of: .refused), at: now())
                try move(file, to: failed)
                taken.append(TakenFile(file: name, problem: error.code))
            }
        }
        return taken
    }

    /// Puts a file there, which is taken from where it is; one of the same name that waits is replaced.
    func put(_ file: String, as name: String) throws { try move(file, to: "\(path)/\(name)") }

    /// All files, the newest first.
    func files() throws -> [InboxFile] {
        try InboxFile.Standing.allCases.flatMap { standing -> [InboxFile] in
            let place = place(of: standing)
            guard FileManager.default.fileExists(atPath: place) else { return [] }
            let names = try names(in: place)
            // A report is named after its file; a file may end as reports do, and has one of its own then.
            let all = Set(names)
            return names.compactMap { key -> InboxFile? in
                switch standing {
                case .waiting:
                    guard isWaiting(key) else { return nil }
                    return file(key, key, standing, by: "\(place)/\(key)")
                case .taken, .refused:
                    let note = key + Self.note(of: standing)
                    guard all.contains(note) else { return nil }
                    // The first 16 digits of the content's hash and a hyphen stand before the name.
                    return file(String(key.dropFirst(17)), key, standing, by: "\(place)/\(note)")
                }
            }
        }.sorted { ($1.at, $0.key) < ($0.at, $1.key) }
    }

    /// What was written of a file that was taken in; nil for any other.
    func report<Report: Decodable>(of file: InboxFile, as type: Report.Type = Report.self) throws -> Report? {
        guard file.standing == .taken else { return nil }
        return try read(file) { try JSONDecoder().decode(type, from: $0) }
    }

    /// Why a file was refused: the code of the problem, and a sentence; nil for any other.
    func refusal(of file: InboxFile) throws -> (code: String, text: String)? {
        guard file.standing == .refused else { return nil }
        let text = try read(file) { String(decoding: $0, as: UTF8.self) }
        let parts = text.split(separator: ":", maxSplits: 1)
        let said = parts.last.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        return (String(parts.first ?? ""), said ?? "")
    }

    /// Empties the files that were taken in or refused, because any of them may name people who are erased, in a format
    /// that nothing can be cut out of; their names stay, and so do the reports, which hold no number.
    func emptyFiles() throws {
        for file in try files() where file.standing != .waiting {
            let path = "\(place(of: file.standing))/\(file.key)"
            guard truncate(path, 0) == 0 || errno == ENOENT else {
                throw DataDirectoryError.notWritable(path: path, cause: String(cString: strerror(errno)))
            }
        }
    }

    static func isWhole(_ name: String) -> Bool {
        !name.hasPrefix(".") && !name.hasSuffix(".part") && !name.hasSuffix(".tmp")
    }

    private func isWaiting(_ name: String) -> Bool {
        Self.isWhole(name) && !others.contains(name) && !isFolder("\(path)/\(name)")
    }

    func make() throws(DataDirectoryError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw DataDirectoryError.notWritable(path: path, cause: error.systemCause)
        }
    }

    // MARK: Files

    private func place(of standing: InboxFile.Standing) -> String {
        switch standing {
        case .waiting: path
        case .taken: path + "/done"
        case .refused: path + "/failed"
        }
    }

    /// How what was written beside a file ends.
    private static func note(of standing: InboxFile.Standing) -> String {
        standing == .taken ? ".report.json" : ".reason.txt"
    }

    func names(in folder: String) throws -> [String] {
        do { return try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw DataDirectoryError.notReadable(path: folder, cause: error.systemCause)
        }
    }

    private func isFolder(_ path: String) -> Bool {
        var isFolder = false as ObjCBool
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// Reads what was written beside a file.
    private func read<Result>(_ file: InboxFile, _ decode: (Data) throws -> Result) throws -> Result {
        let path = "\(place(of: file.standing))/\(file.key)\(Self.note(of: file.standing))"
        do { return try decode(Data(contentsOf: URL(filePath: path))) } catch {
            throw DataDirectoryError.notReadable(path: path, cause: error.systemCause)
        }
    }

    /// A file dated by another; nil when that went meanwhile.
    private func file(_ name: String, _ key: String, _ standing: InboxFile.Standing, by path: String) -> InboxFile? {
        let found = try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        guard let date = found ?? nil else { return nil }
        let at = Instant(epochMs: Int64(date.timeIntervalSince1970 * 1000))
        return InboxFile(name: name, key: key, standing: standing, at: at)
    }

    private func write(_ data: Data, to path: String, at now: Instant) throws {
        do {
            let parent = URL(filePath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            try data.write(to: URL(filePath: path), options: .atomic)
            let date = Date(timeIntervalSince1970: Double(now.epochMs) / 1_000)
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
        } catch {
            throw DataDirectoryError.notWritable(path: path, cause: error.systemCause)
        }
    }

    private func move(_ path: String, to target: String) throws {
        guard rename(path, target) == 0 else {
            throw DataDirectoryError.notWritable(path: target, cause: String(cString: strerror(errno)))
        }
    }

    private static func hash(_ path: String) throws -> ContentHash {
        var hasher = SHA256()
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? file.close() }
            while let part = try file.read(upToCount: 1 << 20), !part.isEmpty { hasher.update(data: part) }
        } catch {
            throw DataDirectoryError.notReadable(path: path, cause: error.systemCause)
        }
        return ContentHash(bytes: Array(hasher.finalize())) ?? .zero
    }
}
