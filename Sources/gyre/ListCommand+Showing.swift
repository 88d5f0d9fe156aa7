// gyre list show, lists and settings: who is on what and why, how large lists are, who keeps them up.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import DecisionHost
import Decisioning
import HTTPAPI
import Kernel
import Model
import Planning
import Ports
import Texts

extension ListCommand {
    struct Show: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show which lists a number is on, who put it there and why, and its history. Recorded."
        )

        @OptionGroup var common: CommonOptions

        @Argument(help: "The number, as people write it.")
        var number: String

        @Flag(help: "Print the result as JSON.")
        var json = false

        func run(on platform: Platform, for caller: Caller) async throws {
            let (lists, staff) = (platform.lists, ListCommand.staff)
            let index = try await lists.subscriber(number, in: staff.scope)
            let audit = AuditEntry(
                at: platform.clock.now.instant,
                who: staff.login,
                action: "subscriber.look_up",
                object: "subscriber/\(index.number)",
                detail: "lists"
            )
            try await platform.store.append(audit)
            let (entries, changes) = (try await lists.entries(of: index), try await lists.changes(of: index))
            let masked = platform.numbers.current.number(of: index)?.masked ?? ""
            guard !json else {
                let output: JSONObject = [
                    "subscriber": index.number, "number": masked, "entries": entries.map { JSONObject($0) },
                    "history": changes.reversed().map { JSONObject($0) },
                ]
                return try caller.printJSON(output)
            }
            let (t, policy) = (caller.language, try await platform.host.read { $0.policy })
            func name(_ list: ListID) -> String {
                [list.code, t(list.name(policy)), list.channel?.code].compactMap { $0 }.joined(separator: " ")
            }
            caller.print(masked)
            guard !entries.isEmpty || !changes.isEmpty else {
                return caller.print(t("不在任何名单中", "On no list"))
            }
            let now = entries.map { entry in
                let days = entry.dates.map { ($0.from?.iso ?? "") + " – " + ($0.to?.iso ?? "") } ?? "--"
                let reason = entry.added?.reason ?? entry.dates?.reason ?? "--"
                return [
                    name(entry.list), entry.isPlanned ? t("未开始", "begins later") : t("生效", "counts"), days,
                    entry.added?.who ?? entry.dates?.who ?? "--", reason,
                ]
            }
            let heads = [t("名单", "List"), t("状态", "State"), t("起止", "Days"), t("操作人", "Who"), t("原因", "Reason")]
            caller.print(table: [heads] + now)
            guard !changes.isEmpty else { return }
            caller.print(t("历史：", "History:"))
            let past = changes.reversed().map { change in
                [
                    platform.clock.local(change.at).isoLocal,
                    change.isAdded ? t("加入", "added") : t("移出", "taken off"), name(change.list), change.who,
                    change.reason,
                ]
            }
            caller.print(table: past)
        }
    }

    struct Lists: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "List all lists with the number of subscribers, and when each was brought up to date."
        )

        @OptionGroup var common: CommonOptions

        @Flag(help: "Print the result as JSON.")
        var json = false

        func run(on platform: Platform, for caller: Caller) async throws {
            let (sizes, clock) = (try await platform.lists.sizes(), platform.clock)
            let upkeep = try await platform.lists.upkeep(of: Set(sizes.map(\.list.code))) { clock.local($0).day }
            let today = clock.now.day
            guard !json else {
                return try caller.printJSON(sizes.map { JSONObject($0, upkeep[$0.list.code], today: today) })
            }
            let (t, policy) = (caller.language, try await platform.host.read { $0.policy })
            let heads = [
                t("名单", "List"), t("渠道", "Channel"), t("用户数", "Subscribers"), t("最近更新", "Last updated"),
                t("更新人", "By whom"), t("下次更新期限", "Next expected"), t("名称", "Name"),
            ]
            let rows = sizes.map { size in
                let kept = upkeep[size.list.code]
                let isOverdue = kept?.isOverdue(on: today) ?? false
                return [
                    size.list.code, size.list.channel?.code ?? "--", t.number(size.count),
                    kept?.last.map { clock.local($0.at).isoLocal } ?? "--", kept?.last?.who ?? "--",
                    (kept?.nextDay?.iso ?? "--") + (isOverdue ? t(" 已逾期", " overdue") : ""),
                    t(size.list.name(policy)),
                ]
            }
            caller.print(table: [heads] + rows)
        }
    }

    struct Settings: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show who may change each list, and how often it should be brought up to date."
        )

        @OptionGroup var common: CommonOptions

        @Flag(help: "Print the result as JSON.")
        var json = false

        func run(on platform: Platform, for caller: Caller) async throws {
            let all = Dictionary(uniqueKeysWithValues: try await platform.store.listSettings().map { ($0.list, $0) })
            let codes = ListID.standardCodes.sorted()
            guard !json else { return try caller.printJSON(codes.map { JSONObject($0, all[$0]) }) }
            let t = caller.language
            let heads = [
                t("名单", "List"), t("可维护者", "Changed by"), t("更新周期（天）", "Every days"), t("规则", "Rule"),
                t("设置人", "Set by"),
                t("原因", "Reason"),
            ]
            let rows = codes.map { code in
                let setting = all[code]
                let who = setting.map { $0.roles.map(\.rawValue).sorted() + $0.logins.sorted() } ?? []
                return [
                    code, who.isEmpty ? t("所有有权限者", "all who may") : who.joined(separator: ", "),
                    setting?.everyDays.map { "\($0)" } ?? "--", setting?.rule ?? "--", setting?.who ?? "--",
                    setting?.reason ?? "--",
                ]
            }
            caller.print(table: [heads] + rows)
        }
    }
}
