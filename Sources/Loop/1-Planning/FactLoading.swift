// Special lists as an operator brings them whole.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
public import Kernel
public import Model

/// Brings lists of the operator's into the decision log.
public struct FactLoading: Sendable {
    private let host: DecisionHost

    /// Records through the host.
    public init(host: DecisionHost) {
        self.host = host
    }

    /// Replaces special lists.
    public func replace(_ lists: [(list: ListID, members: Bitset)]) async throws {
        try await host.record(lists.map { .listReplaced($0.list, file: try host.store($0.members.listFile)) })
    }
}
