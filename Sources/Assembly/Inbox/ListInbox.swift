// Lists of numbers that other systems put into a folder, taken in by themselves (LST-18).
// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import Kernel
public import Model
public import Planning

/// The folder `inbox/lists/` of a data directory; see ``InboxFile`` for what becomes of its files.
///
/// A file is named `LIST[.CHANNEL][.MODE][.KIND][.from-DAY][.until-DAY].…`, for example `dnd_05.replace.xlsx` or
/// `dnd_01.sms.customer.until-2026-12-31.csv`; without a mode it adds, without a kind it holds telephone numbers, without days
/// it holds at once and for good.
public actor ListInbox {
    /// Who is on record as having made the changes.
    public static let staff = Staff(login: ListSetting.inbox, name: "inbox", role: .administrator)

    private nonisolated let folder: InboxFolder
    private let lists: SpecialLists
    private let clock: OperatorClock
    private var isTaking = false

    /// Watches the folder of a data directory, which is made when it is not there.
    ///
    /// - Throws: ``DataDirectoryError/notWritable(path:cause:)``.
    init(directory: String, lists: SpecialLists, clock: OperatorClock) throws(DataDirectoryError) {
        (self.lists, self.clock) = (lists, clock)
        folder = InboxFolder(path: directory + "/inbox/lists", directory: directory)
        try self.folder.make()
    }

    /// The folder.
    public nonisolated var path: String { folder.path }

    /// Takes in what is there, by name; a file that was taken in before with the same content changes nothing.
    ///
    /// - Returns: What became of each file.
    /// - Throws: What says nothing about the file, such as a full disk; it stays, and is tried again next time.
    public func take() async throws -> [TakenFile] {
        // Whoever asks while files are taken in leaves it to who began.
        guard !isTaking else { return [] }
        isTaking = true
        defer { isTaking = false }
        return try await folder.take(
            now: { [clock] in clock.now.instant },
            isRefusal: {
                ($0.code.hasPrefix("list.") || $0.code.hasPrefix("load."))
                    && $0.code != SpecialListError.tooManyChanges.code
            },
            { [lists, clock] name, path in
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
                return try JSONEncoder.report.encode(result)
            }
        )
    }

    /// All files, the newest first.
    ///
    /// - Throws: ``DataDirectoryError/notReadable(path:cause:)``.
    public nonisolated func files() throws -> [InboxFile] { try folder.files() }

    /// The list that a file's name says; nil when it says none.
    public nonisolated func list(of file: InboxFile) -> ListID? { (try? Plan(file.name)).map(\.list) }

    /// What a file that was taken in did; nil for any other.
    ///
    /// - Throws: ``DataDirectoryError/notReadable(path:cause:)``.
    public nonisolated func report(of file: InboxFile) throws -> ListImport? { try folder.report(of: file) }

    /// Why a file was refused: the code of the problem, and a sentence; nil for any other.
    ///
    /// - Throws: ``DataDirectoryError/notReadable(path:cause:)``.
    public nonisolated func refusal(of file: InboxFile) throws -> (code: String, text: String)? {
        try folder.refusal(of: file)
    }

    /// Empties the files that were taken in or refused, for any may name people who are erased.
    nonisolated func emptyFiles() throws { try folder.emptyFiles() }

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
}

extension JSONEncoder {
    /// Writes reports that people read, too.
    static var report: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return encoder
    }
}
