// Writes the contact policy as the YAML that is read back.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model

extension PolicyFile {
    /// The policy as a file; parts that say no more than their defaults are left out.
    ///
    /// Read back, it gives an equal policy, but for the order of `holidays`, which are sorted.
    public static func text(_ policy: ContactPolicy) -> String {
        let defaults = ContactPolicy(revision: policy.revision, tiers: [], dnd: [])
        var out = "tiers:\(policy.tiers.isEmpty ? " []" : "")\n"
        for tier in policy.tiers {
            out += """
                  - code: \(quoted(tier.code))
                \(names(tier.name))    rule: \(quoted(tier.rule))
                    caps: \(flow(byChannel(tier.caps, cap)))
                    overall: \(cap(tier.overall))

                """
        }
        out += "dnd:\(policy.dnd.isEmpty ? " []" : "")\n"
        for dnd in policy.dnd {
            var entries = [
                ("number", "\(dnd.number)"), ("zh", quoted(dnd.name.zh)), ("en", quoted(dnd.name.en)),
            ]
            if dnd.isByChannel { entries.append(("by_channel", "true")) }
            entries.append(("untick", "\(dnd.mayBeUnticked)"))
            if let roles = dnd.untickedBy { entries.append(("unticked_by", list(roles.map(quoted)))) }
            out += "  - \(flow(entries))\n"
        }
        out += line("interval_days", flow(byChannel(policy.intervalDays) { "\($0)" }))
        out += line("similar_days", flow(sorted(policy.similarDays) { "\($0)" }))
        out += line("similar_to", flow(sorted(policy.similarTo) { list($0.map(quoted)) }))
        out += line("product_days", flow(sorted(policy.productDays) { "\($0)" }))
        out += rules(policy)
        out += line("holidays", list(policy.holidays.sorted().map(\.iso)), unless: "[]")
        if policy.holdout != defaults.holdout {
            let percent = Scaled(unscaled: Int64(policy.holdout.ppm), scale: 4).description
            out += line("holdout", flow([("percent", percent), ("epoch", quoted(policy.holdout.epoch))]))
        }
        out += "reservation_hours: \(policy.reservationHours)\n"
        if policy.ranking != defaults.ranking { out += line("ranking", list(policy.ranking.map(\.rawValue))) }
        if policy.offers != defaults.offers {
            let limits = policy.offers
            out += line(
                "offers",
                flow([
                    ("most", "\(limits.offers)"), ("minutes_to_show", "\(limits.minutesToShow)"),
                    ("minutes_kept", "\(limits.minutesKept)"),
                ])
            )
        }
        return policy.linkage == defaults.linkage ? out : out + linkage(policy.linkage)
    }

    private static func rules(_ policy: ContactPolicy) -> String {
        var out = policy.categoryRules.isEmpty ? "" : "category_rules:\n"
        for rule in policy.categoryRules {
            out += "  - code: \(quoted(rule.code))\n\(names(rule.name))"
            if !rule.categories.isEmpty { out += "    categories: \(list(rule.categories.map(quoted)))\n" }
            out += "    rule: \(quoted(rule.rule))\n"
        }
        out += line("quiet_hours", flow(byChannel(policy.quietHours, hours)))
        if !policy.quietAreas.isEmpty { out += "quiet_areas:\n" }
        for area in policy.quietAreas {
            out += """
                  - code: \(quoted(area.code))
                \(names(area.name))    rule: \(quoted(area.rule))
                    quiet_hours: \(flow(byChannel(area.quietHours, hours)))

                """
        }
        return out
    }

    private static func linkage(_ linkage: Linkage) -> String {
        var out = "linkage:\(linkage.types.isEmpty ? " []" : "")\n"
        for type in linkage.types {
            out += "  - code: \(quoted(type.code))\n\(names(type.name))"
            if !type.categories.isEmpty { out += "    categories: \(list(type.categories.map(quoted)))\n" }
            if !type.historyAt.isEmpty { out += "    history_at: \(list(type.historyAt.map(\.code)))\n" }
            if !type.cells.isEmpty { out += "    cells:\n" }
            for cell in type.cells {
                let cancels = cell.cancels == ChannelClass.allCases ? "all" : list(cell.cancels.map(\.code))
                let entries = [("contacted", cell.contacted.code), ("result", cell.result.code), ("cancels", cancels)]
                out += "      - \(flow(entries))\n"
            }
        }
        return out
    }

    // MARK: Pieces

    private static func names(_ name: BilingualText) -> String {
        "    zh: \(quoted(name.zh))\n    en: \(quoted(name.en))\n"
    }

    private static func line(_ key: String, _ value: String, unless empty: String = "{}") -> String {
        value == empty ? "" : "\(key): \(value)\n"
    }

    private static func list(_ items: [String]) -> String { "[" + items.joined(separator: ", ") + "]" }

    private static func flow(_ entries: [(String, String)]) -> String {
        entries.isEmpty ? "{}" : "{ " + entries.map { "\($0): \($1)" }.joined(separator: ", ") + " }"
    }

    private static func byChannel<T>(_ values: [ChannelClass: T], _ text: (T) -> String) -> [(String, String)] {
        ChannelClass.allCases.compactMap { channel in values[channel].map { (channel.code, text($0)) } }
    }

    private static func sorted<T>(_ values: [String: T], _ text: (T) -> String) -> [(String, String)] {
        values.sorted { $0.key < $1.key }.map { (quoted($0.key), text($0.value)) }
    }

    private static func cap(_ cap: Cap) -> String {
        "\(cap.count) per " + (cap.months == 1 ? "month" : "\(cap.months) months")
    }

    private static func hours(_ hours: QuietHours) -> String {
        func clock(_ minute: Int) -> String {
            (minute / 60 < 10 ? "0" : "") + "\(minute / 60):" + (minute % 60 < 10 ? "0" : "") + "\(minute % 60)"
        }
        return "\"\(clock(hours.from))-\(clock(hours.to))\""
    }

    /// A text as a scalar: plain where every YAML reader takes it for this text, else in double quotes.
    private static func quoted(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy {
            (0x61...0x7A).contains($0.value) || (0x41...0x5A).contains($0.value) || (0x30...0x39).contains($0.value)
                || $0 == "_" || (0x4E00...0x9FFF).contains($0.value)
        }
        let isWord = text.unicodeScalars.first.map { !(0x30...0x39).contains($0.value) } ?? false
        let reserved = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        if isPlain, isWord, !reserved.contains(text.lowercased()) { return text }
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            case "\r": out += "\\r"
            default:
                let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                let isOdd = [0x2028, 0x2029, 0xFEFF].contains(scalar.value)
                if isControl || isOdd {
                    let hex = String(scalar.value, radix: 16)
                    out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }
}
