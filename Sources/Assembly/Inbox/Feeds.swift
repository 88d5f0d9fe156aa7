// Rows that other systems send again and again: contacts, complaints, subscriptions … (CON-14, CUS-13).
// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
public import Kernel
import Model
import Planning

/// A source of rows of one table: the folder `inbox/loads/NAME/` of a data directory with a file `mapping.yaml`.
///
/// Files that are put there are loaded through the mapping, one load each; see ``InboxFile`` for what becomes of them. A feed
/// of table `subscriber` may have a `catalogue.yaml` of its own; else the catalogue of the last load holds.
public struct Feed: Sendable, Hashable {
    /// Its name, that of the folder.
    public var name: String
    /// The table its mapping loads; nil when the mapping cannot be read.
    public var table: String?
    /// Its files, the newest first.
    public var files: [InboxFile]

    /// How many files are so.
    public func count(_ standing: InboxFile.Standing) -> Int { files.count { $0.standing == standing } }

    /// What a file that was taken in brought.
    public struct Report: Sendable, Hashable, Codable {
        /// Id of the load.
        public var load: String
        /// Rows read.
        public var rows: Int
        /// Rows loaded.
        public var loaded: Int
        /// Rows rejected.
        public var rejected: Int

        init(_ load: LoadRecord) {
            (self.load, rows, loaded, rejected) = (load.id, load.rows, load.loaded, load.rejected)
        }
    }
}

/// Why a file cannot be put into a feed.
public enum FeedError: CodedError, Equatable {
    case unknownFeed(String)
    case badName(String)

    public var code: String {
        switch self {
        case .unknownFeed: "feed.unknown"
        case .badName: "feed.bad_name"
        }
    }

    public var description: String {
        switch self {
        case .unknownFeed(let name):
            "there is no feed \"\(name)\"; make a folder of that name with a mapping.yaml in inbox/loads/"
        case .badName(let name):
            "\"\(name)\" is not a name of a file: use at most 150 letters, digits, dots, hyphens and underscores, with a letter or digit first"
        }
    }
}

/// The feeds of a data directory.
public actor Feeds {
    /// Who is on record as having loaded.
    public static let login = ListSetting.inbox
    private static let mapping = "mapping.yaml"
    private static let ownCatalogue = "catalogue.yaml"

    /// The folder that has one of each feed.
    public nonisolated let path: String
    private nonisolated let loading: FileLoading
    private var isTaking = false

    /// Watches the folder of a data directory, which is made when it is not there.
    ///
    /// - Throws: ``DataDirectoryError/notWritable(path:cause:)``.
    init(_ loading: FileLoading) throws(DataDirectoryError) {
        (path, self.loading) = (loading.directory.path + "/inbox/loads", loading)
        try InboxFolder(path: path, directory: path).make()
    }

    /// Loads what was put into any feed, by names; a file that was loaded before changes nothing.
    ///
    /// - Returns: What became of each file, `FEED/FILE`.
    /// - Throws: What says nothing about the file, such as a full disk; it stays, and is tried again next time. Other feeds
    ///   were looked at before.
    public func take() async throws -> [TakenFile] {
        // Whoever asks while files are taken in leaves it to who began.
        guard !isTaking else { return [] }
        isTaking = true
        defer { isTaking = false }
        var (taken, problem): ([TakenFile], (any Error)?) = ([], nil)
        for name in try names() {
            let folder = folder(of: name)
            do {
                let files = try await folder.take(
                    now: { [loading] in loading.clock.now.instant },
                    isRefusal: { Self.isRefusal($0) },
                    { [loading] _, file in
                        let mapping = "\(folder.path)/\(Self.mapping)"
                        let (load, _) = try await loading.load(
                            file,
                            through: mapping,
                            catalogue(of: folder),
                            by: Self.login
                        )
                        return try JSONEncoder.report.encode(Feed.Report(load))
                    }
                )
                taken += files.map { TakenFile(file: "\(name)/\($0.file)", problem: $0.problem) }
            } catch {
                problem = problem ?? error
            }
        }
        if let problem { throw problem }
        return taken
    }

    /// Problems of the disk or of earlier loads say nothing about the file.
    private static func isRefusal(_ error: any CodedError) -> Bool {
        switch error {
        case let error as LoadError: ![.cannotCopy, .cannotWriteRejects, .cannotRead].contains(error.kind)
        case LoadingError.empty, LoadingError.noSubscribers, is DocumentError: true
        default: false
        }
    }

    /// All feeds, by name.
    ///
    /// - Throws: ``DataDirectoryError/notReadable(path:cause:)``.
    public nonisolated func all() async throws -> [Feed] {
        var feeds: [Feed] = []
        for name in try names() {
            let folder = folder(of: name)
            let catalogue = try? await catalogue(of: folder)
            let mapping = catalogue.flatMap {
                try? MappingFile.read(path: "\(folder.path)/\(Self.mapping)", catalogue: $0)
            }
            feeds.append(Feed(name: name, table: mapping?.table.rawValue, files: try folder.files()))
        }
        return feeds
    }

    /// Puts a file into a feed, to be loaded within a minute; one of the same name that waits is replaced.
    ///
    /// - Parameters:
    ///   - file: Where it is; it is moved, within the data directory.
    ///   - feed: The feed's name.
    ///   - name: What it is called there.
    /// - Throws: ``FeedError``, ``DataDirectoryError``.
    public nonisolated func put(_ file: String, into feed: String, as name: String) throws {
        guard try names().contains(feed) else { throw FeedError.unknownFeed(feed) }
        guard name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]{0,149}/) != nil, InboxFolder.isWhole(name) else {
            throw FeedError.badName(name)
        }
        try folder(of: feed).put(file, as: name)
    }

    /// What a file that was taken in brought; nil for any other.
    ///
    /// - Throws: ``DataDirectoryError/notReadable(path:cause:)``.
    public nonisolated func report(of file: InboxFile, in feed: String) throws -> Feed.Report? {
        try folder(of: feed).report(of: file)
    }

    /// Why a file was refused: the code of the problem, and a sentence; nil for any other.
    ///
    /// - Throws: ``DataDirectoryError/notReadable(path:cause:)``.
    public nonisolated func refusal(of file: InboxFile, in feed: String) throws -> (code: String, text: String)? {
        try folder(of: feed).refusal(of: file)
    }

    /// Empties the files that were taken in or refused, for any may name people who are erased.
    nonisolated func emptyFiles() throws { for name in try names() { try folder(of: name).emptyFiles() } }

    private nonisolated func catalogue(of folder: InboxFolder) async throws -> AttributeCatalogue {
        let own = "\(folder.path)/\(Self.ownCatalogue)"
        guard FileManager.default.fileExists(atPath: own) else { return try await loading.loading.fileCatalogue() }
        return try AttributeCatalogue(file: own)
    }

    /// Folders with a mapping, by name.
    private nonisolated func names() throws -> [String] {
        try InboxFolder(path: path, directory: path).names(in: path).sorted().filter {
            !$0.hasPrefix(".") && FileManager.default.fileExists(atPath: "\(path)/\($0)/\(Self.mapping)")
        }
    }

    private nonisolated func folder(of feed: String) -> InboxFolder {
        // A load is known by its content, and one that was taken out is loaded again.
        InboxFolder(
            path: "\(path)/\(feed)",
            directory: loading.directory.path,
            others: [Self.mapping, Self.ownCatalogue],
            isRepeated: true
        )
    }
}
