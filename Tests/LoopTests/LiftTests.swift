// Lift: unbiased through the decision core, with intervals that hold what they promise.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Evaluation
import Kernel
import Model
import TestSupport
import Testing

@Suite struct LiftTests {
    /// Worked example of the method: 56/70 against 48/80 gives 0.2000 (0.0524, 0.3339).
    ///
    /// Source: R. G. Newcombe, Statistics in Medicine 17, 1998, table II, method 10, contrast (a).
    @Test func `the interval is the one of the paper's example`() {
        let lift = Lift(contact: Proportion(56, of: 70), control: Proportion(48, of: 80))
        #expect(abs(lift.difference - 0.2) < 1e-9)
        #expect(abs(lift.interval.lowerBound - 0.0524) < 0.00005)
        #expect(abs(lift.interval.upperBound - 0.3339) < 0.00005)
        #expect(lift.isSignificant)
    }

    @Test func `without anybody in an arm nothing is claimed`() {
        let lift = Lift(contact: Proportion(5, of: 10), control: Proportion(0, of: 0))
        #expect(lift.interval == -1...1)
        #expect(!lift.isSignificant)
        #expect(lift.smallestDetectable == 1)
    }

    @Test func `the 95 per cent interval covers the truth in 93 to 97 of 100 small campaigns`() {
        let seed: UInt64 = 2_026
        var random = SeededRandom(seed: seed)
        var covered = 0
        let campaigns = 1_000
        for _ in 0..<campaigns {
            let base = Double(Int.random(in: 20...120, using: &random)) / 1000
            let effect = Double(Int.random(in: 0...60, using: &random)) / 1000
            let (contacts, controls) = (
                Int.random(in: 300...1_200, using: &random), Int.random(in: 150...500, using: &random)
            )
            func successes(_ count: Int, _ share: Double) -> Int {
                let limit = UInt64(share * 1_000_000)
                return (0..<count).count { _ in random.next() % 1_000_000 < limit }
            }
            let lift = Lift(
                contact: Proportion(successes(contacts, base + effect), of: contacts),
                control: Proportion(successes(controls, base), of: controls)
            )
            if lift.interval.contains(effect) { covered += 1 }
        }
        print("coverage: \(covered) of \(campaigns) (seed \(seed))")
        #expect((930...970).contains(covered))
    }

    @Test func `lift is unbiased on 200 seeds although the top N binds`() async throws {
        var sum = 0.0
        var squares = 0.0
        let seeds = 200
        for seed in 1...UInt64(seeds) {
            let world = DecisionWorld(seed: seed, subscribers: 2_500)
            var spec = world.campaign(1, limit: 400)
            spec.controlPPM = 300_000
            let host = try await world.host(campaigns: [spec], threads: 1)
            let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
            let summary = try await host.run(wave: wave, planned: world.start, audience: world.audience(percent: 100))
            try #require(summary.count(.contact) == 400 && summary.count(.outranked) > 100)
            let state = try #require(try await host.read { $0.waves[wave] })
            // Who has a high score orders more often anyway; a contact adds 8 points for some and nothing for others.
            func base(_ index: SubscriberIndex) -> UInt64 {
                100 + UInt64(max(0, world.score(index.number) ?? 0)) / 40_000
            }
            func effect(_ index: SubscriberIndex) -> UInt64 { index.number % 2 == 0 ? 80 : 0 }
            func orders(_ index: SubscriberIndex, _ perMille: UInt64) -> Bool {
                world.isDrawn(500, index.number, perMille: perMille)
            }
            let (contact, control) = (state.members(\.contact), state.members(\.control))
            let lift = Lift(
                contact: Proportion(contact.count { orders($0, base($0) + effect($0)) }, of: contact.count),
                control: Proportion(control.count { orders($0, base($0)) }, of: control.count)
            )
            let truth = Double(contact.reduce(0) { $0 + effect($1) }) / Double(contact.count) / 1000
            let error = lift.difference - truth
            sum += error
            squares += error * error
        }
        let mean = sum / Double(seeds)
        let standardError = ((squares / Double(seeds) - mean * mean) / Double(seeds)).squareRoot()
        print("mean error \(mean), standard error \(standardError) over \(seeds) seeds")
        #expect(abs(mean) < 3 * standardError)
    }
}
