// The control plane's promises about the upkeep of special lists.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Testing

extension ControlPlaneConformance {
    func listSettingsAreVersioned() async throws {
        #expect(try await store.listSettings().isEmpty)
        var setting = ListSetting(
            list: "dnd_05",
            roles: [.agent, .planner],
            logins: ["inbox", "li"],
            everyDays: 7,
            rule: "status = '停机'",
            reason: "集团每周下发，联系 13900001111",
            who: "admin",
            at: at(2)
        )
        var said = try await store.save(setting, audit: entry("list.settings"))
        setting.version = 1
        #expect(said == setting)
        #expect(try await store.listSettings() == [setting])
        await #expect(throws: ControlPlaneError.stale(object: "settings of list dnd_05", expectedVersion: 0)) {
            var late = setting
            late.version = 0
            _ = try await store.save(late, audit: entry())
        }
        (said.roles, said.logins, said.everyDays, said.rule) = ([], [], nil, nil)
        let again = try await store.save(said, audit: entry("list.settings"))
        #expect(again.version == 2 && again.everyDays == nil && again.rule == nil && !again.isRestricted)
        let other = ListSetting(list: "black", everyDays: 1, reason: "x", who: "admin", at: at(3))
        _ = try await store.save(other, audit: entry("list.settings"))
        #expect(try await store.listSettings().map(\.list) == ["black", "dnd_05"])
        for days in [0, -1, 367] {
            let wrong = ListSetting(list: "vip", everyDays: days, reason: "x", who: "admin", at: at(3))
            await #expect(throws: ControlPlaneError.self) { _ = try await store.save(wrong, audit: entry()) }
        }
        let silent = ListSetting(list: "vip", reason: " ", who: "admin", at: at(3))
        await #expect(throws: ControlPlaneError.self) { _ = try await store.save(silent, audit: entry()) }
        #expect(try await actions() == ["list.settings", "list.settings", "list.settings"])

        #expect(try await store.lastListUpdate(of: "list/dnd_05") == nil, "settings are no update")
        func update(_ action: String, _ who: String, _ ms: Int64, _ object: String = "list/dnd_05") async throws {
            try await store.append(AuditEntry(at: at(ms), who: who, action: action, object: object))
        }
        for (place, action) in ControlPlaneChecks.listUpdates.enumerated() {
            try await update(action, "u\(place)", 10 + Int64(place))
            #expect(try await store.lastListUpdate(of: "list/dnd_05")?.who == "u\(place)")
        }
        try await update("list.add", "early", 5)
        try await update("list.add", "same", 13)
        try await update("export", "reader", 90)
        try await update("list.add", "elsewhere", 91, "list/dnd_05/sms")
        #expect(try await store.lastListUpdate(of: "list/dnd_05")?.who == "same", "the later of two at one time")
        #expect(try await store.lastListUpdate(of: "list/dnd_05/sms")?.at == at(91))
        try await store.forget([], mentions: Mentions(["13900001111"]))
        #expect(try await store.listSettings().map(\.reason) == ["x", Mentions.erased])
    }
}
