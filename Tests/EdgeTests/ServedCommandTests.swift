// Commands beside a running server, as processes: the same answers as without it, and no harm from either's death.
// SPDX-License-Identifier: Apache-2.0

import Approval
import Assembly
import Foundation
import Glibc
import Kernel
import Model
import Planning
import Ports
import SimulatedChannel
import Testing

@Suite(.serialized) struct ServedCommandTests {
    /// A folder with a data directory, files to load, and programs that work on them.
    private final class World: Sendable {
        static let examples = APIWorld.repository.standardizedFileURL.appending(path: "Examples")
            .path(percentEncoded: false)
        /// One of the first 500 customers, with a monthly contract.
        static let number = "15709959153"
        static let known = "contract = 'Month-to-month'"

        let folder = FileManager.default.temporaryDirectory.path + "/gyre-served-\(UUID().uuidString)"
        /// Longer than the name of a socket may be.
        let data: String

        /// Loads 500 customers and leaves one approved campaign.
        init() async throws {
            data = folder + "/" + String(repeating: "data", count: 30)
            for name in ["mapping.yaml", "catalogue.yaml", "policy.yaml"] {
                try FileManager.default.createDirectory(atPath: folder + "/files", withIntermediateDirectories: true)
                try FileManager.default.copyItem(
                    atPath: "\(Self.examples)/telco-churn/\(name)",
                    toPath: "\(folder)/files/\(name)"
                )
            }
            try write("first.csv", rows: 0..<500)
            try write("second.csv", rows: 500..<900)
            let load = try await gyre("load", "files/first.csv", "--mapping", "files/mapping.yaml")
            #expect(load.code == 0, "\(load)")
            try await approveCampaign()
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func write(_ name: String, rows: Range<Int>) throws {
            let lines = try String(contentsOfFile: Self.examples + "/telco-churn/customers.csv", encoding: .utf8)
                .split(separator: "\n")
            let chosen = [lines[0]] + lines.dropFirst()[(rows.lowerBound + 1)..<(rows.upperBound + 1)]
            try Data((chosen.joined(separator: "\n") + "\n").utf8)
                .write(to: URL(filePath: "\(folder)/files/\(name)"))
        }

        private func approveCampaign() async throws {
            let platform = try await Platform(PlatformSettings(directory: data)) { _ in
                SimulatedGateway { _ in SimulatedReaction(isDelivered: true, receiptSeconds: 1) }
            }
            let now = platform.clock.now
            let planner = Staff(login: "planner", name: "林晓", role: .planner)
            let segment = try await platform.segments.save(
                Segment(name: "s", rule: Self.known, owner: "planner", scope: .all, updatedAt: now.instant),
                by: planner,
                today: now.day,
                at: now.instant
            )
            let scene = try #require(Scene.named("retention"))
            let plan = CampaignPlan(
                name: "retention",
                scene: scene.code,
                goal: "keep",
                category: scene.category,
                segment: segment.id,
                message: scene.message,
                planned: platform.clock.at(now.day.adding(days: 1), minute: 600),
                validTo: now.day.adding(days: 30)
            )
            let draft = try await platform.campaigns.save(
                Campaign(plan: plan, owner: "planner", scope: .all, updatedAt: now.instant),
                by: planner,
                at: now.instant
            )
            let rehearsed = try await platform.campaigns.dryRun(draft, by: planner, at: now.instant).0
            let submitted = try await platform.campaigns.submit(rehearsed, by: planner, at: now.instant).campaign
            let approver = Staff(login: "approver", name: "陈立", role: .approver)
            _ = try await platform.approvals.decide(submitted, .pass, reason: "", by: approver, at: now.instant)
            await platform.close()
        }

        func start(_ arguments: [String]) throws -> Program {
            try Program(Program.gyre, arguments, in: folder, environment: ["GYRE_DATA_DIR": data])
        }

        func gyre(_ arguments: String...) async throws -> Program.End { try await start(arguments).end() }

        func count() async throws -> String {
            let end = try await gyre("segment", "count", Self.known)
            return end.code == 0 ? end.out : "\(end)"
        }

        /// A server that has said where its console is.
        func serve() async throws -> Program {
            let port = 20_000 + Int.random(in: 0..<20_000)
            let server = try start(["serve", "--port", "\(port)"])
            for _ in 0..<300 where !server.out.contains("Ctrl-C") { try await Task.sleep(for: .milliseconds(100)) }
            try #require(server.out.contains("Ctrl-C"), "the server starts")
            return server
        }
    }

    /// The commands of a session, and words that their answers must hold.
    private static let session: [(arguments: [String], code: Int32, says: String)] = [
        (["segment", "count", World.known, "--json"], 0, "\"count\""), (["segment", "count", World.known], 0, "\n"),
        (["segment", "count", "contrakt = 'x'", "--lang", "zh-CN"], 1, "contract"),
        (["load", "files/second.csv", "--mapping", "files/mapping.yaml", "--json"], 0, "\"loaded\":400"),
        (["load", "files/second.csv", "--mapping", "files/mapping.yaml", "--lang", "zh"], 0, "已装载 400"),
        (["load", "files/none.csv", "--mapping", "files/mapping.yaml"], 1, "files/none.csv cannot be read"),
        (["load", "files/second.csv", "--mapping", "files/none.yaml"], 1, "none.yaml"),
        (["segment", "count", World.known, "--json"], 0, "\"count\""),
        (["wave", "1", "--dry-run", "--json"], 0, "\"target\""), (["wave", "retention"], 0, "Outcome hash"),
        (["wave", "9"], 1, "campaign \"9\" does not exist"), (["wave", "1", "--at", "noon"], 64, "not ISO 8601"),
        (["explain", "1", "13800138000"], 1, "138****8000"), (["explain", "1", "x"], 64, "not a telephone number"),
        (["explain", "1", World.number], 0, "Outcome"), (["explain", "1", World.number, "--json"], 0, "reasons"),
        (["overruns"], 0, "Above a cap"), (["overruns", "--json", "--search", "cap_sms"], 0, "\"above\":"),
        (["overruns", "--limit", "-1"], 64, "0 to 1000"),
        (["replay", "--verify", "--json"], 0, "stateSHA256"), (["replay", "--lang", "zh-CN"], 0, "状态哈希"),
        (["report", "1", "--json"], 0, "liftPercentagePoints"), (["report", "1"], 0, "percentage points"),
        (["report", "2"], 1, "campaign \"2\" does not exist"), (["report", "1", "--nonsense"], 64, "Usage"),
        (["segment", "create", "long", "--rule", "tenure >= 12", "--json"], 0, "\"name\":\"long\""),
        (["segment", "create", "no", "--rule", "tenur >= 12", "--lang", "zh-CN"], 1, "第 1 行第 1 列"),
        (["segment", "create", "no", "--sql", "files/none.sql"], 1, "files/none.sql cannot be read"),
        (["segment", "split", "long", "--by", "random:2", "--save", "--json"], 0, "\"segment\":"),
        (["segment", "split", "long", "--by", "age"], 64, "random:3"),
        (["segment", "movement", "long"], 1, "two audiences"),
        (["segment", "export", "long", "--reason", "x"], 1, "saved"), (["segment", "exports"], 0, "Asked by"),
        (["list", "lists", "--json"], 0, "dnd_15"), (["list", "settings"], 0, "all who may"),
        (["list", "show", World.number], 0, "On no list"), (["customer", "--imsi", "12"], 1, "14 or 15 digits"),
        (["list", "add", "grey", World.number, "--reason", "x", "--to", "2999-01-01"], 0, "Put on the list"),
        (["customer", World.number, "--imsi", "12"], 64, "exactly one"),
        (["catalogue", "show", "tenure"], 0, "Used by"),
        (["catalogue", "cold", "partner", "--reason", "x"], 0, "Revision 1"), (["catalogue", "list"], 0, "cold"),
        (["catalogue", "hot", "nothing", "--reason", "x"], 1, "nothing"),
        (["catalogue", "remove", "x"], 64, "--reason"),
    ]

    private func play(_ world: World) async throws -> [Program.End] {
        var ends: [Program.End] = []
        for step in Self.session {
            var end = try await world.start(step.arguments).end()
            #expect(end.code == step.code, "\(step.arguments): \(end)")
            #expect((end.out + end.err).contains(step.says), "\(step.arguments): \(end)")
            end.out.replace(#/"ms":[0-9.]+/#, with: #""ms":0"#)
            ends.append(end)
        }
        return ends
    }

    @Test func `every command answers beside a server exactly what it answers alone`() async throws {
        let world = try await World()
        try Data(#"{"format":2,"isDemo":true}"#.utf8).write(to: URL(filePath: world.data + "/gyre.json"))
        let before = world.folder + "/before"
        try FileManager.default.copyItem(atPath: world.data, toPath: before)
        let alone = try await play(world)
        try FileManager.default.removeItem(atPath: world.data)
        try FileManager.default.moveItem(atPath: before, toPath: world.data)

        let server = try await world.serve()
        let served = try await play(world)
        for (step, (a, b)) in zip(Self.session, zip(alone, served)) { #expect(a == b, "\(step.arguments)") }

        for command in [["demo", "--subscribers", "1000"], ["serve", "--port", "19999"]] {
            let end = try await world.start(command).end()
            #expect(end.code == 1)
            #expect(end.err.contains("is in use by process \(server.number); stop it"), "\(command): \(end)")
        }
        #expect(await server.end(with: SIGTERM).code == 0)
        #expect(!FileManager.default.fileExists(atPath: world.data + "/gyre.sock"))
        let after = try await world.gyre("replay", "--json")
        #expect(after.code == 0 && after.err.isEmpty, "\(after)")
    }

    @Test func `after kill -9 the next command works alone, and the next server takes the socket over`() async throws {
        let world = try await World()
        let expected = try await world.count()
        let first = try await world.serve()
        #expect(try await world.count() == expected)
        #expect(await first.end(with: SIGKILL).code == -SIGKILL)
        #expect(FileManager.default.fileExists(atPath: world.data + "/gyre.sock"), "it was left behind")
        #expect(try await world.count() == expected)

        let lock = open(world.data + "/lock", O_RDWR | O_CLOEXEC)
        #expect(flock(lock, LOCK_EX | LOCK_NB) == 0, "another command at work, and no server")
        let refused = try await world.gyre("segment", "count", World.known)
        #expect(refused.code == 1 && refused.err.contains("is in use by process"), "\(refused)")
        close(lock)

        let second = try await world.serve()
        #expect(try await world.count() == expected)
        #expect(await second.end(with: SIGINT).code == 0)
    }

    @Test func `commands at the same time get each their own answer, and loads take turns`() async throws {
        let world = try await World()
        for number in 0..<3 {
            try world.write("\(number).csv", rows: (1_000 * number + 1_000)..<(1_000 * number + 1_200))
        }
        let expected = try await world.count()
        let server = try await world.serve()
        let loads = try (0..<3).map {
            try world.start(["load", "files/\($0).csv", "--mapping", "files/mapping.yaml", "--json"])
        }
        let waves = try (0..<3).map { _ in try world.start(["wave", "1", "--dry-run", "--json"]) }
        let replays = try (0..<2).map { _ in try world.start(["replay", "--verify"]) }
        for load in loads {
            let end = await load.end()
            #expect(end.code == 0 && end.out.contains("\"loaded\":200"), "\(end)")
        }
        for other in waves + replays {
            let end = await other.end()
            #expect(end.code == 0 && end.err.isEmpty, "\(end)")
        }
        let total = try await world.gyre("segment", "count", "contract IS NOT NULL")
        #expect(total.out == "1,100\n", "500 and three times 200")
        #expect(try await world.count() != expected)
        #expect(await server.end(with: SIGTERM).code == 0)
    }

    @Test func `a load whose client or server ends half way leaves nothing`() async throws {
        let world = try await World()
        let files = world.folder + "/files"
        for name in ["catalogue.yaml", "mapping.yaml"] {
            try FileManager.default.copyItem(
                atPath: "\(World.examples)/operator/\(name)",
                toPath: "\(files)/operator-\(name)"
            )
        }
        let made = try await world.gyre("generate", "--subscribers", "300000", "--output", "files/big.csv")
        #expect(made.code == 0, "\(made)")
        let big = [
            "load", "files/big.csv", "--mapping", "files/operator-mapping.yaml", "--catalogue",
            "files/operator-catalogue.yaml",
        ]
        let expected = try await world.count()
        let server = try await world.serve()

        let client = try world.start(big)
        try await Task.sleep(for: .milliseconds(700))
        #expect(await client.end(with: SIGKILL).code == -SIGKILL, "it had not ended")
        #expect(try await world.count() == expected)
        // Loads take turns, so this one begins when the other has been cleared away.
        let small = try await world.gyre("load", "files/second.csv", "--mapping", "files/mapping.yaml", "--json")
        #expect(small.out.contains("\"loaded\":400"), "\(small)")
        let all = try await world.gyre("segment", "count", "contract IS NOT NULL")
        #expect(all.out == "900\n", "only the small file's lines are new")

        let second = try world.start(big)
        try await Task.sleep(for: .milliseconds(700))
        #expect(await server.end(with: SIGTERM).code == 0)
        let told = await second.end()
        #expect(told.code == 1 && told.err.contains("shutting down and cancelled the command"), "\(told)")
        #expect(try await world.gyre("segment", "count", "contract IS NOT NULL").out == "900\n")
        let replay = try await world.gyre("replay", "--verify")
        #expect(replay.code == 0, "\(replay)")
    }
}
