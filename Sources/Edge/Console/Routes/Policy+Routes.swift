// 接触控制策略.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import HTTPAPI
import Model
import Ports

extension Console {
    func addPolicy() {
        page("/policy", .viewPolicy) { frame, _, _ in
            PolicyPage(policy: try await policy()).page(frame)
        }
        export("/policy/caps.csv", .viewPolicy, columns: PolicyPage.tierColumns) { frame, _ in
            TableQuery(frame, prefix: "t.").page(
                of: try await policy()?.tiers ?? [],
                PolicyPage.tierColumns(frame),
                isWhole: true
            ).rows
        }
        export("/policy/dnd.csv", .viewPolicy, columns: PolicyPage.dndColumns) { frame, _ in
            TableQuery(frame, prefix: "d.").page(
                of: try await policy()?.dnd ?? [],
                PolicyPage.dndColumns(frame),
                isWhole: true
            ).rows
        }
        export("/policy/rules.csv", .viewPolicy) { frame, _ in
            guard let policy = try await policy() else { throw EdgeError.notFound("policy") }
            return csv(PolicyPage.rules(policy, frame))
        }
    }

    /// The policy in force.
    func policy() async throws -> ContactPolicy? { try await platform.host.read { $0.policy } }
}
