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
    var number: String?

    @Option(help: "Find by IMSI instead: 14 or 15 digits.")
    var imsi: String?

    @Option(help: "Find the lines of a customer number instead.")
    var customer: String?

    @Option(help: "Find by a part of a number instead, such as 139****5678 or its last four digits; name a region too.")
    var fragment: String?

    @Option(help: "Province of a part of a number, as the attribute has it.")
    var province: String?

    @Option(help: "City of a part of a number, as the attribute has it.")
    var city: String?

    @Option(help: "Show masked values in full, for this reason; it is recorded.")
    var unmask: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    private var questions: [CustomerQuestion] {
        let asked: [CustomerQuestion?] = [
            number.map { .number($0) }, imsi.map { .imsi($0) }, customer.map { .customer($0) },
            fragment.map { .fragment($0, province: province ?? "", city: city ?? "") },
        ]
        return asked.compactMap { $0 }
    }

    func validate() throws {
        guard questions.count == 1 else {
            throw ValidationError("name the customer by exactly one of NUMBER, --imsi, --customer and --fragment")
        }
        guard fragment != nil || (province == nil && city == nil) else {
            throw ValidationError("--province and --city go with --fragment")
        }
    }

    func run(on platform: Platform, for caller: Caller) async throws {
        let index: SubscriberIndex
        if let number {
            index = try platform.lists.subscriber(number)
        } else {
            let found = try await find(platform)
            guard let only = found.lines.first, found.lines.count == 1 else { return try show(found, caller) }
            index = only.index
        }
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

    private func find(_ platform: Platform) async throws -> CustomerCandidates {
        guard let question = questions.first else { throw CustomerError.nobody }
        return try await platform.customers.find(question, in: .all)
    }

    /// Lines of which one is to be chosen; their numbers are masked whatever was asked.
    private func show(_ found: CustomerCandidates, _ caller: Caller) throws {
        guard !json else { return try caller.printJSON(JSONObject(found)) }
        let t = caller.language
        caller.print(
            table: [[t("用户", "Subscriber"), t("号码", "Number"), t("省份", "Province"), t("地市", "City")]]
                + found.lines.map { ["\($0.index.number)", $0.masked, $0.province ?? "--", $0.city ?? "--"] }
        )
        if found.hasMore { caller.note(t("还有更多，请缩小范围", "there are more; narrow it down")) }
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
