// gyre segment: rules counted, segments listed, made of lists of numbers, frozen and released; what else is in files beside.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import DecisionHost
import Decisioning
import Kernel
import Model
import Planning
import Ports
import Rules
import Texts

struct SegmentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segment",
        abstract: "Work with segments.",
        subcommands: [
            Count.self, List.self, Show.self, Create.self, Import.self, Compute.self, Publish.self, Movement.self,
            Split.self, Export.self, Exports.self, Fetch.self, Deliver.self, EndDelivery.self,
        ]
    )

    /// Who works with segments from the command line.
    static let staff = Staff(login: "cli", name: "cli", role: .planner)

    /// A segment as commands print it.
    struct Output: Encodable {
        var id: Int64
        var name: String
        var state: String
        var definition: String
        var count: Int64?

        init(_ segment: Segment) {
            (id, name, state) = (segment.id, segment.name, segment.state.rawValue)
            (definition, count) = (segment.definition.summary, segment.count)
        }

        func line(_ language: Language) -> String {
            "\(id)  \(name)  \(state)  \(count.map { language.number(Int($0)) } ?? "--")"
        }
    }

    /// A segment by its number or exact name.
    struct Choice: ParsableArguments {
        @Argument(help: "Number or exact name of the segment.")
        var segment: String

        func find(_ platform: Platform, _ caller: Caller) async throws -> Segment {
            let staff = SegmentCommand.staff
            if let id = Int64(segment), let found = try await platform.store.segment(id), found.isVisible(to: staff) {
                return found
            }
            if let found = try await platform.store.segment(named: segment), found.isVisible(to: staff) { return found }
            caller.note(caller.language("没有客户群 \(segment)", "there is no segment \(segment)"))
            throw ExitCode(1)
        }
    }

    struct Count: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "Count the subscribers a rule selects.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The rule, for example \"brand = '全球通' AND arpu_avg_3m >= 80\".")
        var rule: String

        @Flag(help: "Print the result as JSON.")
        var json = false

        struct Output: Encodable {
            var count: Int
            var ms: Double
        }

        func run(on platform: Platform, for caller: Caller) async throws {
            let clock = ContinuousClock()
            let start = clock.now
            let count: Int
            do {
                count = try await platform.segments.count(rule, in: .all, today: platform.clock.now.day)
            } catch let error as RuleError {
                caller.note(error.report(on: rule, language: caller.language == .zh ? \.zh : \.en))
                throw ExitCode(1)
            }
            let elapsed = start.duration(to: clock.now)
            let ms = Double(elapsed.components.attoseconds) / 1e15 + Double(elapsed.components.seconds) * 1000
            if json {
                try caller.printJSON(Output(count: count, ms: (ms * 1000).rounded() / 1000))
            } else {
                caller.print(caller.language.number(count))
            }
        }
    }

    struct List: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "List the segments with their states and counts.")

        @OptionGroup var common: CommonOptions

        @Flag(help: "Print the result as JSON.")
        var json = false

        func run(on platform: Platform, for caller: Caller) async throws {
            let all = try await platform.segments.all(SegmentFilter()).filter { $0.isVisible(to: SegmentCommand.staff) }
                .map { SegmentCommand.Output($0) }
            guard !json else { return try caller.printJSON(all) }
            for segment in all { caller.print(segment.line(caller.language)) }
        }
    }

    struct Import: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a segment of a file of numbers: XLSX, CSV or TXT, also gzip."
        )

        @OptionGroup var common: CommonOptions

        @Argument(help: "Name of the new segment.")
        var name: String

        @OptionGroup var list: ListFileOptions

        @Flag(help: "Print the result as JSON.")
        var json = false

        struct Output: Encodable {
            var segment: SegmentCommand.Output
            var report: MemberReport
        }

        func run(on platform: Platform, for caller: Caller) async throws {
            let (saved, report) = try await platform.memberLists.segment(
                named: name,
                of: list.source(on: platform, for: caller),
                origin: .file,
                by: SegmentCommand.staff,
                at: platform.clock.now
            )
            guard !json else { return try caller.printJSON(Output(segment: .init(saved), report: report)) }
            caller.print(SegmentCommand.Output(saved).line(caller.language))
            for (code, count) in report.left.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                caller.print("  \(code.rawValue): \(caller.language.number(count))")
            }
        }
    }

    struct Compute: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "Freeze the members as they are now.")

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(help: "Print the result as JSON.")
        var json = false

        func run(on platform: Platform, for caller: Caller) async throws {
            let now = platform.clock.now
            let (_, segment) = try await platform.segments.compute(
                try await choice.find(platform, caller),
                by: SegmentCommand.staff.login,
                today: now.day,
                at: now.instant
            )
            let output = SegmentCommand.Output(segment)
            if json { try caller.printJSON(output) } else { caller.print(output.line(caller.language)) }
        }
    }

    struct Publish: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Release the frozen members for campaigns and others."
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(help: "Print the result as JSON.")
        var json = false

        func run(on platform: Platform, for caller: Caller) async throws {
            let segment = try await platform.segments.publish(
                try await choice.find(platform, caller),
                by: SegmentCommand.staff,
                at: platform.clock.now.instant
            )
            let output = SegmentCommand.Output(segment)
            if json { try caller.printJSON(output) } else { caller.print(output.line(caller.language)) }
        }
    }
}
