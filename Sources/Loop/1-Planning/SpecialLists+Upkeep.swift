// Who keeps a special list up, and how often that is expected (LST-18).
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
import Ports

extension SpecialLists {
    /// Roles that may change lists, and so may be named in a setting.
    public static let changingRoles = Role.allCases.filter { $0.permissions.contains(.editLists) }

    /// What was said about a list; nil = nothing, so that whoever may change lists may change it.
    public func setting(of code: String) async throws -> ListSetting? {
        try await store.listSettings().first { $0.list == code }
    }

    /// Says who may change a list and how often it should be brought up to date, or the rule that fills it from now on.
    ///
    /// - Throws: ``SpecialListError`` for an unknown list or sign-in name, a role that may not change lists, a frequency
    ///   that is none, or without a reason; ``PlanningError/notAllowed(_:)`` for who does not see the whole operator.
    public func say(
        _ setting: ListSetting,
        by staff: Staff,
        at now: Instant
    ) async throws -> ListSetting {
        guard ListID.standardCodes.contains(setting.list) else { throw SpecialListError.unknownList(setting.list) }
        guard staff.scope == .all else {
            throw PlanningError.notAllowed("lists are of the whole operator, and so is who sets them up")
        }
        guard setting.reason.contains(where: { !$0.isWhitespace }) else { throw SpecialListError.reasonMissing }
        if let days = setting.everyDays, !(1...ListSetting.mostDays).contains(days) {
            throw SpecialListError.badFrequency
        }
        for role in setting.roles.sorted(by: { $0.rawValue < $1.rawValue }) where !Self.changingRoles.contains(role) {
            throw SpecialListError.badRole(role)
        }
        for login in setting.logins.sorted() where ![ListSetting.inbox, ListSetting.commandLine].contains(login) {
            guard try await store.staff(login: login) != nil else { throw SpecialListError.unknownLogin(login) }
        }
        if let rule = setting.rule { try await check(rule: rule) }
        var said = setting
        (said.who, said.at) = (staff.login, now)
        let roles = said.roles.map(\.rawValue).sorted() + said.logins.sorted()
        let detail =
            "changed by \(roles.isEmpty ? "all" : roles.joined(separator: " ")), "
            + "every \(said.everyDays.map { "\($0) days" } ?? "--"), "
            + "rule \(said.rule ?? "--"); \(said.reason)"
        said = try await store.save(
            said,
            audit: entry("list.settings", ListID(said.list), staff, now, detail)
        )
        try await fill(said, at: now)
        return said
    }

    /// How each list is kept up, by code; an update of one channel is one of the list.
    ///
    /// `local`: The operator's calendar.
    public func upkeep(of codes: Set<String>, local: (Instant) -> LocalDay) async throws -> [String: ListUpkeep] {
        let settings = Dictionary(uniqueKeysWithValues: try await store.listSettings().map { ($0.list, $0) })
        var found: [String: ListUpkeep] = [:]
        for code in codes {
            var last: ListUpdate?
            for channel in [nil] + ChannelClass.allCases.map(Optional.some) {
                let object = Self.object(ListID(code, channel: channel))
                guard let entry = try await store.lastListUpdate(of: object) else { continue }
                let way: ListUpdate.Way =
                    switch (entry.action, entry.who) {
                    case ("list.import", ListSetting.inbox): .inbox
                    case ("list.import", Segments.system): .rule
                    case ("list.import", _): .file
                    default: .single
                    }
                if last.map({ $0.at < entry.at }) ?? true {
                    last = ListUpdate(at: entry.at, who: entry.who, way: way)
                }
            }
            found[code] = ListUpkeep(settings[code], last: last, local: local)
        }
        return found
    }
}
