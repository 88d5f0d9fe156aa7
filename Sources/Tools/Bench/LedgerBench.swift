// bench ledger: single reservations, 2,048 in flight, each answered only after the commit that holds it.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import Synchronization

struct LedgerBench {
    private let options: BenchOptions
    private let world: BenchWorld
    private static let inFlight = 2_048
    private static let reservations = 600_000

    init(_ options: BenchOptions) {
        self.options = options
        world = BenchWorld(
            subscribers: options.subscribers,
            seed: options.seed,
            folder: options.folder("ledger"),
            threads: options.threads
        )
    }

    func run() async throws -> [String: Double] {
        let commits = Mutex(0)
        options.note("preparing \(options.subscribers) subscribers")
        let (host, _, _) = try await world.open { step in
            if step == .reservationsCommitted { commits.withLock { $0 += 1 } }
        }
        let spec = world.campaign(try await host.nextCampaignNumber(), limit: nil)
        try await world.publish(spec, on: host)
        let raw = try await rawSyncTimes(in: world.folder, count: 400)
        options.note("\(Self.reservations) reservations")
        let before = commits.withLock { $0 }
        let requests = UInt64(Date().timeIntervalSince1970 * 1000) << 24
        let each = Self.reservations / Self.inFlight
        let (times, ms) = try await milliseconds {
            try await withThrowingTaskGroup(of: [Double].self) { group in
                for worker in 0..<Self.inFlight {
                    group.addTask { try await reserve(worker, count: each, requests, spec, host) }
                }
                return try await group.reduce(into: [Double]()) { $0 += $1 }
            }
        }
        let count = Double(each * Self.inFlight)
        let fsyncs = Double(commits.withLock { $0 } - before)
        return [
            "reservations_per_s": count / (ms / 1000), "p50_ms": times.median, "p99_ms": times.percentile(0.99),
            "fsyncs_per_s": fsyncs / (ms / 1000), "fdatasync_p50_ms": raw.median,
            "fdatasync_p99_ms": raw.percentile(0.99), "repetitions": count, "seed": Double(options.seed),
            "data_bytes": bytes(below: world.folder),
        ]
    }

    /// One client: it waits for each answer before it asks again.
    private func reserve(
        _ worker: Int,
        count: Int,
        _ requests: UInt64,
        _ spec: CampaignSpec,
        _ host: DecisionHost
    ) async throws -> [Double] {
        var random = SeededRandom(seed: options.seed &+ UInt64(worker))
        var times: [Double] = []
        times.reserveCapacity(count)
        for position in 0..<count {
            let reservation = SingleReservation(
                request: requests &+ UInt64(worker) << 12 &+ UInt64(position),
                index: UInt32.random(in: 0..<UInt32(options.subscribers), using: &random),
                channel: .sms,
                month: world.start.month,
                campaign: spec.id
            )
            let (_, ms) = try await milliseconds { try await host.reserve(reservation, on: world.start.day) }
            times.append(ms)
        }
        return times
    }
}
