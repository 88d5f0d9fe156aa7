// The upkeep of special lists in memory.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model
import Ports

extension InMemoryControlPlane {
    public func listSettings() -> [ListSetting] {
        look { $0.listSettings.sorted { $0.list < $1.list } }
    }

    public func save(_ setting: ListSetting, audit: AuditEntry) throws -> ListSetting {
        try change(audit) { content in
            try ControlPlaneChecks.check(setting)
            let place = content.listSettings.firstIndex { $0.list == setting.list }
            guard place.map({ content.listSettings[$0].version }) ?? 0 == setting.version else {
                throw ControlPlaneError.stale(
                    object: "settings of list \(setting.list)",
                    expectedVersion: setting.version
                )
            }
            var saved = setting
            saved.version += 1
            content.listSettings.put(saved, at: place)
            return saved
        }
    }

    public func lastListUpdate(of object: String) -> AuditEntry? {
        look { content in
            content.audit.enumerated()
                .filter { $0.element.object == object && ControlPlaneChecks.listUpdates.contains($0.element.action) }
                .max { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }?.element
        }
    }
}
