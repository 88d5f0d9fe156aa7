// The console over a demo's data, for the browser tests: while messages are under way, half an hour passes in each
// fifth of a second.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Console
import DecisionHost
import Decisioning
import Demo
import Feedback
import Foundation
import HTTPAPI
import Hummingbird
import Kernel
import Logging
import Model
import Planning
import Ports
import ServiceLifecycle
import SimulatedChannel
import Synchronization
import Texts
import UnixSignals

/// How far time has flown for each campaign: not for ever for one that nothing ends, or contacts would grow old.
private final class Flights: Sendable {
    /// Half hours of four days.
    private static let most = 192
    private let flown = Mutex<[CampaignID: Int]>([:])

    /// Whether time flies once more for a campaign under way.
    func go(for campaigns: [CampaignID]) -> Bool {
        flown.withLock { flown in
            let due = campaigns.filter { flown[$0, default: 0] < Self.most }
            for campaign in due { flown[campaign, default: 0] += 1 }
            return !due.isEmpty
        }
    }
}

/// `ConsoleRig --data-dir D --port P`: prints the passwords of planner, approver, agent and admin as a line of JSON.
///
/// Days and hours are the rig's own, so that quiet hours of the machine's day change nothing.
@main
struct ConsoleRig {
    /// The day after the demo's last one, while its contacts are less than 90 days old.
    private static let firstDay = LocalDay(number: 20_735)

    static func main() async throws {
        func option(_ name: String) -> String? {
            CommandLine.arguments.firstIndex(of: name).flatMap { CommandLine.arguments.dropFirst($0 + 1).first }
        }
        guard let folder = option("--data-dir"), let port = option("--port").flatMap({ Int($0) }) else {
            print("usage: ConsoleRig --data-dir D --port P")
            exit(64)
        }
        let repository = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL.path()
        let demo = DemoSettings(
            directory: folder,
            examples: repository + "Examples",
            subscribers: 2_000,
            language: .zh
        )
        _ = try await Demo(demo) { _ in }.run()
        let platform = try await openPlatform(folder)
        try await loadSpares(to: platform, from: folder)
        var pace = CampaignRunner.Pace()
        pace.feedback = .milliseconds(200)
        pace.messagesPerSecond = 300
        pace.tick = .seconds(5)
        let flights = Flights()
        let runner = CampaignRunner(platform, pace: pace) {
            // Time flies for what is sent; a customer at a desk is served in a minute of his own.
            let running = try await platform.store.campaigns(ListQuery(limit: 100), phases: [.running], in: .all)
            guard flights.go(for: running.rows.filter(\.plan.hasWaves).map(\.id)) else { return }
            platform.clock.advance(to: platform.clock.now.instant.adding(ms: 30 * 60_000))
            try await placeOrders(on: platform)
        }
        var settings = SiteSettings()
        settings.port = port
        settings.assetFolders = [repository + ".deps/web"]
        settings.sessionHours = 1_000_000
        var logger = Logger(label: "rig")
        logger.logLevel = .error
        let site = try Site(platform: platform, runner: runner, settings: settings, logger: logger)
        Console.add(to: site)
        let staff = try await platform.store.staff(ListQuery(limit: 100)).rows
        let passwords = try await site.accounts.ensure(staff, renewing: true)
        let application = site.application { _ in
            let all = Dictionary(passwords.map { ($0.staff.login, $0.password) }, uniquingKeysWith: { $1 })
            print(String(decoding: (try? JSONEncoder().encode(all)) ?? Data(), as: UTF8.self))
            fflush(nil)
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: application), .init(service: runner)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        try await group.run()
        await platform.close()
    }

    private static func openPlatform(_ folder: String) async throws -> Platform {
        var settings = PlatformSettings(directory: folder)
        settings.threads = 1
        settings.warehouseMemoryBytes = 256 << 20
        let start = OperatorClock(zone: settings.timeZone).at(firstDay, minute: 9 * 60 + 30).instant
        let clock = OperatorClock(zone: settings.timeZone, simulatedFrom: start)
        return try await Platform(settings, isDemo: true, clock: clock) { @Sendable _ in
            SimulatedGateway(ratePerSecond: 200) { message in
                let draw = SeededRandom.mix(UInt64(message.to.number)) % 100
                return SimulatedReaction(
                    isDelivered: draw < 94,
                    receiptSeconds: 600,
                    reply: draw == 3 ? "TD" : draw < 12 ? "1" : nil,
                    replySeconds: 1200
                )
            }
        }
    }

    /// Old complaints in two small files that no other test needs, so that they may be taken out.
    private static func loadSpares(to platform: Platform, from folder: String) async throws {
        let rows = try await platform.warehouse.rows(
            SQLText("SELECT line_id FROM subscriber ORDER BY line_id LIMIT 30")
        )
        let lines = rows.compactMap { $0[0].integer }
        let mapping = folder + "/spare.yaml"
        try "table: complaint\ncolumns: { line_id: line, day: day, topic: topic }\n"
            .write(toFile: mapping, atomically: true, encoding: .utf8)
        for (number, name) in ["zh", "en"].enumerated() {
            let file = folder + "/spare-\(name).csv"
            let rows = lines.map { "\($0),2020-0\(number + 1)-15,spare" } + ["1,yesterday,spare"]
            try (["line,day,topic"] + rows).joined(separator: "\n")
                .write(toFile: file, atomically: true, encoding: .utf8)
            let catalogue = try await platform.segments.catalogue()
            _ = try await platform.load(file: file, mapping: mapping, catalogue: catalogue, by: "rig")
        }
    }

    /// Orders of both arms, once a wave was delivered: 14 % of those reached, 5 % of all others.
    private static func placeOrders(on platform: Platform) async throws {
        let due = try await platform.host.read { state in
            state.waves.values.filter { $0.status == .closed && $0.sum(\.delivered) > 0 && $0.sum(\.ordered) == 0 }
        }
        for wave in due {
            var orders: [SubscriberIndex] = []
            for (block, members) in wave.blocks {
                members.contact.union(members.control).forEach { offset in
                    let index = SubscriberIndex(UInt32(block * Block.size + offset))
                    let share: UInt64 = members.delivered.contains(offset) ? 14 : 5
                    if SeededRandom.mix(UInt64(index.number) &+ 99) % 100 < share { orders.append(index) }
                }
            }
            try await platform.receipts.recordOrders(wave.wave, orders, at: platform.clock.now)
        }
    }
}
