// A platform over a made-up operator whose tables are loaded.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Demo
import Foundation
import Kernel
import Model
import Planning
import SimulatedChannel
import Synthetic

/// Runs `body` on an operator with the given tables loaded, in a folder of its own.
func withOperator<Result>(
    _ tables: [SyntheticTable],
    subscribers: Int,
    on today: LocalDay,
    _ body: (Platform, AttributeCatalogue, SyntheticOperator) async throws -> Result
) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "gyre-operator-\(UUID().uuidString)")
        .path(percentEncoded: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let examples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Examples").path(percentEncoded: false)
    let world = try SyntheticOperator(
        seed: 5,
        subscribers: subscribers,
        asOf: today,
        numbers: NumberPlan(csv: String(contentsOfFile: examples + "/number-ranges.csv", encoding: .utf8))
    )
    let catalogue = try AttributeCatalogue(file: examples + "/operator/catalogue.yaml")
    let platform = try await Platform(PlatformSettings(directory: folder)) { _ in
        SimulatedGateway { _ in SimulatedReaction(isDelivered: true, receiptSeconds: 1) }
    }
    for table in tables {
        let source = SyntheticTableSource(world, table)
        _ = try await platform.loading.load(source, catalogue: catalogue, by: "test", at: Instant(epochMs: 0))
    }
    let result = try await body(platform, catalogue, world)
    await platform.close()
    return result
}
