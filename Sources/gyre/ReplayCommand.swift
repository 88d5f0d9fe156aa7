// gyre replay: rebuild the state from the log; --verify decides everything once more.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import DecisionHost
import Decisioning
import Foundation
import Kernel
import Ports
import Texts

struct ReplayCommand: PlatformCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Fold the decision log and print the hash of the state; --verify makes every decision again."
    )

    /// Batches between two looks whether to go on.
    private static let batchesPerStep: Int64 = 64

    @OptionGroup var common: CommonOptions

    @Flag(help: "Make every decision again and compare with the log.")
    var verify = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    struct Output: Encodable {
        var batches: Int
        var stateSHA256: String
        var decisionsVerified: Int64?
        /// Decisions on subscribers who were erased since: what they came from is destroyed.
        var decisionsErased: Int64?
    }

    func run(on platform: Platform, for caller: Caller) async throws {
        // A server goes on writing: both sides are compared as of one position.
        let (live, last) = try await platform.host.read { ($0.stateSHA256(), $0.sequence) }
        let replay = Replay(log: platform.log, inputs: platform.inputs, threads: platform.threads, verifies: verify)
        var position: Int64 = 0
        while position < last {
            try Task.checkCancellation()
            position = min(last, position + Self.batchesPerStep)
            try replay.fold(upTo: position)
            await Task.yield()
        }
        let hash = replay.state.stateSHA256()
        guard hash == live else {
            throw DecisionError.different(sequence: Int64(replay.batches), what: "the state of the running host")
        }
        let output = Output(
            batches: replay.batches,
            stateSHA256: hash.hex,
            decisionsVerified: verify ? replay.decisionsVerified : nil,
            decisionsErased: verify && replay.decisionsErased > 0 ? replay.decisionsErased : nil
        )
        guard !json else { return try caller.printJSON(output) }
        let t = caller.language
        caller.print(t("批次 ", "Batches ") + t.number(output.batches))
        caller.print(t("状态哈希 ", "State hash ") + output.stateSHA256)
        if let verified = output.decisionsVerified {
            caller.print(t("重新决策一致：", "Decided again, all equal: ") + t.number(Int(verified)))
        }
        if let erased = output.decisionsErased {
            caller.print(t("不可重新决策（用户已删除）：", "Not decidable again, erased: ") + t.number(Int(erased)))
        }
    }
}
