// gyre load: an operator's file through its mapping file.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import Planning
import Ports
import Texts

struct LoadCommand: PlatformCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Load a CSV or Parquet file; formats are described in docs/formats.md."
    )

    static let loadsTables = true

    @OptionGroup var common: CommonOptions

    @Argument(help: "The file.")
    var file: String

    @Option(help: "The mapping file.")
    var mapping: String

    @Option(help: "The attribute catalogue; else catalogue.yaml beside the mapping file.")
    var catalogue: String?

    @Option(
        help: "Makes this contact policy live after the load; else policy.yaml beside the mapping, if none is live."
    )
    var policy: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    struct Output: Encodable {
        var loadId: String
        var rows: Int
        var loaded: Int
        var rejected: Int
        var rejectFile: String?
    }

    func check(for caller: Caller) throws {
        _ = try attributes(caller)
    }

    func run(on platform: Platform, for caller: Caller) async throws {
        let (record, counts) = try await platform.load(
            file: caller.path(file),
            mapping: caller.path(mapping),
            catalogue: attributes(caller),
            by: "cli"
        )
        caller.note(notListed: counts.notListed)
        try await setPolicy(platform, caller)
        if json {
            try caller.printJSON(
                Output(
                    loadId: record.id,
                    rows: record.rows,
                    loaded: record.loaded,
                    rejected: record.rejected,
                    rejectFile: counts.rejectFile
                )
            )
        } else {
            let t = caller.language
            caller.print(
                t("已装载 ", "Loaded ") + t.number(record.loaded) + t(" 行，拒绝 ", " rows, rejected ")
                    + t.number(record.rejected) + (counts.rejectFile.map { t("，见 ", ", see ") + $0 } ?? "")
            )
        }
    }

    private func attributes(_ caller: Caller) throws -> AttributeCatalogue {
        try AttributeCatalogue(file: catalogue.map(caller.path) ?? beside(caller, "catalogue.yaml"))
    }

    /// A file in the folder of the mapping file.
    private func beside(_ caller: Caller, _ name: String) -> String {
        URL(filePath: caller.path(mapping)).deletingLastPathComponent().appending(path: name)
            .path(percentEncoded: false)
    }

    private func setPolicy(_ platform: Platform, _ caller: Caller) async throws {
        let standard = beside(caller, "policy.yaml")
        if let policy {
            try await platform.setPolicy(file: caller.path(policy), by: "cli")
        } else if try await platform.host.read({ $0.policy == nil && $0.subscribers > 0 }),
            FileManager.default.fileExists(atPath: standard)
        {
            try await platform.setPolicy(file: standard, by: "cli")
        }
    }
}
