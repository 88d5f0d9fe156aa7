// Pages of the upkeep of lists with texts that try to be markup.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Ports

@testable import Assembly
@testable import Console

extension ConsoleModels {
    /// Settings with everything said, and how a list is kept up by them.
    var upkeep: ListUpkeep {
        let setting = ListSetting(
            list: "dnd_01",
            roles: [.agent],
            logins: [evil, ListSetting.inbox],
            everyDays: 1,
            reason: evil,
            who: evil,
            at: Self.now.instant,
            version: 3
        )
        let last = ListUpdate(at: Self.now.instant.adding(ms: -9 * 86_400_000), who: evil, way: .single)
        return ListUpkeep(setting, last: last) { LocalTime(instant: $0, offsetSeconds: 28_800).day }
    }

    /// Settings, and the folder with files of each standing.
    func upkeepPages(_ done: ListImport) -> [Named] {
        var filled = ListSettingsPage(.dnd(1), upkeep.setting, policy: policy)
        filled.errors = ["logins": evil, "everyDays": evil, "reason": evil]
        let rows = InboxFile.Standing.allCases.map { standing in
            let file = InboxFile(
                name: evil,
                key: evil,
                standing: standing,
                at: Self.now.instant
            )
            return InboxRow(
                file: file,
                list: standing == .waiting ? nil : ListID(evil),
                done: standing == .taken ? done : nil,
                problem: standing == .refused ? evil : nil
            )
        }
        return [
            ("list settings", { [filled] in filled.page($0) }),
            ("list settings, new", { ListSettingsPage(ListID("vip"), nil, policy: nil).page($0) }),
            ("inbox", { InboxPage(files: Page(rows: rows, total: 3), query: TableQuery($0)).page($0) }),
            ("inbox, empty", { InboxPage(files: Page(rows: [], total: 0), query: TableQuery($0)).page($0) }),
            ("inbox report", { InboxReportPage(file: rows[0].file, done: done, policy: policy).page($0) }),
        ]
    }
}
