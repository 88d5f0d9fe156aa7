// gyre list: special lists changed and exported.
// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import Assembly
import Decisioning
import Kernel
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
        subcommands: [Import.self, Export.self, Add.self, Remove.self]
    )

    /// Who changes lists from the command line.
    private static let staff = Staff(login: ListSetting.commandLine, name: "cli", role: .administrator)

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

        @Flag(help: "Print the result as JSON.")
        var json = false

        struct Output: Encodable {
            var rows: Int
            var members: Int
            var added: Int
            var removed: Int
            var present: Int
            var left: [String: Int]
            var rejects: [MemberReport.Reject]
        }

        func run(on platform: Platform, for caller: Caller) async throws {
            let done = try await platform.lists.change(
                choice.id,
                by: numbers.source(on: platform, for: caller),
                mode: mode,
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
        static let configuration = CommandConfiguration(abstract: "Put a number on a list.")

        @OptionGroup var common: CommonOptions
        @OptionGroup var change: Change

        func run(on platform: Platform, for caller: Caller) async throws {
            try await change.run(on: platform, for: caller, isAdded: true)
        }
    }

    struct Remove: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "Take a number off a list.")

        @OptionGroup var common: CommonOptions
        @OptionGroup var change: Change

        func run(on platform: Platform, for caller: Caller) async throws {
            try await change.run(on: platform, for: caller, isAdded: false)
        }
    }

    /// A number and why it is put on a list or taken off it.
    struct Change: ParsableArguments {
        @OptionGroup var choice: Choice

        @Argument(help: "The number, as people write it.")
        var number: String

        @Option(help: "Why, so that others understand it later.")
        var reason: String

        func run(on platform: Platform, for caller: Caller, isAdded: Bool) async throws {
            let lists = platform.lists
            let (index, now) = (try lists.subscriber(number), platform.clock.now.instant)
            let isChanged =
                isAdded
                ? try await lists.add(index, to: choice.id, reason: reason, by: ListCommand.staff, at: now)
                : try await lists.remove(index, from: choice.id, reason: reason, by: ListCommand.staff, at: now)
            let t = caller.language
            switch (isChanged, isAdded) {
            case (true, true): caller.print(t("已加入名单", "Put on the list"))
            case (true, false): caller.print(t("已移出名单", "Taken off the list"))
            case (false, true): caller.print(t("原已在名单", "On the list before"))
            case (false, false): caller.print(t("原不在名单", "Was not on the list"))
            }
        }
    }
}

extension IdentityKind: ExpressibleByArgument {}
extension ListImportMode: ExpressibleByArgument {}
