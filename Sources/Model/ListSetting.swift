// How a special list is kept up: who may change it, and how often that is expected (LST-18).
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// What an administrator says about the upkeep of one special list, over all its channels.
public struct ListSetting: Hashable, Sendable {
    /// Who changes lists by the folder `inbox/lists/`.
    public static let inbox = "inbox"
    /// Who changes lists on the command line.
    public static let commandLine = "cli"
    /// Most days between two updates.
    public static let mostDays = 366

    /// Code of the list.
    public var list: String
    /// Roles whose staff may change it.
    public var roles: Set<Role>
    /// Staff who may change it besides, by sign-in name; also ``inbox`` and ``commandLine``.
    public var logins: Set<String>
    /// Days after which it should be brought up to date again; nil = no expectation.
    public var everyDays: Int?
    /// The rule that fills it, evaluated over the whole operator; nil = people and files do.
    public var rule: String?
    /// Why it is so.
    public var reason: String
    /// Who said so.
    public var who: String
    /// When.
    public var at: Instant
    /// Version that was read; 0 = nothing was said yet.
    public var version: Int

    /// Makes a setting; see the properties.
    public init(
        list: String,
        roles: Set<Role> = [],
        logins: Set<String> = [],
        everyDays: Int? = nil,
        rule: String? = nil,
        reason: String,
        who: String,
        at: Instant,
        version: Int = 0
    ) {
        (self.list, self.roles, self.logins, self.everyDays) = (list, roles, logins, everyDays)
        self.rule = rule
        (self.reason, self.who, self.at, self.version) = (reason, who, at, version)
    }

    /// Whether only some may change it.
    public var isRestricted: Bool { !roles.isEmpty || !logins.isEmpty }

    /// Whether somebody whose role may change lists may change this one.
    public func allows(_ staff: Staff) -> Bool {
        let isProgram = [Self.inbox, Self.commandLine].contains(staff.login)
        return !isRestricted || logins.contains(staff.login) || (!isProgram && roles.contains(staff.role))
    }
}

/// The last time a special list was brought up to date.
public struct ListUpdate: Hashable, Sendable {
    /// In which way.
    public enum Way: String, Sendable, CaseIterable, Codable {
        /// One number.
        case single
        /// A list of numbers that somebody brought.
        case file
        /// A list of numbers in the folder `inbox/lists/`.
        case inbox
        /// The rule of the list.
        case rule
    }

    /// When.
    public var at: Instant
    /// Who.
    public var who: String
    /// How.
    public var way: Way

    /// Joins the three.
    public init(at: Instant, who: String, way: Way) { (self.at, self.who, self.way) = (at, who, way) }
}

/// Whether a special list is kept up as expected.
public struct ListUpkeep: Hashable, Sendable {
    /// What was said about it; nil = nothing.
    public var setting: ListSetting?
    /// The last update; nil = none was ever made here.
    public var last: ListUpdate?
    /// The day by which the next one is expected; nil = none is.
    public var nextDay: LocalDay?

    /// Counts from the last update, or from when the expectation was made; `local` is the operator's calendar.
    public init(_ setting: ListSetting?, last: ListUpdate?, local: (Instant) -> LocalDay) {
        (self.setting, self.last) = (setting, last)
        guard let setting, let days = setting.everyDays else { return }
        nextDay = local(last?.at ?? setting.at).adding(days: days)
    }

    /// Whether the next update should have come before `day`.
    public func isOverdue(on day: LocalDay) -> Bool { nextDay.map { $0 < day } ?? false }
}
