// An operator's file as a source of rows.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Files
import Foundation
import Kernel
import Model
import Planning
import Ports

/// A CSV or Parquet file with its mapping file.
struct FileSource: TableSource {
    let table: String
    let fields: [WarehouseField]
    let name: String
    let loadID: String
    private let load: TableLoad

    /// Reads the mapping; the load id is the hash of file and mapping.
    init(file: String, mapping: String, catalogue: AttributeCatalogue, directory: DataDirectory) throws {
        let map = try MappingFile.read(path: mapping, catalogue: catalogue)
        table = map.table.rawValue
        fields = map.fields
        name = URL(filePath: file).lastPathComponent
        var hasher = SHA256()
        try Self.hash(file, into: &hasher)
        try Self.hash(mapping, into: &hasher)
        loadID = String((ContentHash(bytes: Array(hasher.finalize())) ?? .zero).hex.prefix(16))
        let rejects = directory.path + "/rejects"
        do {
            try FileManager.default.createDirectory(atPath: rejects, withIntermediateDirectories: true)
        } catch {
            throw DataDirectoryError.notWritable(path: rejects, cause: error.systemCause)
        }
        load = TableLoad(
            file: file,
            mapping: map,
            rejectFile: "\(rejects)/\(loadID).csv",
            inbox: directory.inbox
        )
    }

    func fill(
        _ staging: String,
        of lines: LineSet?,
        on session: any WarehouseSession,
        engine: any WarehouseEngine
    ) async throws
        -> LoadCounts
    {
        var load = load
        load.lines = lines
        let summary = try await load.run(into: staging, on: session, engine: engine)
        return LoadCounts(rows: summary.rows, rejected: summary.rejected, rejectFile: summary.rejectFile)
    }

    private static func hash(_ path: String, into hasher: inout SHA256) throws {
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? file.close() }
            while let part = try file.read(upToCount: 1 << 20), !part.isEmpty { hasher.update(data: part) }
        } catch {
            throw LoadingError.unreadable(file: path, cause: error.systemCause)
        }
    }
}

/// Loads files of the operator's.
struct FileLoading: Sendable {
    let loading: SubscriberLoading
    let lists: SpecialLists
    let directory: DataDirectory
    let clock: OperatorClock

    func load(
        _ file: String,
        through mapping: String,
        _ catalogue: AttributeCatalogue,
        by who: String
    ) async throws -> (record: LoadRecord, counts: LoadCounts) {
        let source = try FileSource(file: file, mapping: mapping, catalogue: catalogue, directory: directory)
        let loaded = try await loading.load(source, catalogue: catalogue, by: who, at: clock.now.instant)
        // A list that cannot be filled stays as it was; the server's next pass says why.
        try await lists.keepRules(at: clock.now.instant)
        return loaded
    }
}
