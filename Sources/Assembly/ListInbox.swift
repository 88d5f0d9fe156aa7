// Lists of numbers that other systems put into a folder, taken in by themselves (LST-18).
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Files
import Foundation
import Glibc
import Kernel
public import Model
import Planning

/// The folder `inbox/lists/` of a data directory.
///
/// A file is named `LIST[.CHANNEL][.MODE][.KIND][.from-DAY][.until-DAY].…`, for example `dnd_05.replace.xlsx` or
/// `dnd_01.sms.customer.until-2026-12-31.csv`; without a mode it adds, without a kind it holds telephone numbers, without days
/// it holds at once and for good. What is taken in is moved to `done/` with its report
/// beside it, what is refused to `failed/` with the reason. Hidden files, and those ending in `.part` or `.tmp`, are left
/// alone: write under such a name, then rename.
public actor ListInbox {
    /// What became of a file.
    public struct Taken: Sendable, Hashable {
        /// Its name.
        public var file: String
        /// Code of why it was refused; nil when it was taken in.
        public var problem: String?
    }

    /// Who is on record as having made the changes.
    public static let staff = Staff(login: ListSetting.inbox, name: "inbox", role: .administrator)

    /// The folder.
    public nonisolated let folder: String
    private let lists: SpecialLists
    private let clock: OperatorClock
    private var isTaking = false

    /// Watches a folder, which is made when it is not there.
    ///
    /// - Throws: ``DataDirectoryError/notWritable(path:cause:)``.
    init(folder: String, lists: SpecialLists, clock: OperatorClock) throws(DataDirectoryError) {
        (self.folder, self.lists, self.clock) = (folder, lists, clock)
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw DataDirectoryError.notWritable(path: folder, cause: error.systemCause)
        }
    }

    /// Takes in what is there, by name; a file that was taken in before with the same content changes nothing.
    ///
    /// - Returns: What became of each file.
    /// - Throws: What says nothing about the file, such as a full disk; it stays, and is tried again next time.
    public func take() async throws -> [Taken] {
        // Whoever asks while files are taken in leaves it to who began.
        guard !isTaking else { return [] }
        isTaking = true
        defer { isTaking = false }
        let manager = FileManager.default
        let names: [String]
        do { names = try manager.contentsOfDirectory(atPath: folder) } catch {
            throw DataDirectoryError.notReadable(path: folder, cause: error.systemCause)
        }
        var taken: [Taken] = []
        for name in names.sorted() where Self.isWhole(name) {
            try Task.checkCancellation()
            let path = "\(folder)/\(name)"
            var isFolder = false as ObjCBool
            guard manager.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else { continue }
            taken.append(Taken(file: name, problem: try await take(name, path)))
        }
        return taken
    }

    static func isWhole(_ name: String) -> Bool {
        !name.hasPrefix(".") && !name.hasSuffix(".part") && !name.hasSuffix(".tmp")
    }

    /// Returns the code of why a file is refused.
    private func take(_ name: String, _ path: String) async throws -> String? {
        let mark = String(try Self.hash(path).hex.prefix(16))
        let done = "\(folder)/done/\(mark)-\(name)"
        if FileManager.default.fileExists(atPath: done) {
            try move(path, to: done)
            return nil
        }
        do {
            let plan = try Plan(name)
            let result = try await lists.change(
                plan.list,
                by: ListSource(file: path, name: name, kind: plan.kind, column: .found),
                mode: plan.mode,
                from: plan.from,
                until: plan.until,
                reason: "inbox",
                by: Self.staff,
                at: clock.now.instant
            )
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            try write(encoder.encode(result), to: done + ".report.json")
            try move(path, to: done)
            return nil
        } catch let error as any CodedError where error.code.hasPrefix("list.") || error.code.hasPrefix("load.") {
            guard error.code != SpecialListError.tooManyChanges.code else { throw error }
            let failed = "\(folder)/failed/\(mark)-\(name)"
            try write(Data("\(error.code): \(error)\n".utf8), to: failed + ".reason.txt")
            try move(path, to: failed)
            return error.code
        }
    }

    /// What a file's name says.
    struct Plan: Equatable {
        var list: ListID
        var mode = ListImportMode.add
        var kind = IdentityKind.msisdn
        var from: LocalDay?
        var until: LocalDay?

        init(_ name: String) throws(SpecialListError) {
            var words = name.split(separator: ".").map(String.init)
            guard words.count > 1 else { throw .unknownList(name) }
            list = ListID(named: words.removeFirst())
            for word in words.dropLast() {
                if let channel = ChannelClass(code: word) {
                    list.channel = channel
                } else if let mode = ListImportMode(rawValue: word) {
                    self.mode = mode
                } else if let kind = IdentityKind(rawValue: word) {
                    self.kind = kind
                } else if let day = try Self.day(word, "from-") {
                    from = day
                } else if let day = try Self.day(word, "until-") {
                    until = day
                }
                // Anything else tells files apart: a date, a number.
            }
        }

        private static func day(_ word: String, _ prefix: String) throws(SpecialListError) -> LocalDay? {
            guard word.hasPrefix(prefix) else { return nil }
            guard let day = LocalDay(iso: String(word.dropFirst(prefix.count))) else { throw .badDays }
            return day
        }
    }

    private func write(_ data: Data, to path: String) throws {
        do {
            let parent = URL(filePath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            try data.write(to: URL(filePath: path), options: .atomic)
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
