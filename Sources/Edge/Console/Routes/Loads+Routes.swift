// 数据装载.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Console {
    func addLoads() {
        page(LoadsPage.path, .manageLoads) { frame, _, _ in try await loads().page(frame) }
        export(LoadsPage.path + ".csv", .manageLoads, columns: LoadsPage.columns) { frame, _ in
            let loads = try await loads().loads
            return TableQuery(frame).page(of: loads, LoadsPage.columns(frame), isWhole: true).rows
        }
        page(FeedsPage.path, .manageLoads) { frame, _, context in
            let query = TableQuery(frame)
            let feeds = try await site.feeds(for: context.user())
            var files = query.page(of: rows(of: feeds), FeedsPage.columns(frame))
            files.rows = try files.rows.map { try site.told($0) }
            return FeedsPage(files: files, feeds: feeds.map(\.name), query: query).page(frame)
        }
        export(FeedsPage.path + ".csv", .manageLoads, columns: FeedsPage.columns) { frame, context in
            let files = rows(of: try await site.feeds(for: context.user()))
            return try TableQuery(frame).page(of: files, FeedsPage.columns(frame), isWhole: true).rows
                .map { try site.told($0) }
        }
        form(LoadsPage.path + "/{load}/rollback", .manageLoads) { _, frame, context in
            do {
                _ = try await site.takeOut(load: context.parameters.get("load") ?? "", by: try context.user())
                return .next(LoadsPage.path, .takenOut)
            } catch let error as LoadingError where Problem.status(of: error).code < 500 {
                var frame = frame
                frame.path = LoadsPage.path
                let page = try await loads().page(frame)
                return .page(page, Notice(isError: true, text: frame.problem(error)))
            }
        }
    }

    /// Files of all feeds, the newest first.
    private func rows(of feeds: [Feed]) -> [FeedRow] {
        feeds.flatMap { feed in feed.files.map { FeedRow(feed: feed.name, file: $0) } }
            .sorted { $0.file.at > $1.file.at }
    }

    private func loads() async throws -> LoadsPage {
        LoadsPage(loads: try await platform.loading.history().reversed())
    }
}
