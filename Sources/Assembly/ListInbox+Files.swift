// What is in the folder of the inbox: waiting, taken in with its report, refused with the reason (LST-18).
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
public import Kernel
public import Model
public import Planning

extension ListInbox {
    /// A file that was put into the folder.
    public struct File: Sendable, Hashable {
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
        /// The list its name says; nil when it says none.
        public var list: ListID?
    }

    /// All files, the newest first.
    ///
    /// - Throws: ``DataDirectoryError/notReadable(path:cause:)``.
    public nonisolated func files() throws -> [File] {
        try File.Standing.allCases.flatMap { standing -> [File] in
            let place = place(of: standing)
            guard FileManager.default.fileExists(atPath: place) else { return [] }
            let names: [String]
            do { names = try FileManager.default.contentsOfDirectory(atPath: place) } catch {
                throw DataDirectoryError.notReadable(path: place, cause: error.systemCause)
            }
            // A report is named after its file; a file may end as reports do, and has one of its own then.
            let all = Set(names)
            return names.compactMap { key -> File? in
                switch standing {
                case .waiting:
                    guard Self.isWhole(key), !isFolder("\(place)/\(key)") else { return nil }
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

    /// What a file that was taken in did.
    ///
    /// - Throws: ``DataDirectoryError/notReadable(path:cause:)``.
    public nonisolated func report(of file: File) throws -> ListImport? {
        guard file.standing == .taken else { return nil }
        let path = "\(place(of: .taken))/\(file.key)\(Self.note(of: .taken))"
        do {
            return try JSONDecoder().decode(ListImport.self, from: Data(contentsOf: URL(filePath: path)))
        } catch {
            throw DataDirectoryError.notReadable(path: path, cause: error.systemCause)
        }
    }

    /// Why a file was refused: the code of the problem, and a sentence.
    ///
    /// - Throws: ``DataDirectoryError/notReadable(path:cause:)``.
    public nonisolated func refusal(of file: File) throws -> (code: String, text: String)? {
        guard file.standing == .refused else { return nil }
        let path = "\(place(of: .refused))/\(file.key)\(Self.note(of: .refused))"
        do {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let parts = text.split(separator: ":", maxSplits: 1)
            let said = parts.last.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
            return (String(parts.first ?? ""), said ?? "")
        } catch {
            throw DataDirectoryError.notReadable(path: path, cause: error.systemCause)
        }
    }

    /// Empties the files that were taken in or refused, because any of them may name people who are erased, in a format
    /// that nothing can be cut out of; their names stay, and so do the reports, which hold no number.
    nonisolated func emptyFiles() throws {
        for file in try files() where file.standing != .waiting {
            let path = "\(place(of: file.standing))/\(file.key)"
            guard truncate(path, 0) == 0 || errno == ENOENT else {
                throw DataDirectoryError.notWritable(path: path, cause: String(cString: strerror(errno)))
            }
        }
    }

    private nonisolated func place(of standing: File.Standing) -> String {
        switch standing {
        case .waiting: folder
        case .taken: folder + "/done"
        case .refused: folder + "/failed"
        }
    }

    /// How what was written beside a file ends.
    private static func note(of standing: File.Standing) -> String {
        standing == .taken ? ".report.json" : ".reason.txt"
    }

    private nonisolated func isFolder(_ path: String) -> Bool {
        var isFolder = false as ObjCBool
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// A file dated by another; nil when that went meanwhile.
    private nonisolated func file(_ name: String, _ key: String, _ standing: File.Standing, by path: String) -> File? {
        let found = try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        guard let date = found ?? nil else { return nil }
        return File(
            name: name,
            key: key,
            standing: standing,
            at: Instant(epochMs: Int64(date.timeIntervalSince1970 * 1000)),
            list: (try? Plan(name)).map(\.list)
        )
    }
}
