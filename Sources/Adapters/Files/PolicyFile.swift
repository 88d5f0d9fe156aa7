// Reads the contact policy from YAML, naming every problem by file, line and key.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model

/// The contact policy as a file; `docs/formats.md` describes it.
public enum PolicyFile {
    private static let keys = [
        "tiers", "dnd", "interval_days", "similar_days", "quiet_hours", "holidays", "holdout", "reservation_hours",
    ]

    /// Reads a policy file.
    ///
    /// `revision`: The number the revision gets.
    /// `checkRule`: Says what is wrong with a tier's rule; nil when nothing is.
    /// **Throws**: ``DocumentError`` with all problems found.
    public static func read(
        path: String,
        revision: Int,
        checkRule: (String) -> String?
    ) throws -> ContactPolicy {
        try parse(
            YAMLDocument.contents(.policy, path: path),
            file: path,
            revision: revision,
            checkRule: checkRule
        )
    }

    /// Reads the text of a policy file; see ``read(path:revision:checkRule:)``.
    public static func parse(
        _ text: String,
        file: String,
        revision: Int,
        checkRule: (String) -> String?
    ) throws -> ContactPolicy {
        try YAMLDocument.read(.policy, file: file, text: text) { root in
            guard let map = root.map(keys: keys) else { return nil }
            var policy = ContactPolicy(revision: revision, tiers: [], dnd: [])
            policy.tiers = map.needed("tiers")?.list()?.compactMap { tier($0, checkRule: checkRule) } ?? []
            policy.dnd = map.needed("dnd")?.list()?.compactMap(dnd) ?? []
            policy.intervalDays = byChannel(map["interval_days"]) { number($0, 1...180) }
            policy.quietHours = byChannel(map["quiet_hours"], quietHours)
            for pair in map["similar_days"]?.pairs() ?? [] {
                policy.similarDays[pair.name] = number(pair.value, 1...180)
            }
            policy.holidays = (map["holidays"]?.list() ?? []).compactMap(day).sorted()
            if let holdout = map["holdout"]?.map(keys: ["percent", "epoch"]) { policy.holdout = self.holdout(holdout) }
            if let hours = map["reservation_hours"] { policy.reservationHours = number(hours, 1...720) ?? 72 }
            checkUnique(policy.tiers.map(\.code), at: map["tiers"], what: "tier")
            checkUnique(policy.dnd.map { String($0.number) }, at: map["dnd"], what: "class")
            return policy
        }
    }

    private static func checkUnique(_ names: [String], at place: YAMLValue?, what: String) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted { place?.problem("\(what) '\(name)' occurs twice") }
    }

    private static func tier(_ place: YAMLValue, checkRule: (String) -> String?) -> PolicyTier? {
        guard let map = place.map(keys: ["code", "zh", "en", "rule", "caps", "overall"]),
            let code = map.needed("code")?.someText(), let zh = map.needed("zh")?.someText(),
            let en = map.needed("en")?.someText(), let rulePlace = map.needed("rule"),
            let rule = rulePlace.someText(), let overallPlace = map.needed("overall"),
            let overall = cap(overallPlace)
        else { return nil }
        if let problem = checkRule(rule) { rulePlace.problem(problem) }
        let caps = byChannel(map.needed("caps"), cap)
        for channel in ChannelClass.allCases where caps[channel] == nil {
            map["caps"]?.problem("the cap of \(channel.code) is missing")
        }
        return PolicyTier(code: code, name: BilingualText(zh: zh, en: en), rule: rule, caps: caps, overall: overall)
    }

    /// `3 per month` or `1 per 3 months`.
    private static func cap(_ place: YAMLValue) -> Cap? {
        guard let text = place.someText() else { return nil }
        let words = text.split(separator: " ")
        let months =
            words.count == 3 && words[2] == "month" ? 1 : words.count == 4 && words[3] == "months" ? Int(words[2]) : nil
        guard let months, (1...3).contains(months), words[1] == "per", let count = Int(words[0]),
            (0...200).contains(count)
        else {
            place.problem("is '\(text)'; write for example '3 per month' or '1 per 3 months' (at most 200, 3 months)")
            return nil
        }
        return Cap(count: count, months: months)
    }

    private static func dnd(_ place: YAMLValue) -> DNDClass? {
        guard let map = place.map(keys: ["number", "zh", "en", "by_channel", "untick"]),
            let number = map.needed("number").flatMap({ number($0, 1...15) }),
            let zh = map.needed("zh")?.someText(), let en = map.needed("en")?.someText()
        else { return nil }
        let untick = map["untick"]?.flag() ?? false
        if untick, [2, 14, 15].contains(number) {
            map["untick"]?.problem("class \(number) is never included again (LST-17); write false")
        }
        return DNDClass(
            number: number,
            name: BilingualText(zh: zh, en: en),
            isByChannel: map["by_channel"]?.flag() ?? false,
            mayBeUnticked: untick
        )
    }

    private static func byChannel<T>(_ place: YAMLValue?, _ read: (YAMLValue) -> T?) -> [ChannelClass: T] {
        guard let map = place?.map(keys: ChannelClass.allCases.map(\.code)) else { return [:] }
        var result: [ChannelClass: T] = [:]
        for channel in ChannelClass.allCases { result[channel] = map[channel.code].flatMap(read) }
        return result
    }

    private static func number(_ place: YAMLValue, _ range: ClosedRange<Int>) -> Int? {
        guard let text = place.someText() else { return nil }
        guard let number = Int(text), range.contains(number) else {
            place.problem("is '\(text)'; write a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    /// Reads quiet hours such as `21:00-09:00`.
    private static func quietHours(_ place: YAMLValue) -> QuietHours? {
        guard let text = place.someText() else { return nil }
        let times = text.split(separator: "-").map { time -> Int? in
            let parts = time.split(separator: ":").map { Int($0) }
            guard parts.count == 2, let hour = parts[0], let minute = parts[1], (0...23).contains(hour),
                (0...59).contains(minute)
            else { return nil }
            return hour * 60 + minute
        }
        guard times.count == 2, let from = times[0], let to = times[1], from != to else {
            place.problem("is '\(text)'; write for example '21:00-09:00'")
            return nil
        }
        return QuietHours(from: from, to: to)
    }

    private static func day(_ place: YAMLValue) -> LocalDay? {
        guard let text = place.someText() else { return nil }
        guard let day = LocalDay(iso: text) else {
            place.problem("is '\(text)'; write a day as 2026-10-01")
            return nil
        }
        return day
    }

    private static func holdout(_ map: YAMLMap) -> Holdout {
        guard let place = map.needed("percent"), let text = place.someText(),
            let epoch = map.needed("epoch")?.someText()
        else { return Holdout(ppm: 0, epoch: "none") }
        guard let percent = Scaled(parsing: text)?.rescaled(to: 4), (0...500_000).contains(percent.unscaled) else {
            place.problem("is '\(text)'; write a percentage from 0 to 50 with at most four decimals")
            return Holdout(ppm: 0, epoch: epoch)
        }
        return Holdout(ppm: Int(percent.unscaled), epoch: epoch)
    }
}
