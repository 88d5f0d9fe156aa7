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

    private func loads() async throws -> LoadsPage {
        LoadsPage(loads: try await platform.loading.history().reversed())
    }
}
