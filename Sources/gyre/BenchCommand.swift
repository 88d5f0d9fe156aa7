// gyre bench: what the hot paths do on this machine; docs/benchmarks.md holds the results.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import Foundation
import Texts

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a hot path on prepared data: \(Bench.names.joined(separator: ", "))."
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "Name of the bench.")
    var name: String

    @Option(help: "Size of the base.")
    var subscribers = 1_000_000

    @Option(help: "Workers; the processor's cores without it.")
    var threads: Int?

    @Option(help: "Seed of data and constants.")
    var seed: UInt64 = 7

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() async throws {
        let result = try await Bench.run(
            name,
            BenchOptions(
                subscribers: subscribers,
                threads: threads ?? ProcessInfo.processInfo.activeProcessorCount,
                seed: seed,
                folder: common.directory + "/bench",
                duckDB: ProcessInfo.processInfo.environment["GYRE_DUCKDB"],
                note: { Terminal.note($0) }
            )
        )
        guard !json else { return try Terminal.printJSON(result) }
        for (key, value) in result.results.sorted(by: { $0.key < $1.key }) {
            print("\(key) \(common.language.fixed(value, decimals: 3))")
        }
    }
}
