// gyre customer: everything about one customer's line.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import DecisionHost
import Decisioning
import Foundation
import HTTPAPI
import Kernel
import Model
import Planning
import Ports
import Texts

struct CustomerCommand: PlatformCommand {
    static let configuration = CommandConfiguration(
        commandName: "customer",
        abstract:
            "Show what is known of a customer: profile, months, subscriptions, contacts, lists, segments. Recorded."
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The telephone number.")
    var number: String

    @Option(help: "Show masked values in full, for this reason; it is recorded.")
    var unmask: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run(on platform: Platform, for caller: Caller) async throws {
        let index = try platform.lists.subscriber(number)
        let now = platform.clock.now
        if let unmask { try await record("subscriber.unmask", unmask, index, platform) }
        try await record("subscriber.look_up", "customer", index, platform)
        let view = try await platform.customers.view(of: index, in: .all, today: now.day)
        let clock = platform.clock
        let contacts = try await platform.customers.contacts(of: index) { clock.local($0) }
        let report = CustomerReport(view, contacts, isShown: unmask != nil, caller.language)
        guard !json else { return try caller.printJSON(report.json) }
        for line in report.lines { caller.print(line) }
    }

    private func record(_ action: String, _ detail: String, _ index: SubscriberIndex, _ platform: Platform) async throws
    {
        guard detail.contains(where: { !$0.isWhitespace }) else { throw CustomerError.reasonMissing }
        try await platform.store.append(
            AuditEntry(
                at: platform.clock.now.instant,
                who: "cli",
                action: action,
                object: "subscriber/\(index.number)",
                detail: detail
            )
        )
    }
}
