// gyre segment count: how many subscribers a rule selects.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import DecisionHost
import Decisioning
import Kernel
import Model
import Planning
import Rules
import Texts

struct SegmentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segment",
        abstract: "Work with segments.",
        subcommands: [Count.self]
    )

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
}
