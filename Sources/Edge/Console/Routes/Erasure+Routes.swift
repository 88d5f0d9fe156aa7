// 用户信息删除.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Texts

extension Console {
    func addErasure() {
        page(ErasurePage.path, .erase) { frame, _, _ in ErasurePage().page(frame) }
        // The first form only asks; nothing is destroyed before what it means was read and confirmed.
        form(ErasurePage.path + "/check", .erase) { body, frame, context in
            var page = ErasurePage(body)
            let staff = try context.user()
            for (place, number) in page.numbers.enumerated() {
                do {
                    _ = try await site.lists.subscriber(number, in: staff.scope)
                } catch let error as SpecialListError {
                    page.errors["numbers"] = frame.t(.erasurePlace, "\(place + 1)", frame.problem(error))
                    break
                }
            }
            page.check(frame)
            page.isConfirming = page.errors.isEmpty
            return .page(page.page(frame), page.isConfirming ? Notice(isError: false, text: frame.t(.erasureAsk)) : nil)
        }
        form(ErasurePage.path, .erase) { body, frame, context in
            var page = ErasurePage(body)
            page.check(frame)
            guard page.errors.isEmpty, body["understood"] == "yes" else {
                page.isConfirming = page.errors.isEmpty
                return .page(page.page(frame), nil)
            }
            do {
                _ = try await site.erase(page.numbers, reason: page.reason, for: try context.user())
                return .next(ErasurePage.path, .erased)
            } catch ErasingError.number(let place, let error) {
                page.errors["numbers"] = frame.t(.erasurePlace, "\(place)", frame.problem(error))
                return .page(page.page(frame), nil)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
            }
        }
    }
}
