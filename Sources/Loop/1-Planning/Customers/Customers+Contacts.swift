// The contact view: all touches of one customer, loaded or made by Gyre, newest first (CON-01 to CON-08).
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Dispatch
public import Kernel
import Model
import Ports

extension Customers {
    /// Touches of a customer, newest first.
    ///
    /// What Gyre reserved and gave back was no touch. Times are shown on the clock `local`.
    public func contacts(
        of index: SubscriberIndex,
        _ filter: ContactFilter = ContactFilter(),
        local: @escaping @Sendable (Instant) -> LocalTime
    ) async throws -> [CustomerContact] {
        // A contact on any channel may tell of a complaint: the channel is asked last.
        var any = filter
        any.channel = nil
        let loaded = try await loadedContacts(of: index, any, local)
        let own = try await ownContacts(of: index).filter(filter.admits)
        let isComplaint = [nil, "complaint"].contains(filter.kind)
        let complaints = isComplaint ? try await complaintContacts(of: index, besides: loaded, local) : []
        return ((loaded + complaints).filter(filter.admits) + own).sorted { $0.at.instant > $1.at.instant }
    }

    private func loadedContacts(
        of index: SubscriberIndex,
        _ filter: ContactFilter,
        _ local: @Sendable (Instant) -> LocalTime
    ) async throws -> [CustomerContact] {
        let quoted = { warehouse.dialect.quoted(literal: $0) }
        let conditions = [
            filter.kind.map { "AND kind = \(quoted($0))" },
            filter.from.map { "AND day >= DATE '\($0.iso)'" }, filter.to.map { "AND day <= DATE '\($0.iso)'" },
        ].compactMap { $0 }.joined(separator: " ")
        let at = warehouse.dialect.quoted(identifier: "at")
        let found = try await facts("contact", of: index, "\(conditions) ORDER BY \(at) DESC LIMIT 10000")
        return found.rows.compactMap { row in
            guard case .timestamp(let microseconds) = found.value("at", row) else { return nil }
            func text(_ column: String) -> String {
                let value = found.value(column, row)
                return value.text ?? value.integer.map { "\($0)" } ?? ""
            }
            return CustomerContact(
                at: local(Instant(epochMs: microseconds / 1_000)),
                channel: text("channel"),
                kind: text("kind"),
                outcome: text("outcome"),
                category: text("category"),
                campaign: text("campaign"),
                business: text("business"),
                handling: text("handling"),
                means: text("means"),
                department: text("department"),
                details: text("details"),
                isOwn: false
            )
        }
    }

    /// Complaints on record that no contact of their day tells of; each contact tells of one (CON-01, CON-05).
    private func complaintContacts(
        of index: SubscriberIndex,
        besides contacts: [CustomerContact],
        _ local: @Sendable (Instant) -> LocalTime
    ) async throws -> [CustomerContact] {
        var told = Dictionary(grouping: contacts.filter { $0.kind == "complaint" }, by: \.at.day).mapValues(\.count)
        let found = try await complaints(of: index)
        return found.rows.compactMap { row in
            guard let day = found.value("day", row).day else { return nil }
            if let left = told[day], left > 0 {
                told[day] = left - 1
                return nil
            }
            func text(_ column: String) -> String { found.value(column, row).text ?? "" }
            let offset = local(Instant(epochMs: Int64(day.number) * 86_400_000)).offsetSeconds
            let start = Instant(epochMs: (Int64(day.number) * 86_400 - Int64(offset)) * 1_000)
            let isResolved: String =
                switch found.value("resolved", row) {
                case .flag(let flag): flag ? "resolved" : "open"
                default: ""
                }
            return CustomerContact(
                at: local(start),
                channel: text("channel"),
                kind: "complaint",
                outcome: isResolved,
                category: "",
                campaign: "",
                business: text("topic"),
                details: [text("content"), text("resolution")].filter { !$0.isEmpty }.joined(separator: " · "),
                isOwn: false
            )
        }
    }

    /// Contacts that Gyre's waves and requests made.
    private func ownContacts(of index: SubscriberIndex) async throws -> [CustomerContact] {
        let explainer = explainer
        // Reading the log takes milliseconds of disk: not on the threads that answer requests.
        let found = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try explainer.explainAll(index) }) }
        }
        let specs = try await host.read { $0.campaigns.mapValues(\.spec) }
        return found.compactMap { explanation in
            let marks = explanation.aftermath.map(\.key)
            guard explanation.outcome == .contact, !marks.contains("released"), !marks.contains("dropped") else {
                return nil
            }
            let spec = specs[explanation.campaign]
            let channel = explanation.request?.touchpoint.channel ?? spec?.channel ?? .sms
            return CustomerContact(
                at: explanation.at,
                channel: channel.code,
                kind: "marketing",
                outcome: Self.outcome(marks),
                category: spec?.category ?? "",
                campaign: spec?.name ?? "\(explanation.campaign.number)",
                isOwn: true
            )
        }
    }

    /// How a contact of Gyre ended, in the words of loaded ones.
    private static func outcome(_ marks: [String]) -> String {
        let answers = marks.filter { $0.hasPrefix("answer_") }.map { String($0.dropFirst("answer_".count)) }
        if let answer = answers.last { return answer }
        let told = ["ordered", "unsubscribed", "replied", "delivered", "failed", "refused", "accepted", "unknown"]
        if let mark = told.first(where: marks.contains) {
            return mark == "failed" || mark == "refused" ? "undelivered" : mark == "accepted" ? "sent" : mark
        }
        return marks.contains("handed_off") ? "sent" : "planned"
    }
}
