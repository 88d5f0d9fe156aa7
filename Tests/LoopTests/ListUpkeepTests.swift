// Who may change a special list, and when it is overdue.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Testing

struct ListUpkeepTests {
    private let day: Int64 = 86_400_000

    private func local(_ instant: Instant) -> LocalDay { LocalTime(instant: instant, offsetSeconds: 28_800).day }

    private func setting(
        _ roles: Set<Role> = [],
        _ logins: Set<String> = [],
        everyDays: Int? = nil
    ) -> ListSetting {
        ListSetting(
            list: "dnd_05",
            roles: roles,
            logins: logins,
            everyDays: everyDays,
            reason: "x",
            who: "admin",
            at: Instant(epochMs: 100 * day)
        )
    }

    @Test func `a list nobody is named for is anybody's, else those named and no interface by its role`() {
        let agent = Staff(login: "a", name: "a", role: .agent)
        let planner = Staff(login: "p", name: "p", role: .planner)
        let inbox = Staff(login: ListSetting.inbox, name: "inbox", role: .administrator)
        let all = [agent, planner, inbox]
        #expect(all.allSatisfy(setting().allows))
        #expect(all.map(setting([.agent]).allows) == [true, false, false])
        #expect(all.map(setting([.administrator]).allows) == [false, false, false])
        #expect(all.map(setting([], [ListSetting.inbox]).allows) == [false, false, true])
        #expect(all.map(setting([.agent], ["p"]).allows) == [true, true, false])
    }

    @Test func `the next update is expected so many days after the last, and overdue from the day after`() {
        let last = ListUpdate(at: Instant(epochMs: 110 * day), who: "a", way: .file)
        let kept = ListUpkeep(setting(everyDays: 7), last: last, local: local)
        #expect(kept.nextDay == LocalDay(number: 117))
        #expect(!kept.isOverdue(on: LocalDay(number: 117)) && kept.isOverdue(on: LocalDay(number: 118)))
        #expect(ListUpkeep(setting(everyDays: 7), last: nil, local: local).nextDay == LocalDay(number: 107))
        for none in [ListUpkeep(setting(), last: last, local: local), ListUpkeep(nil, last: last, local: local)] {
            #expect(none.nextDay == nil && !none.isOverdue(on: LocalDay(number: 9_999)) && none.last == last)
        }
        let lateAtNight = ListUpdate(at: Instant(epochMs: 110 * day + 17 * 3_600_000), who: "a", way: .single)
        #expect(ListUpkeep(setting(everyDays: 1), last: lateAtNight, local: local).nextDay == LocalDay(number: 112))
    }
}
