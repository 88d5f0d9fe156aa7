// bench generate: a synthetic operator made and loaded into a data directory, by the way the demo takes.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Demo
import Foundation
import Kernel
import Model
import Planning
import SimulatedChannel
import Synthetic

/// An operator on disk, as `gyre demo --subscribers N` makes it; bench `memory` opens the same one.
struct BenchOperator {
    let options: BenchOptions
    /// The data directory.
    var directory: String { options.folder("generate") }
    private var ready: String { directory + "/generated" }
    private let examples: String

    init(_ options: BenchOptions) throws {
        self.options = options
        examples = try ExampleFiles.folder(setting: ProcessInfo.processInfo.environment["GYRE_EXAMPLES"])
    }

    /// Opens the data directory with the settings every command opens it with.
    func open() async throws -> Platform {
        try await open(copy: directory)
    }

    /// Opens a data directory of this kind.
    static func open(_ settings: PlatformSettings) async throws -> Platform {
        try await Platform(settings, isDemo: true) { _ in
            SimulatedGateway { _ in SimulatedReaction(isDelivered: true, receiptSeconds: 1) }
        }
    }

    /// Makes the operator anew.
    ///
    /// - Returns: Figures of the tables and of what is derived from them.
    func make() async throws -> [String: Double] {
        try DataDirectory.removeDemo(at: directory)
        let world = try SyntheticOperator(
            seed: options.seed,
            subscribers: options.subscribers,
            asOf: LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0),
            numbers: NumberPlan(csv: String(contentsOfFile: examples + "/number-ranges.csv", encoding: .utf8))
        )
        let catalogue = try AttributeCatalogue(file: examples + "/operator/catalogue.yaml")
        let platform = try await open()
        var results: [String: Double] = [:]
        var (rows, sum) = (0, 0.0)
        for table in SyntheticTable.allCases {
            let (load, ms) = try await milliseconds {
                try await platform.loading.load(
                    SyntheticTableSource(world, table),
                    catalogue: catalogue,
                    by: "bench",
                    at: platform.clock.now.instant
                )
            }
            options.note("\(table.rawValue): \(load.counts.loaded) rows, \(Int(ms)) ms")
            results["\(table.rawValue)_s"] = ms / 1000
            rows += load.counts.loaded
            sum += ms
        }
        results["rows"] = Double(rows)
        results["load_s"] = sum / 1000
        results["subscribers_per_s"] = Double(options.subscribers) / (sum / 1000)
        results["data_bytes"] = bytes(below: directory)
        let (_, facts) = try await milliseconds {
            try await platform.facts.replace(world.specialListMembers())
            try await platform.setPolicy(file: examples + "/operator/policy.yaml", by: "bench")
        }
        results["facts_s"] = facts / 1000
        await platform.close()
        try Data().write(to: URL(filePath: ready))
        return results
    }

    /// Makes the operator unless it is there.
    func prepare() async throws {
        guard !FileManager.default.fileExists(atPath: ready) else { return }
        options.note("preparing \(options.subscribers) subscribers")
        _ = try await make()
    }

    /// Makes another data directory of the same operator; files that never change are linked, log and store are copies.
    func copy(to other: String) async throws {
        try await prepare()
        let manager = FileManager.default
        try? manager.removeItem(atPath: other)
        try manager.createDirectory(atPath: other, withIntermediateDirectories: true)
        for name in try manager.contentsOfDirectory(atPath: directory) where name != "lock" && name != "tmp" {
            let (from, to) = (directory + "/" + name, other + "/" + name)
            let isFixed = name == "objects" || name == "warehouse"
            try isFixed ? manager.linkItem(atPath: from, toPath: to) : manager.copyItem(atPath: from, toPath: to)
        }
    }

    /// Opens a copy.
    func open(copy: String) async throws -> Platform {
        var settings = PlatformSettings(directory: copy)
        settings.threads = options.threads
        return try await Self.open(settings)
    }
}

struct GenerateBench {
    let options: BenchOptions

    func run() async throws -> [String: Double] {
        var results = try await BenchOperator(options).make()
        results["repetitions"] = 1
        results["seed"] = Double(options.seed)
        return results
    }
}
