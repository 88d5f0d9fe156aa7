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
    init(file: String, mapping: String, catalogue: AttributeCatalogue, rejectFolder: String) throws {
        let map = try MappingFile.read(path: mapping, catalogue: catalogue)
        table = map.table.rawValue
        fields = map.fields
        name = URL(filePath: file).lastPathComponent
        var hasher = SHA256()
        try Self.hash(file, into: &hasher)
        try Self.hash(mapping, into: &hasher)
        loadID = String((ContentHash(bytes: Array(hasher.finalize())) ?? .zero).hex.prefix(16))
        try FileManager.default.createDirectory(atPath: rejectFolder, withIntermediateDirectories: true)
        load = TableLoad(file: file, mapping: map, rejectFile: "\(rejectFolder)/\(loadID).csv")
    }

    func fill(
        _ staging: String,
        on session: any WarehouseSession,
        engine: any WarehouseEngine
    ) async throws
        -> LoadCounts
    {
        let summary = try await load.run(into: staging, on: session, engine: engine)
        return LoadCounts(rows: summary.rows, rejected: summary.rejected, rejectFile: summary.rejectFile)
    }

    private static func hash(_ path: String, into hasher: inout SHA256) throws {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw LoadingError.unreadable(file: path)
        }
        defer { try? file.close() }
        while let part = try file.read(upToCount: 1 << 20), !part.isEmpty { hasher.update(data: part) }
    }
}
