// The whole loop by seed: what gyre demo does, on a small operator.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Decisioning
import DecisionHost
import Demo
import Evaluation
import Foundation
import Kernel
import Model
import Ports
import SimulatedChannel
import Testing
import Texts

@Suite(.serialized) struct DemoTests {
    private static func play(_ directory: String, subscribers: Int = 4_000) async throws -> DemoReport {
        let settings = DemoSettings(
            directory: directory,
            examples: try ExampleFiles.folder(setting: packageRoot + "/Examples"),
            subscribers: subscribers,
            language: .zh
        )
        return try await Demo(settings) { _ in }.run()
    }

    private static var packageRoot: String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .path(percentEncoded: false)
    }

    private static func temporaryDirectory() -> String {
        FileManager.default.temporaryDirectory.appending(path: "gyre-demo-\(UUID().uuidString)")
            .path(percentEncoded: false)
    }

    @Test func `the demo closes the loop on the real table and the synthetic operator`() async throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let report = try await Self.play(directory)
        let (real, synthetic) = (report.operators[0], report.operators[1])
        #expect(real.subscribers == 7_043)
        let retention = try #require(real.campaigns.first?.evaluation)
        #expect(retention.target == 2_104, "month-to-month customers who pay at least 70 a month")
        let controlShare = Double(retention.lift.control.total) / Double(retention.reachable)
        #expect(abs(controlShare - 0.3) < 0.03)

        #expect(synthetic.campaigns.count == 2)
        for campaign in real.campaigns + synthetic.campaigns {
            let e = campaign.evaluation
            #expect(e.outcomes.reduce(0) { $0 + Int($1.count) } == e.target, "losses add up to the target")
            #expect(e.open == 0, "everything is settled or released")
            #expect(e.delivered > 0 && e.released > 0 && e.unsubscriptions >= 0)
            #expect(campaign.examples.count == 3)
        }
        #expect(synthetic.campaigns.contains { $0.evaluation.count(.capSMS) + $0.evaluation.count(.capOverall) > 0 })
        #expect(synthetic.breaches.subscribersOverCap == 0 && synthetic.breaches.contactsToBarred == 0)
        #expect(real.breaches.subscribersOverCap == 0 && real.breaches.contactsToBarred == 0)
        #expect(synthetic.breachesWithoutControl.subscribersOverCap > 0)
        #expect(synthetic.breachesWithoutControl.contactsToBarred > 0)

        for language in Language.allCases {
            let text = report.text(language)
            #expect(text.contains("gyre explain"))
            #expect(report.html(language).contains("<svg"))
        }
        try await Self.checkReplay(directory)
        try await Self.checkReplay(directory + "/real")
    }

    /// The log of the demo gives the same state again, and every decision comes out the same.
    private static func checkReplay(_ directory: String) async throws {
        let platform = try await Platform(PlatformSettings(directory: directory)) { _ in
            SimulatedGateway { _ in SimulatedReaction(isDelivered: true, receiptSeconds: 1) }
        }
        let replay = Replay(log: platform.log, inputs: platform.inputs, threads: 2, verifies: true)
        try replay.fold()
        #expect(replay.decisionsVerified > 0)
        let live = try await platform.host.read { $0.stateSHA256() }
        #expect(replay.state.stateSHA256() == live)
        await platform.close()
    }

    @Test func `the same seed gives the same report, and only a demo's directory is replaced`() async throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let first = try await Self.play(directory, subscribers: 1_500).text(.en)
        let second = try await Self.play(directory, subscribers: 1_500).text(.en)
        #expect(first == second)
        let other = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: other) }
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(filePath: other + "/notes.txt"))
        await #expect(throws: DataDirectoryError.self) { try await Self.play(other, subscribers: 1_500) }
        #expect(FileManager.default.contents(atPath: other + "/notes.txt") == Data("mine".utf8))
    }
}
