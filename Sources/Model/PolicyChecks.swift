// What can be wrong with a contact policy: one set of checks for files, console and API.
// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a rule text.
public struct RuleRemark: Hashable, Sendable {
    /// What is wrong and what to do.
    public var message: BilingualText
    /// UTF-16 code units concerned; nil = the whole text.
    public var range: Range<Int>?
    /// What to write there instead, where known.
    public var suggestion: String?

    /// Makes a remark; see the properties.
    public init(message: BilingualText, range: Range<Int>? = nil, suggestion: String? = nil) {
        self.message = message
        self.range = range
        self.suggestion = suggestion
    }
}

/// A problem of a policy, with its place.
public struct PolicyProblem: Hashable, Sendable {
    /// The way to the value through the policy as JSON has it; `[2]` is the third entry of a list.
    public var path: [String]
    /// What is wrong and what to do.
    public var remark: RuleRemark

    /// Joins place and remark.
    public init(path: [String], remark: RuleRemark) {
        self.path = path
        self.remark = remark
    }

    /// The place as one text, for example `tiers[0].caps.sms`.
    public var key: String {
        path.reduce(into: "") { $0 += ($0.isEmpty || $1.hasPrefix("[") ? "" : ".") + $1 }
    }
}

extension DNDClass {
    /// Classes whose removal is never cancelled (LST-17).
    public static let alwaysRemoved: Set<Int> = [2, 14, 15]

    /// Whether staff of a role may cancel the removal.
    public func mayBeUnticked(by role: Role) -> Bool {
        mayBeUnticked && (untickedBy.map { $0.contains(role.rawValue) } ?? true)
    }
}

extension ContactPolicy {
    /// Days an interval may have; loaded history is kept that long.
    public static let intervalRange = 1...180

    /// Everything that keeps the policy from being made live; empty = nothing.
    ///
    /// `checkRule`: Says what is wrong with a condition; nil when nothing is.
    public func problems(checkRule: (String) -> RuleRemark?) -> [PolicyProblem] {
        var checks = PolicyChecks()
        checks.tiers(tiers, checkRule)
        checks.classes(dnd)
        checks.intervals(self)
        checks.rules(categoryRules, checkRule)
        checks.quiet(self, checkRule)
        checks.rest(self)
        checks.linkage(linkage)
        return checks.problems
    }
}

private struct PolicyChecks {
    var problems: [PolicyProblem] = []

    mutating func add(_ path: [String], _ zh: String, _ en: String) {
        problems.append(PolicyProblem(path: path, remark: RuleRemark(message: BilingualText(zh: zh, en: en))))
    }

    mutating func number(_ value: Int, _ range: ClosedRange<Int>, _ path: [String]) {
        guard !range.contains(value) else { return }
        add(
            path,
            "为 \(value)，应为 \(range.lowerBound) 至 \(range.upperBound) 的整数",
            "is \(value); write a whole number from \(range.lowerBound) to \(range.upperBound)"
        )
    }

    mutating func text(_ text: String, _ path: [String]) {
        let isShown = text.contains { !$0.isWhitespace }
        if !isShown { return add(path, "为空，请填写", "is empty; give a value") }
        if text.count > 200 || text.utf8.contains(0) {
            add(path, "过长或含有不可用的字符，最多 200 字", "has more than 200 characters, or the character NUL")
        }
    }

    mutating func name(_ name: BilingualText, _ path: [String]) {
        text(name.zh, path + ["name", "zh"])
        text(name.en, path + ["name", "en"])
    }

    /// Identifiers of a list: written well, each once.
    mutating func codes(_ codes: [String], _ list: String...) {
        var seen: Set<String> = []
        for (place, code) in codes.enumerated() {
            let path = list + ["[\(place)]", "code"]
            let isCode =
                (1...63).contains(code.utf8.count) && code.utf8.first.map { (0x61...0x7A).contains($0) } == true
                && code.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
            if !isCode {
                add(
                    path,
                    "为“\(code)”，应以小写字母开头，由小写字母、数字和下划线组成，最多 63 个",
                    "is '\(code)'; write lower-case letters, digits and _, beginning with a letter, at most 63"
                )
            } else if !seen.insert(code).inserted {
                add(path, "“\(code)”出现了两次", "'\(code)' occurs twice")
            }
        }
    }

    mutating func rule(_ rule: String, _ path: [String], _ check: (String) -> RuleRemark?) {
        guard rule.contains(where: { !$0.isWhitespace }) else { return text(rule, path) }
        if let remark = check(rule) { problems.append(PolicyProblem(path: path, remark: remark)) }
    }

    mutating func cap(_ cap: Cap, _ path: [String]) {
        guard !(0...200).contains(cap.count) || !(1...3).contains(cap.months) else { return }
        add(
            path,
            "为每 \(cap.months) 个月 \(cap.count) 次，应为每 1 至 3 个月 0 至 200 次",
            "is \(cap.count) per \(cap.months) months; write 0 to 200 per 1 to 3 months"
        )
    }

    mutating func tiers(_ tiers: [PolicyTier], _ checkRule: (String) -> RuleRemark?) {
        if tiers.isEmpty { add(["tiers"], "至少需要一个档位", "there is no tier; at least one is needed") }
        if tiers.count > 100 { add(["tiers"], "档位最多 100 个", "there are more than 100 tiers") }
        codes(tiers.map(\.code), "tiers")
        for (place, tier) in tiers.enumerated() {
            let path = ["tiers", "[\(place)]"]
            name(tier.name, path)
            rule(tier.rule, path + ["rule"], checkRule)
            for channel in ChannelClass.allCases {
                if let cap = tier.caps[channel] {
                    self.cap(cap, path + ["caps", channel.code])
                } else {
                    add(path + ["caps", channel.code], "缺少上限", "the cap of \(channel.code) is missing")
                }
            }
            cap(tier.overall, path + ["overall"])
        }
    }

    mutating func classes(_ classes: [DNDClass]) {
        var seen: Set<Int> = []
        for (place, dnd) in classes.enumerated() {
            let path = ["dnd", "[\(place)]"]
            number(dnd.number, 1...15, path + ["number"])
            if !seen.insert(dnd.number).inserted {
                add(path + ["number"], "类别 \(dnd.number) 出现了两次", "class '\(dnd.number)' occurs twice")
            }
            name(dnd.name, path)
            if dnd.mayBeUnticked, DNDClass.alwaysRemoved.contains(dnd.number) {
                add(
                    path + ["mayBeUnticked"],
                    "第 \(dnd.number) 类必须剔除（LST-17），不能取消",
                    "class \(dnd.number) is never included again (LST-17); write false"
                )
            }
            guard let roles = dnd.untickedBy else { continue }
            if roles.isEmpty || !dnd.mayBeUnticked {
                add(
                    path + ["untickedBy"],
                    "只有可取消的类别才填写角色，且至少一个",
                    "names roles only where the class may be unticked, and then at least one"
                )
            }
            for role in roles where Role(rawValue: role) == nil {
                let known = Role.allCases.map(\.rawValue).joined(separator: ", ")
                add(path + ["untickedBy"], "没有角色“\(role)”，可用：\(known)", "'\(role)' is no role; use \(known)")
            }
            if Set(roles).count < roles.count { add(path + ["untickedBy"], "角色重复", "a role is named twice") }
        }
    }

    mutating func intervals(_ policy: ContactPolicy) {
        let range = ContactPolicy.intervalRange
        for channel in ChannelClass.allCases {
            if let days = policy.intervalDays[channel] { number(days, range, ["intervalDays", channel.code]) }
        }
        for (category, days) in policy.similarDays.sorted(by: { $0.key < $1.key }) {
            text(category, ["similarDays", category])
            number(days, range, ["similarDays", category])
        }
        for (category, others) in policy.similarTo.sorted(by: { $0.key < $1.key }) {
            let path = ["similarTo", category]
            if policy.similarDays[category] == nil {
                add(
                    path,
                    "该类别没有设置同类营销间隔天数，设置后才起作用",
                    "has no effect: give the category '\(category)' similar days too"
                )
            }
            for other in others { text(other, path) }
            if others.contains(category) || Set(others).count < others.count {
                add(path, "含有该类别自身或重复的类别", "names the category itself, or one twice")
            }
        }
        for (product, days) in policy.productDays.sorted(by: { $0.key < $1.key }) {
            text(product, ["productDays", product])
            number(days, range, ["productDays", product])
        }
    }

    mutating func rules(_ rules: [CategoryRule], _ checkRule: (String) -> RuleRemark?) {
        codes(rules.map(\.code), "categoryRules")
        for (place, rule) in rules.enumerated() {
            let path = ["categoryRules", "[\(place)]"]
            name(rule.name, path)
            self.rule(rule.rule, path + ["rule"], checkRule)
            for category in rule.categories { text(category, path + ["categories"]) }
            if Set(rule.categories).count < rule.categories.count {
                add(path + ["categories"], "类别重复", "a category is named twice")
            }
        }
    }

    mutating func hours(_ hours: [ChannelClass: QuietHours], _ path: [String]) {
        for channel in ChannelClass.allCases {
            guard let quiet = hours[channel] else { continue }
            let isTime = (0...1439).contains(quiet.from) && (0...1439).contains(quiet.to)
            guard !isTime || quiet.from == quiet.to else { continue }
            add(
                path + [channel.code],
                "起止时间应为不同的时刻，例如 21:00 至 09:00",
                "needs two different times of the day, for example 21:00-09:00"
            )
        }
    }

    mutating func quiet(_ policy: ContactPolicy, _ checkRule: (String) -> RuleRemark?) {
        hours(policy.quietHours, ["quietHours"])
        codes(policy.quietAreas.map(\.code), "quietAreas")
        for (place, area) in policy.quietAreas.enumerated() {
            let path = ["quietAreas", "[\(place)]"]
            name(area.name, path)
            rule(area.rule, path + ["rule"], checkRule)
            hours(area.quietHours, path + ["quietHours"])
        }
        if Set(policy.holidays).count < policy.holidays.count {
            add(["holidays"], "有重复的日期", "a day is named twice")
        }
    }

    mutating func rest(_ policy: ContactPolicy) {
        if !(0...500_000).contains(policy.holdout.ppm) {
            add(["holdout", "ppm"], "应为 0 至 50 的百分比", "is outside 0 to 50 per cent")
        }
        text(policy.holdout.epoch, ["holdout", "epoch"])
        number(policy.reservationHours, 1...720, ["reservationHours"])
        if policy.ranking.isEmpty || Set(policy.ranking).count < policy.ranking.count {
            add(["ranking"], "至少选择一项，且不能重复", "needs at least one key, and each once")
        }
        number(policy.offers.offers, 1...8, ["offers", "offers"])
        number(policy.offers.minutesToShow, 1...1440, ["offers", "minutesToShow"])
        number(policy.offers.minutesKept, 1...10_080, ["offers", "minutesKept"])
        if policy.offers.minutesKept < policy.offers.minutesToShow {
            add(
                ["offers", "minutesKept"],
                "不能少于展示时限 \(policy.offers.minutesToShow) 分钟",
                "is less than the \(policy.offers.minutesToShow) minutes to show"
            )
        }
    }

    mutating func linkage(_ linkage: Linkage) {
        codes(linkage.types.map(\.code), "linkage", "types")
        var seen: Set<String> = []
        var others = 0
        for (place, type) in linkage.types.enumerated() {
            let path = ["linkage", "types", "[\(place)]"]
            name(type.name, path)
            others += type.categories.isEmpty ? 1 : 0
            if type.categories.isEmpty, others > 1 {
                add(
                    path + ["categories"],
                    "只能有一个类型不填类别（适用于其余全部）",
                    "is empty in a type before; only one type takes all other categories"
                )
            }
            for category in type.categories {
                text(category, path + ["categories"])
                if !seen.insert(category).inserted {
                    add(path + ["categories"], "类别“\(category)”已被使用", "'\(category)' has a type already")
                }
            }
            if Set(type.historyAt).count < type.historyAt.count {
                add(path + ["historyAt"], "触点重复", "a touchpoint is named twice")
            }
            var cells: Set<String> = []
            for (number, cell) in type.cells.enumerated() {
                let isNew = cells.insert("\(cell.contacted.code) \(cell.result.code)").inserted
                if !isNew || cell.cancels.isEmpty || Set(cell.cancels).count < cell.cancels.count {
                    add(
                        path + ["cells", "[\(number)]"],
                        "同一渠道和结果只能有一行，且至少取消一个渠道、不重复",
                        "needs a channel and result of its own, and channels to cancel on, each once"
                    )
                }
            }
        }
    }
}
