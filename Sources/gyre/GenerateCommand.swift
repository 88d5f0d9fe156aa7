// gyre generate: a synthetic operator as a CSV file, to try loading with.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Demo
import Foundation
import Kernel
import Ports
import Synthetic

struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Write a synthetic operator's subscriber table as CSV to stdout or a file."
    )

    @Option(help: "Subscribers, 1 to 18,000,000.")
    var subscribers = 10_000

    @Option(help: "Chooses the operator.")
    var seed: UInt64 = 42

    @Option(help: "Folder with the example files; else GYRE_EXAMPLES, else found beside the program.")
    var examples: String?

    @Option(name: .shortAndLong, help: "File to write; stdout without it.")
    var output: String?

    func run() async throws {
        let folder = try ExampleFiles.folder(
            setting: examples ?? ProcessInfo.processInfo.environment["GYRE_EXAMPLES"]
        )
        let numbers = try String(contentsOfFile: folder + "/number-ranges.csv", encoding: .utf8)
        let synthetic = try SyntheticOperator(
            seed: seed,
            subscribers: subscribers,
            asOf: LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0),
            numbers: try NumberPlan(csv: numbers)
        )
        let handle = try outputHandle()
        var text = CSVText()
        text.appendHeader(synthetic.fields(of: .subscriber))
        var source = synthetic.source(.subscriber)
        while let batch = source.next() {
            text.append(batch)
            try handle.write(contentsOf: text.take())
        }
        try handle.synchronize()
    }

    private func outputHandle() throws -> FileHandle {
        guard let output else { return .standardOutput }
        guard FileManager.default.createFile(atPath: output, contents: nil),
            let handle = FileHandle(forWritingAtPath: output)
        else { throw ValidationError("\(output) cannot be written") }
        return handle
    }
}
