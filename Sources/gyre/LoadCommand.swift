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

struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Load a CSV or Parquet file; formats are described in docs/formats.md."
    )

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

    func run() async throws {
        let beside = URL(filePath: mapping).deletingLastPathComponent()
        let types = try AttributeCatalogue(
            file: catalogue ?? beside.appending(path: "catalogue.yaml").path(percentEncoded: false)
        )
        let platform = try await common.platform(mayCreate: true)
        let (record, counts) = try await platform.load(file: file, mapping: mapping, catalogue: types, by: "cli")
        try await setPolicy(platform, beside: beside)
        await platform.close()
        if json {
            try Terminal.printJSON(
                Output(
                    loadId: record.id,
                    rows: record.rows,
                    loaded: record.loaded,
                    rejected: record.rejected,
                    rejectFile: counts.rejectFile
                )
            )
        } else {
            let t = common.language
            print(
                t("已装载 ", "Loaded ") + t.number(record.loaded) + t(" 行，拒绝 ", " rows, rejected ")
                    + t.number(record.rejected) + (counts.rejectFile.map { t("，见 ", ", see ") + $0 } ?? "")
            )
        }
    }

    private func setPolicy(_ platform: Platform, beside: URL) async throws {
        let standard = beside.appending(path: "policy.yaml").path(percentEncoded: false)
        if let policy {
            try await platform.setPolicy(file: policy, by: "cli")
        } else if try await platform.host.read({ $0.policy == nil && $0.subscribers > 0 }),
            FileManager.default.fileExists(atPath: standard)
        {
            try await platform.setPolicy(file: standard, by: "cli")
        }
    }
}
