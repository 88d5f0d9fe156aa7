// Values and columns of the warehouse as people read them; masked where they are sensitive (SEC-04).
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Ports
import Texts

/// Hides what is personal; the first and last signs help to tell one from another.
enum Mask {
    static func name(_ name: String) -> String {
        name.first.map { "\($0)" + String(repeating: "*", count: max(1, min(3, name.count - 1))) } ?? ""
    }

    static func imsi(_ imsi: Int64) -> String {
        let text = "\(imsi)"
        return text.count < 9 ? "****" : text.prefix(5) + "****" + text.suffix(2)
    }

    static let value = "***"
}

extension Frame {
    /// A value without its meaning.
    func value(_ value: WarehouseValue) -> String {
        switch value {
        case .null: "--"
        case .flag(let flag): t(flag ? .yes : .no)
        case .integer(let number): self.number(number)
        case .decimal(let decimal): decimal.description
        case .day(let day): day.iso
        case .timestamp(let microseconds): time(Instant(epochMs: microseconds / 1_000))
        case .text(let text): text.isEmpty ? "--" : text
        }
    }

    /// The value of an attribute: labels for codes, units for numbers.
    func value(_ value: WarehouseValue, of attribute: Attribute) -> String {
        if case .text(let text) = value, let known = attribute.domain.first(where: { $0.value == text }) {
            return language(known.label)
        }
        let text = self.value(value)
        guard value != .null, let unit = attribute.unit else { return text }
        return "\(text) \(self.unit(unit))"
    }

    /// A unit of the catalogue, which writes them in English.
    func unit(_ unit: String) -> String {
        let known = [
            "CNY": "元", "years": "岁", "months": "个月", "days": "天", "min": "分钟", "messages": "条", "times": "次",
        ]
        return language(known[unit] ?? unit, unit)
    }

    /// A month as a place of charts and tables.
    func month(_ value: WarehouseValue) -> String { value.day.map { String($0.iso.prefix(7)) } ?? "--" }

    /// The heading of a column of facts, and the unit of its numbers.
    func factColumn(_ name: String) -> (title: String, unit: String?) {
        let units: [String: ConsoleText] = [
            "voice_minutes": .unitMinutes, "data_mb": .unitMB, "roaming_mb": .unitMB, "sms_count": .unitMessages,
            "active_days": .unitDays,
        ]
        let names: [String: ConsoleText] = [
            "month": .month, "fee_total": .feeTotal, "fee_rent": .feeRent, "fee_voice": .feeVoice, "fee_data": .feeData,
            "fee_sms": .feeSMS, "fee_value_added": .feeValueAdded, "fee_roaming": .feeRoaming, "discount": .discount,
            "voice_minutes": .voiceMinutes, "data_mb": .dataVolume, "roaming_mb": .roamingVolume,
            "sms_count": .messages,
            "active_days": .activeDays, "product": .heldProduct, "from_day": .fromDay, "to_day": .toDay, "day": .time,
            "topic": .topic, "resolved": .resolved, "escalated": .escalated, "channel": .channel, "content": .content,
            "resolution": .resolution, "call_seconds": .callSeconds, "demand": .demandDegree,
            "rejection": .rejectionDegree, "step": .step, "seconds": .visitSeconds, "business": .businessType,
            "source": .behaviourSource, "kind": .contactKind, "value": .value, "at": .time,
        ]
        return (names[name].map { t($0) } ?? name, units[name].map { t($0) })
    }

    /// Columns of a table of facts, those about the line itself left out.
    func factColumns(_ facts: FactRows) -> [Column<[WarehouseValue]>] {
        // A moment tells its day.
        let hidden = ["idx", "line_id"] + (facts.place("at") == nil ? [] : ["day"])
        return facts.fields.enumerated().filter { !hidden.contains($0.element.name) }.map { place, field in
            let (title, unit) = factColumn(field.name)
            let isNumber =
                switch field.type {
                case .integer, .decimal: true
                default: false
                }
            let isMoney = field.name.hasPrefix("fee_") || field.name == "discount"
            let suffix = (unit ?? (isMoney ? t(.unitYuan) : nil)).map { language("（\($0)）", " (\($0))") } ?? ""
            return Column(
                title + suffix,
                key: field.name,
                isNumber: isNumber,
                rank: isNumber ? { Self.rank($0[place]) } : nil,
                plain: { row in
                    if field.name == "month" { return month(row[place]) }
                    if field.name == "channel", let code = row[place].text { return touchChannel(code) }
                    return value(row[place])
                }
            )
        }
    }

    private static func rank(_ value: WarehouseValue) -> Int64 {
        switch value {
        case .integer(let number): number
        case .decimal(let decimal): decimal.unscaled
        default: .min
        }
    }

    /// A channel of loaded contacts, which may be none of Gyre's.
    func touchChannel(_ code: String) -> String {
        let others: [String: ConsoleText] = ["web": .channelWeb, "ivr": .channelVoiceMenu, "hotline": .channelHotline]
        return ChannelClass(code: code).map { language($0.name) } ?? others[code].map { t($0) }
            ?? (code.isEmpty ? "--" : code)
    }

    /// Values that a column of behaviour often has, in the words of people; none where anything may stand.
    func knownValues(of column: String, in source: String, products: Set<String>) -> [BuilderCatalogue.Choice] {
        let values: [(String, String)] =
            switch (source, column) {
            case (_, "channel"):
                (ChannelClass.allCases.map(\.code) + ["web", "ivr", "hotline"]).map { ($0, touchChannel($0)) }
            case ("contact", "kind"): ContactChoice.kinds.map { ($0, touchKind($0)) }
            case ("contact", "outcome"):
                [
                    "delivered", "undelivered", "accepted", "considering", "refused", "no_answer", "done", "viewed",
                    "clicked",
                ]
                .map { ($0, touchOutcome($0)) }
            case (_, "product"): products.sorted().map { ($0, "") }
            default: []
            }
        return values.map { BuilderCatalogue.Choice(value: $0.0, label: $0.1) }
    }
}
