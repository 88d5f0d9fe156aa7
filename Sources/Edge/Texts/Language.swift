// The two languages of screens, reports and the command line, and how each writes numbers.
// SPDX-License-Identifier: Apache-2.0

public import Model

/// A language of screens and reports.
public enum Language: String, Sendable, CaseIterable, Codable {
    /// Simplified Chinese.
    case zh
    /// English.
    case en

    /// The BCP 47 tag for HTML and HTTP.
    public var tag: String { self == .zh ? "zh-CN" : "en" }

    /// The language of a POSIX locale or BCP 47 tag: `zh…` is Chinese, anything else English.
    public init(tag: String) {
        self = tag.lowercased().hasPrefix("zh") ? .zh : .en
    }

    /// The language of the command line: `--lang`, else `GYRE_LANG`, else `LC_ALL`, else `LANG`.
    public static func ofTerminal(option: String?, environment: [String: String]) -> Language {
        let tags = [option, environment["GYRE_LANG"], environment["LC_ALL"], environment["LANG"]]
        return Language(tag: tags.compactMap { $0 }.first { !$0.isEmpty } ?? "en")
    }

    /// The text in this language.
    public func callAsFunction(_ text: BilingualText) -> String {
        self == .zh ? text.zh : text.en
    }

    /// One of two texts.
    public func callAsFunction(_ zh: String, _ en: String) -> String {
        self == .zh ? zh : en
    }

    /// Digits in groups of three: `1,234,567`.
    public func number(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var groups: [Substring] = []
        var rest = digits[...]
        while rest.count > 3 {
            groups.append(rest.suffix(3))
            rest = rest.dropLast(3)
        }
        groups.append(rest)
        return (value < 0 ? "−" : "") + groups.reversed().joined(separator: ",")
    }

    /// An amount of minor units: `¥1,234.50`.
    public func money(minor: Int64) -> String {
        let cents = Int(minor.magnitude % 100)
        return (minor < 0 ? "−" : "") + "¥" + number(Int(minor.magnitude / 100)) + "." + (cents < 10 ? "0" : "")
            + "\(cents)"
    }

    /// A share as a percentage with the given number of decimals: `12.32%`.
    public func percent(_ share: Double, decimals: Int = 1) -> String {
        fixed(share * 100, decimals: decimals) + "%"
    }

    /// A number with a fixed count of decimals, rounded half away from zero.
    public func fixed(_ value: Double, decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((abs(value) * scale).rounded())
        let whole = number(scaled / Int(scale))
        let sign = value < 0 && scaled != 0 ? "−" : ""
        guard decimals > 0 else { return sign + whole }
        let rest = String(scaled % Int(scale))
        return sign + whole + "." + String(repeating: "0", count: decimals - rest.count) + rest
    }
}
