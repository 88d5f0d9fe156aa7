// gyre list: special lists changed and exported; what they hold is shown in a file beside.
// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import Assembly
import Decisioning
import HTTPAPI
public import Kernel
public import Model
import Planning
import Ports
import Texts

/// A file of numbers, and how it is read.
struct ListFileOptions: ParsableArguments {
    @Argument(help: "The file.")
    var file: String

    @Option(help: "What the numbers are: msisdn, line or customer (all lines of a customer).")
    var kind = IdentityKind.msisdn

    @Option(help: "Heading, place from 1 or letter of the column; else found by its heading, or the first.")
    var column = ""

    func source(on platform: Platform, for caller: Caller) -> any IdentitySource {
        platform.list(file: caller.path(file), kind: kind, column: IdentityColumn(typed: column))
    }
}

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Work with special lists: do-not-disturb classes, black, grey, white and others.",
        subcommands: [
            Lists.self, Show.self, Settings.self, Import.self, Export.self, Add.self, Remove.self,
        ]
    )

    /// Who changes lists from the command line.
    static let staff = Staff(login: ListSetting.commandLine, name: "cli", role: .administrator)

    /// Which list.
    struct Choice: ParsableArguments {
        @Argument(help: "The list: dnd_01 to dnd_15, black, grey, white, sensitive, important, vip or requested.")
        var list: String

        @Option(help: "Only this channel: sms, outbound, inbound or website. Else all.")
        var channel: String?

        func validate() throws {
            guard channel.map({ ChannelClass(code: $0) != nil }) ?? true else {
                throw ValidationError("--channel is sms, outbound, inbound or website")
            }
        }

        var id: ListID { ListID(named: list, channel: channel.flatMap { ChannelClass(code: $0) }) }
    }

    struct Import: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a list by a file of numbers: XLSX, CSV or TXT, also gzip. All together or not at all."
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @OptionGroup var numbers: ListFileOptions

        @Option(help: "Why, so that others understand it later.")
        var reason: String

        @Option(help: "What to do: add, remove or replace.")
        var mode = ListImportMode.add

        @Option(help: "The first day of those who are added, as YYYY-MM-DD; else today.")
        var from: LocalDay?

        @Option(help: "Their last day, as YYYY-MM-DD; else for good.")
        var to: LocalDay?

        @Flag(help: "Print the result as JSON.")
        var json = false

        struct Output: Encodable {
            var rows: Int
            var members: Int
            var added: Int
            var removed: Int
            var present: Int
            var planned: Int
            var left: [String: Int]
            var rejects: [MemberReport.Reject]
        }

        func run(on platform: Platform, for caller: Caller) async throws {
            let done = try await platform.lists.change(
                choice.id,
                by: numbers.source(on: platform, for: caller),
                mode: mode,
                from: from,
                until: to,
                reason: reason,
                by: ListCommand.staff,
                at: platform.clock.now.instant
            )
            let report = done.report
            let left = report.left.map { (code: $0.key.rawValue, count: $0.value) }.sorted { $0.code < $1.code }
            guard !json else {
                return try caller.printJSON(
                    Output(
                        rows: report.rows,
                        members: report.members,
                        added: done.added,
                        removed: done.removed,
                        present: done.present,
                        planned: done.planned,
                        left: Dictionary(uniqueKeysWithValues: left.map { ($0.code, $0.count) }),
                        rejects: report.rejects
                    )
                )
            }
            let t = caller.language
            caller.print(
                t("读取 ", "Read ") + t.number(report.rows) + t(" 行，新增 ", " rows, added ") + t.number(done.added)
                    + t("，移出 ", ", taken off ") + t.number(done.removed) + t("，未变 ", ", unchanged ")
                    + t.number(done.present)
            )
            if let from, done.planned > 0 {
                caller.print(
                    t("将于 \(from.iso) 加入名单：", "Come on the list on \(from.iso): ") + t.number(done.planned)
                )
            }
            for (code, count) in left { caller.print("  \(code): \(t.number(count))") }
        }
    }

    struct Export: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "Print the numbers on a list, one a line.")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        func run(on platform: Platform, for caller: Caller) async throws {
            let numbers = try await platform.lists.members(of: choice.id, in: .all)
            let audit = AuditEntry(
                at: platform.clock.now.instant,
                who: ListCommand.staff.login,
                action: "export",
                object: "list/\(choice.id.code)",
                detail: "\(numbers.count) numbers"
            )
            try await platform.store.append(audit)
            for start in stride(from: 0, to: numbers.count, by: 4_096) {
                try Task.checkCancellation()
                let part = numbers[start..<min(start + 4_096, numbers.count)]
                caller.print(part.map(\.national).joined(separator: "\n"))
            }
        }
    }

    struct Add: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "Put a number on a list, for some days or for good.")

        @OptionGroup var common: CommonOptions
        @OptionGroup var change: Change

        @Option(help: "The first day, as YYYY-MM-DD; else today.")
        var from: LocalDay?

        @Option(help: "The last day, as YYYY-MM-DD; else for good.")
        var to: LocalDay?

        func run(on platform: Platform, for caller: Caller) async throws {
            let (index, now) = (try platform.lists.subscriber(change.number), platform.clock.now)
            let isChanged = try await platform.lists.add(
                index,
                to: change.choice.id,
                from: from,
                until: to,
                reason: change.reason,
                by: ListCommand.staff,
                at: now.instant
            )
            let t = caller.language
            let said =
                if let from, from > now.day {
                    t("将于 \(from.iso) 加入名单", "Comes on the list on \(from.iso)")
                } else {
                    isChanged ? t("已加入名单", "Put on the list") : t("原已在名单", "On the list before")
                }
            try await change.tell(said, isChanged, index, platform, caller)
        }
    }

    struct Remove: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "Take a number off a list.")

        @OptionGroup var common: CommonOptions
        @OptionGroup var change: Change

        func run(on platform: Platform, for caller: Caller) async throws {
            let index = try platform.lists.subscriber(change.number)
            let isChanged = try await platform.lists.remove(
                index,
                from: change.choice.id,
                reason: change.reason,
                by: ListCommand.staff,
                at: platform.clock.now.instant
            )
            let t = caller.language
            let said = isChanged ? t("已移出名单", "Taken off the list") : t("原不在名单", "Was not on the list")
            try await change.tell(said, isChanged, index, platform, caller)
        }
    }

    /// A number and why it is put on a list or taken off it.
    struct Change: ParsableArguments {
        @OptionGroup var choice: Choice

        @Argument(help: "The number, as people write it.")
        var number: String

        @Option(help: "Why, so that others understand it later.")
        var reason: String

        @Flag(help: "Print the result as JSON.")
        var json = false

        struct Output: Encodable {
            var isChanged: Bool
            var entries: [JSONObject]
        }

        /// Prints what came of it.
        fileprivate func tell(
            _ said: String,
            _ isChanged: Bool,
            _ index: SubscriberIndex,
            _ platform: Platform,
            _ caller: Caller
        ) async throws {
            guard json else { return caller.print(said) }
            let entries = try await platform.lists.entries(of: index)
            try caller.printJSON(Output(isChanged: isChanged, entries: entries.map { JSONObject($0) }))
        }
    }
}

extension LocalDay: ExpressibleByArgument {
    public init?(argument: String) { self.init(iso: argument) }
}

extension IdentityKind: ExpressibleByArgument {}
extension ListImportMode: ExpressibleByArgument {}
