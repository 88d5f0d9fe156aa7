// What an uninterrupted run of a script comes to, and the checks every interrupted one must pass.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import InMemory
import Kernel
import Ports
import TestSupport
import Testing

/// Whether the long tests run as well (`bin/test --long`).
let isLong = ProcessInfo.processInfo.environment["GYRE_LONG"] == "1"

/// An uninterrupted run of a script in memory.
struct Reference {
    /// Outcome hash of each cycle's wave.
    var outcomes: [Int: ContentHash] = [:]
    /// Account of the state after the last cycle.
    let state: ContentHash
    /// What is wrong with it; empty when the script itself is sound.
    let problems: [String]

    init(world: DecisionWorld, limit: Int, requests: Int, cycles: Int) async throws {
        let (log, objects) = (InMemoryDecisionLog(), InMemoryObjects())
        let told = LockedValue<[Told]>([])
        let script = LoopScript(
            world: world,
            limit: limit,
            requests: requests,
            objects: objects,
            tell: { entry in told.withLock { $0.append(entry) } }
        )
        let host = try script.host(log)
        try await script.play(on: host, to: cycles)
        state = try await host.read { $0.account() }
        problems = try audit(log, world: world, objects: objects, told: told.withLock { $0 }, isComplete: true)
        for case .ran(let cycle, let outcome) in told.withLock({ $0 }) { outcomes[cycle] = outcome }
    }
}

/// Reads a log once as an auditor and once as the core does, and says what is wrong.
///
/// `verifies`: The core decides everything again.
/// `isComplete`: Nothing is left to lapse.
func audit(
    _ log: any DecisionLog,
    world: DecisionWorld,
    objects: any ObjectStore,
    told: [Told],
    verifies: Bool = true,
    isComplete: Bool = false
) throws -> [String] {
    let audit = try LogAudit(log, world: world, objects: objects)
    let replay = Replay(log: log, inputs: world.inputs(objects), threads: 2, verifies: verifies)
    try replay.fold()
    audit.compare(with: replay.state)
    audit.compare(with: told)
    if isComplete { audit.checkNothingIsDue() }
    return audit.problems
}

/// A folder for one test, removed with the last reference to it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/gyre-durability-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
