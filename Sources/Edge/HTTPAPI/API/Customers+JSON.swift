// Customers, their contacts and loads as the API gives them.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
public import Planning
import Ports
public import Texts

/// A customer's view with the contacts, for the command line: as JSON in the form of the API, or as lines of text.
public struct CustomerReport {
    private let view: CustomerView
    private let contacts: [CustomerContact]
    private let isShown: Bool
    private let language: Language

    /// Joins a view and contacts; masked values are `isShown` in full or not at all.
    public init(_ view: CustomerView, _ contacts: [CustomerContact], isShown: Bool, _ language: Language) {
        self.view = view
        self.contacts = contacts
        self.isShown = isShown
        self.language = language
    }

    /// `customer` as the API gives it, and `contacts`, newest first.
    public var json: some Encodable {
        [
            "customer": JSONObject(view, isShown: isShown, language), "contacts": contacts.map { JSONObject($0) },
        ] as JSONObject
    }

    /// What people read.
    public var lines: [String] {
        let who = view.identity
        var lines = [(isShown ? who.msisdn?.national : who.msisdn?.masked) ?? "--"]
        for group in view.profile {
            lines.append("\(language(group.group.name))")
            for (attribute, value) in group.values {
                guard let text = value.plain else { continue }
                let label = attribute.domain.first { $0.value == text }.map { language($0.label) } ?? text
                lines.append(
                    "  \(language(attribute.name)): \(attribute.sensitivity == .masked && !isShown ? "***" : label)"
                )
            }
        }
        lines.append(language("名单：", "Lists: ") + view.lists.map(\.list.code).joined(separator: ", "))
        lines.append(language("客户群：", "Segments: ") + view.segments.map(\.name).joined(separator: ", "))
        lines.append(language("订购：", "Subscriptions: ") + "\(view.subscriptions.rows.count)")
        lines.append(language("接触：", "Contacts: ") + "\(contacts.count)")
        lines += contacts.prefix(20).map {
            "  \($0.at.isoLocal)  \($0.channel)  \($0.kind)  \($0.outcome)  \($0.campaign)"
        }
        return lines
    }
}

extension JSONObject {
    /// Lines that fit a question, their numbers masked.
    public init(_ found: CustomerCandidates) {
        self = ["lines": found.lines.map { JSONObject($0) }, "hasMore": found.hasMore]
    }

    init(_ line: CustomerCandidate) {
        self = [
            "subscriber": line.index.number, "number": line.masked, "province": line.province, "city": line.city,
        ]
    }

    init(_ view: CustomerView, isShown: Bool, _ language: Language) {
        let (who, masked) = (view.identity, "***")
        self = [
            "subscriber": who.index.number,
            "line": who.line.map { "\($0)" },
            "customer": who.customer.map { "\($0)" },
            "account": who.account.map { "\($0)" },
            "number": who.msisdn.map { isShown ? $0.national : $0.masked } ?? "",
            "imsi": isShown ? who.imsi.map { "\($0)" } : nil,
            "name": isShown ? who.name : nil,
            "isShown": isShown,
            "otherLines": view.others.lines.map { JSONObject($0) },
            "profile": view.profile.map { group -> JSONObject in
                [
                    "group": group.group.code, "name": language(group.group.name),
                    "attributes": group.values.map { attribute, value -> JSONObject in
                        let isHidden = !isShown && attribute.sensitivity == .masked && value != .null
                        return [
                            "code": attribute.code, "name": language(attribute.name), "unit": attribute.unit,
                            "isMasked": isHidden, "value": isHidden ? masked : value.plain,
                        ]
                    },
                ]
            },
            "months": Self.rows(view.months),
            "subscriptions": Self.rows(view.subscriptions),
            "complaints": Self.rows(view.complaints),
            "visits": Self.rows(view.visits),
            "elsewhere": Self.rows(view.elsewhere),
            "interests": Self.rows(view.interests),
            "lists": view.lists.map { JSONObject($0) },
            "segments": view.segments.map { segment -> JSONObject in ["id": segment.id, "name": segment.name] },
            "numbers": view.numbers.filter { isShown || $0.kind == "msisdn" }.map { number -> JSONObject in
                let text = number.kind == "msisdn" ? MSISDN(number.number).national : "\(number.number)"
                return [
                    "kind": number.kind, "number": isShown ? text : MSISDN(number.number).masked,
                    "from": number.from.iso, "to": number.to?.iso,
                ]
            },
        ]
    }

    /// Rows of facts, a field for each column that has a value; what names the line is left out.
    private static func rows(_ facts: FactRows) -> [[String: String]] {
        facts.rows.map { row in
            var object: [String: String] = [:]
            for (field, value) in zip(facts.fields, row) where !["idx", "line_id"].contains(field.name) {
                object[field.name] = value.plain
            }
            return object
        }
    }

    init(_ contact: CustomerContact) {
        self = [
            "at": contact.at.isoOffset, "channel": contact.channel, "kind": contact.kind, "outcome": contact.outcome,
            "category": contact.category, "campaign": contact.campaign, "business": contact.business,
            "handling": contact.handling, "means": contact.means, "department": contact.department,
            "details": contact.details, "isOwn": contact.isOwn,
        ]
    }
}

extension WarehouseValue {
    /// The value as text, exact; nil for NULL.
    fileprivate var plain: String? {
        switch self {
        case .null: nil
        case .flag(let flag): flag ? "true" : "false"
        case .integer(let number): "\(number)"
        case .decimal(let decimal): decimal.description
        case .day(let day): day.iso
        case .timestamp(let microseconds): Instant(epochMs: microseconds / 1_000).iso
        case .text(let text): text
        }
    }
}
