// Special lists that a rule fills: suspended and cancelled subscribers, for example (LST-15, LST-16).
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
public import Kernel
import Model
import Ports
import Rules
import Synchronization

/// What lists were last filled with, so that a pass asks again only when it may have changed.
final class ListRuleMemory: Sendable {
    struct Key: Equatable {
        var rule: String
        var load: String
        var day: LocalDay
        /// What the tables of behaviour show; nil when the rule asks for none.
        var facts: ContentHash?
    }

    private let known = Mutex<[String: Key]>([:])

    func isKnown(_ list: String, _ key: Key) -> Bool { known.withLock { $0[list] == key } }

    func keep(_ list: String, _ key: Key?) { known.withLock { $0[list] = key } }
}

/// A list that could not be filled, with the reason.
public typealias ListProblem = (list: String, problem: String)

extension SpecialLists {
    /// What a list that a rule fills is changed by, in its history.
    static let ruleSource = "rule"

    /// Fills the lists that have a rule where their attributes, tables or day are others than last time.
    ///
    /// Called now and then and after a load by command; a pass that finds the same members writes nothing.
    ///
    /// - Returns: Lists that could not be filled, as they were; the others are.
    @discardableResult
    public func keepRules(at now: Instant) async throws -> [ListProblem] {
        var problems: [ListProblem] = []
        for setting in try await store.listSettings() where setting.rule != nil {
            do {
                try await fill(setting, at: now)
            } catch DecisionError.noProfile {
                // Before the first load nobody is on it.
            } catch {
                problems.append((setting.list, "\(error)"))
            }
        }
        return problems
    }

    /// Puts exactly the members of its rule on a list.
    func fill(_ setting: ListSetting, at now: Instant) async throws {
        guard let rule = setting.rule, let load = try await host.read({ $0.attributes?.load }) else { return }
        let today = try await day(of: now)
        let facts = try await segments.facts(of: rule)
        let key = ListRuleMemory.Key(rule: rule, load: load, day: today, facts: facts)
        guard !ruleMemory.isKnown(setting.list, key) else { return }
        let members = try await segments.members(rule, in: .all, today: today)
        var record = ListImportRecord(
            at: now,
            who: Segments.system,
            list: ListID(setting.list),
            mode: .replace,
            source: Self.ruleSource,
            reason: setting.reason
        )
        record.rows = members.count
        let changes = try await apply(&record) { ListChanges(from: $0, .replace, members, visible: nil) }
        ruleMemory.keep(setting.list, key)
        guard record.added + record.removed > 0 else { return }
        let system = Staff(login: Segments.system, name: Segments.system, role: .administrator)
        let detail = "rule: \(record.added) added, \(record.removed) removed"
        let dates = try await store.listDates(.list(record.list)).map(\.cleared)
        try await store.record(
            record,
            changes: changes,
            dates: dates,
            audit: entry("list.import", record.list, system, now, detail)
        )
    }

    /// Checks the rule of a list: what it asks for changes with loads and days only.
    ///
    /// - Throws: ``SpecialListError/badRule(_:)``; `DecisionError.noProfile` before the first load.
    func check(rule: String) async throws {
        let scope = try await segments.scope()
        do {
            let checked = try scope.check(rule)
            guard checked.uses.memberships.isEmpty else {
                throw SpecialListError.badRule(
                    "it may ask for attributes and behaviour, not for lists, segments or products"
                )
            }
        } catch let error as RuleError {
            throw SpecialListError.badRule("\(error)")
        }
    }
}
