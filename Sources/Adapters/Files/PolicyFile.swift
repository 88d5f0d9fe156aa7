// Reads the contact policy from YAML, naming every problem by file, line and key.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model
import Yams

/// The contact policy as a file; `docs/formats.md` describes it.
public enum PolicyFile {
    static let keys = [
        "tiers", "dnd", "interval_days", "similar_days", "similar_to", "product_days", "category_rules", "quiet_hours",
        "quiet_areas", "holidays", "holdout", "reservation_hours", "ranking", "offers", "linkage",
    ]

    /// Reads a policy file.
    ///
    /// `revision`: The number the revision gets.
    /// `checkRule`: Says what is wrong with a condition; nil when nothing is.
    /// **Throws**: ``DocumentError`` with all problems found.
    public static func read(
        path: String,
        revision: Int,
        checkRule: (String) -> RuleRemark?
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
        checkRule: (String) -> RuleRemark?
    ) throws -> ContactPolicy {
        try YAMLDocument.read(.policy, file: file, text: text) { root in
            guard let map = root.map(keys: keys) else { return nil }
            let policy = policy(map, revision: revision)
            // Values are checked as in the console; a place whose text could not be read was named already.
            let unread = root.notes.problems.map(\.key)
            for problem in policy.problems(checkRule: checkRule) {
                let (place, isWritten) = root.place(of: problem.path)
                let isNamed = unread.contains {
                    $0 == place.key
                        || (isWritten && ($0.hasPrefix(place.key + ".") || $0.hasPrefix(place.key + "[")))
                }
                if !isNamed { place.problem(problem.remark.message.en) }
            }
            return policy
        }
    }

    /// What the map says; entries that cannot be read stay empty, so that the others keep their places.
    private static func policy(_ map: YAMLMap, revision: Int) -> ContactPolicy {
        var policy = ContactPolicy(revision: revision, tiers: [], dnd: [])
        policy.tiers = map.needed("tiers")?.list()?.map(tier) ?? []
        policy.dnd = map.needed("dnd")?.list()?.map(dnd) ?? []
        policy.intervalDays = byChannel(map["interval_days"], number)
        policy.similarDays = named(map["similar_days"], number)
        policy.similarTo = named(map["similar_to"], texts)
        policy.productDays = named(map["product_days"], number)
        policy.categoryRules = map["category_rules"]?.list()?.map(categoryRule) ?? []
        policy.quietHours = byChannel(map["quiet_hours"], quietHours)
        policy.quietAreas = map["quiet_areas"]?.list()?.map(quietArea) ?? []
        policy.holidays = (map["holidays"]?.list() ?? []).compactMap(day).sorted()
        if let holdout = map["holdout"]?.map(keys: ["percent", "epoch"]) { policy.holdout = self.holdout(holdout) }
        if let hours = map["reservation_hours"].flatMap(number) { policy.reservationHours = hours }
        if let keys = map["ranking"]?.list() { policy.ranking = keys.compactMap(rankingKey) }
        if let limits = map["offers"]?.map(keys: ["most", "minutes_to_show", "minutes_kept"]) {
            if let most = limits["most"].flatMap(number) { policy.offers.offers = most }
            if let minutes = limits["minutes_to_show"].flatMap(number) { policy.offers.minutesToShow = minutes }
            if let minutes = limits["minutes_kept"].flatMap(number) { policy.offers.minutesKept = minutes }
        }
        if let types = map["linkage"]?.list() { policy.linkage = Linkage(types: types.map(linkageType)) }
        return policy
    }

    // MARK: Entries of lists

    private static func text(_ map: YAMLMap?, _ key: String) -> String { map?.needed(key)?.someText() ?? "" }

    private static func name(_ map: YAMLMap?) -> BilingualText {
        BilingualText(zh: text(map, "zh"), en: text(map, "en"))
    }

    private static func tier(_ place: YAMLValue) -> PolicyTier {
        let map = place.map(keys: ["code", "zh", "en", "rule", "caps", "overall"])
        return PolicyTier(
            code: text(map, "code"),
            name: name(map),
            rule: text(map, "rule"),
            caps: byChannel(map?.needed("caps"), cap),
            overall: map?.needed("overall").flatMap(cap) ?? Cap(count: 0, months: 1)
        )
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

    private static func dnd(_ place: YAMLValue) -> DNDClass {
        let map = place.map(keys: ["number", "zh", "en", "by_channel", "untick", "unticked_by"])
        return DNDClass(
            number: map?.needed("number").flatMap(number) ?? 0,
            name: name(map),
            isByChannel: map?["by_channel"]?.flag() ?? false,
            mayBeUnticked: map?["untick"]?.flag() ?? false,
            untickedBy: map?["unticked_by"].flatMap(texts)
        )
    }

    private static func categoryRule(_ place: YAMLValue) -> CategoryRule {
        let map = place.map(keys: ["code", "zh", "en", "categories", "rule"])
        return CategoryRule(
            code: text(map, "code"),
            name: name(map),
            categories: map?["categories"].flatMap(texts) ?? [],
            rule: text(map, "rule")
        )
    }

    private static func quietArea(_ place: YAMLValue) -> QuietArea {
        let map = place.map(keys: ["code", "zh", "en", "rule", "quiet_hours"])
        return QuietArea(
            code: text(map, "code"),
            name: name(map),
            rule: text(map, "rule"),
            quietHours: byChannel(map?.needed("quiet_hours"), quietHours)
        )
    }

    private static func linkageType(_ place: YAMLValue) -> LinkageType {
        let map = place.map(keys: ["code", "zh", "en", "categories", "history_at", "cells"])
        let touchpoints = Touchpoint.allCases.map(\.code)
        return LinkageType(
            code: text(map, "code"),
            name: name(map),
            categories: map?["categories"].flatMap(texts) ?? [],
            historyAt: (map?["history_at"]?.list() ?? []).compactMap {
                $0.word(of: touchpoints).flatMap { Touchpoint(code: $0) }
            },
            cells: (map?["cells"]?.list() ?? []).map(cell)
        )
    }

    private static func cell(_ place: YAMLValue) -> LinkageCell {
        let map = place.map(keys: ["contacted", "result", "cancels"])
        let channels = ChannelClass.allCases.map(\.code)
        let contacted = map?.needed("contacted")?.word(of: channels).flatMap { ChannelClass(code: $0) }
        let result = map?.needed("result")?.word(of: ContactResult.allCases.map(\.code))
            .flatMap { ContactResult(code: $0) }
        var cancels: [ChannelClass] = []
        if let place = map?.needed("cancels") {
            if place.isScalar {
                if place.word(of: ["all"]) != nil { cancels = ChannelClass.allCases }
            } else {
                cancels = (place.list() ?? []).compactMap {
                    $0.word(of: channels).flatMap { ChannelClass(code: $0) }
                }
            }
        }
        return LinkageCell(contacted ?? .sms, result ?? .failed, cancels: cancels)
    }

    // MARK: Values

    private static func byChannel<T>(_ place: YAMLValue?, _ read: (YAMLValue) -> T?) -> [ChannelClass: T] {
        guard let map = place?.map(keys: ChannelClass.allCases.map(\.code)) else { return [:] }
        var result: [ChannelClass: T] = [:]
        for channel in ChannelClass.allCases { result[channel] = map[channel.code].flatMap(read) }
        return result
    }

    private static func named<T>(_ place: YAMLValue?, _ read: (YAMLValue) -> T?) -> [String: T] {
        var result: [String: T] = [:]
        for pair in place?.pairs() ?? [] { result[pair.name] = read(pair.value) }
        return result
    }

    private static func texts(_ place: YAMLValue) -> [String]? { place.list()?.compactMap { $0.someText() } }

    private static func number(_ place: YAMLValue) -> Int? {
        guard let text = place.someText() else { return nil }
        guard let number = Int(text) else {
            place.problem("is '\(text)'; write a whole number")
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

    private static func rankingKey(_ place: YAMLValue) -> RankingKey? {
        place.word(of: RankingKey.allCases.map(\.rawValue)).flatMap { RankingKey(rawValue: $0) }
    }

    private static func holdout(_ map: YAMLMap) -> Holdout {
        let epoch = text(map, "epoch")
        guard let place = map.needed("percent"), let text = place.someText() else {
            return Holdout(ppm: 0, epoch: epoch)
        }
        guard let percent = Scaled(parsing: text)?.rescaled(to: 4), (0...500_000).contains(percent.unscaled) else {
            place.problem("is '\(text)'; write a percentage from 0 to 50 with at most four decimals")
            return Holdout(ppm: 0, epoch: epoch)
        }
        return Holdout(ppm: Int(percent.unscaled), epoch: epoch)
    }
}

extension YAMLValue {
    /// The place that a problem's path means, or the nearest one around it that is written down.
    fileprivate func place(of path: [String]) -> (place: YAMLValue, isWritten: Bool) {
        var place = self
        for part in path {
            guard let next = place.step(part) else { return (place, false) }
            place = next
        }
        return (place, true)
    }

    private func step(_ part: String) -> YAMLValue? {
        if part.hasPrefix("["), let entries = node.sequence, let position = Int(part.dropFirst().dropLast()) {
            guard entries.indices.contains(position) else { return nil }
            return YAMLValue(node: entries[position], key: "\(key)[\(position)]", notes: notes)
        }
        let names = ["mayBeUnticked": "untick", "isByChannel": "by_channel", "ppm": "percent"]
        // Where the path has `name.zh` or `linkage.types[0]`, the file has `zh` and `linkage[0]`.
        if part == "name" || (part == "types" && node.sequence != nil) { return self }
        if part == "offers", node.mapping?["most"] != nil { return step("most") }
        let snake = part.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
        for name in [names[part] ?? snake, part] {
            guard let found = node.mapping?[name] else { continue }
            return YAMLValue(node: found, key: key.isEmpty ? name : "\(key).\(name)", notes: notes)
        }
        return nil
    }
}
