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
        abstract: "Load a CSV or Parquet file, or take a load out again; formats are described in docs/formats.md."
    )

    static let loadsTables = true

    @OptionGroup var common: CommonOptions

    @Argument(help: "The file.")
    var file: String?

    @Option(help: "The mapping file.")
    var mapping: String?

    @Option(help: "Take the load with this id out again instead of loading a file.")
    var rollback: String?

    @Flag(help: "List the loads instead of loading a file.")
    var list = false

    @Flag(help: "Load what waits in the feeds (inbox/loads/) instead of a file; a server does so every minute.")
    var feeds = false

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
        let acts = [file != nil, rollback != nil, list, feeds].count { $0 }
        guard acts == 1, (file == nil) == (mapping == nil) else {
            throw ValidationError(
                "give a file with --mapping, or --rollback with the id of a load, or --list, or --feeds"
            )
        }
        if let mapping { _ = try attributes(caller, mapping) }
    }

    func run(on platform: Platform, for caller: Caller) async throws {
        if let rollback { return try await takeOut(rollback, platform, caller) }
        if feeds { return try await takeFeeds(platform, caller) }
        guard let file, let mapping else { return try await printLoads(platform, caller) }
        let (record, counts) = try await platform.load(
            file: caller.path(file),
            mapping: caller.path(mapping),
            catalogue: attributes(caller, mapping),
            by: "cli"
        )
        caller.note(notListed: counts.notListed)
        try await setPolicy(platform, caller, mapping)
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

    private func takeOut(_ id: String, _ platform: Platform, _ caller: Caller) async throws {
        let record = try await platform.loading.rollback(id, by: "cli", at: platform.clock.now.instant)
        guard !json else { return try caller.printJSON(record) }
        let t = caller.language
        caller.print(
            t("已撤回装载 ", "Took out load ") + "\(record.id) (\(record.table), \(record.file)): " + t.number(record.loaded)
                + t(" 行", " rows")
        )
    }

    private func takeFeeds(_ platform: Platform, _ caller: Caller) async throws {
        struct Row: Encodable {
            var file: String
            var problem: String?
        }
        let taken = try await platform.feeds.take()
        guard !json else { return try caller.printJSON(taken.map { Row(file: $0.file, problem: $0.problem) }) }
        let t = caller.language
        if taken.isEmpty { caller.print(t("没有等待装载的文件", "No file waits")) }
        for file in taken {
            caller.print("\(file.file)  " + (file.problem.map { t("已拒绝 ", "refused ") + $0 } ?? t("已装载", "loaded")))
        }
    }

    private func printLoads(_ platform: Platform, _ caller: Caller) async throws {
        let loads = try await platform.store.loads(table: nil)
        guard !json else { return try caller.printJSON(loads) }
        for load in loads {
            caller.print(
                "\(load.id)  \(platform.clock.local(load.at).isoLocal)  \(load.table)  \(load.loaded)  \(load.file)"
            )
        }
    }

    private func attributes(_ caller: Caller, _ mapping: String) throws -> AttributeCatalogue {
        try AttributeCatalogue(file: catalogue.map(caller.path) ?? beside(caller, mapping, "catalogue.yaml"))
    }

    /// A file in the folder of the mapping file.
    private func beside(_ caller: Caller, _ mapping: String, _ name: String) -> String {
        URL(filePath: caller.path(mapping)).deletingLastPathComponent().appending(path: name)
            .path(percentEncoded: false)
    }

    private func setPolicy(_ platform: Platform, _ caller: Caller, _ mapping: String) async throws {
        let standard = beside(caller, mapping, "policy.yaml")
        if let policy {
            try await platform.setPolicy(file: caller.path(policy), by: "cli")
        } else if try await platform.host.read({ $0.policy == nil && $0.subscribers > 0 }),
            FileManager.default.fileExists(atPath: standard)
        {
            try await platform.setPolicy(file: standard, by: "cli")
        }
    }
}
