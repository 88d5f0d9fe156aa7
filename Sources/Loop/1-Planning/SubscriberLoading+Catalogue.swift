// The live load under another revision of the catalogue: columns come into memory or leave it, with one record of the log.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Kernel
public import Model
import Ports

extension SubscriberLoading {
    /// The catalogue that a load's file catalogue becomes by the last revision.
    ///
    /// - Throws: ``CatalogueError`` when a derived attribute does not fit the file any more.
    func withRevision(_ file: AttributeCatalogue) async throws -> AttributeCatalogue {
        guard let last = try await store.catalogueRevision(nil) else { return file }
        return try await catalogue(file, with: last.content, revision: last.number)
    }

    func catalogue(
        _ file: AttributeCatalogue,
        with content: CatalogueContent,
        revision: Int
    ) async throws -> AttributeCatalogue {
        let sources = try await EventSources(folders.warehouse).all()
        return try content.applied(to: file, revision: revision, sources: sources)
    }

    /// The catalogue as the operator's file had it when the live load was made.
    ///
    /// - Throws: `DecisionError.noProfile` before the first load.
    public func fileCatalogue() async throws -> AttributeCatalogue {
        guard let live = try await host.read({ $0.attributes }) else { throw DecisionError.noProfile }
        if let entry = LoadEntry(in: folders.path("subscriber/\(live.load)"))?.catalogue { return entry }
        throw LoadingError.noCatalogue(live.load)
    }

    /// What the log gets to know when the live load follows another catalogue; columns that stay hot stay as they are.
    func record(of catalogue: AttributeCatalogue) async throws -> LogRecord {
        let (attributes, having, subscribers) = try await host.read { ($0.attributes, $0.hotColumns, $0.subscribers) }
        guard let live = attributes else { throw DecisionError.noProfile }
        let folder = "subscriber/\(live.load)"
        let records = SubscriberRecords(folders: folders, host: host, workers: workers)
        let columns = try await folders.reading(folder) {
            try await records.hotColumns(folder, catalogue: catalogue, rows: subscribers, having: having)
        }
        return .attributesLoaded(
            load: live.load,
            catalogue: try host.store(catalogue.canonicalJSON()),
            columns: columns
        )
    }
}
