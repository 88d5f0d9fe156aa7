// The control plane in SQLite against the port's conformance kit, and what only a file promises.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Kernel
import Model
import Ports
import TestSupport
import Testing

@testable import SQLiteStore

@Suite struct SQLiteControlPlaneTests {
    @Test(arguments: ControlPlaneConformance.Promise.allCases)
    func `keeps the promises of the port`(_ promise: ControlPlaneConformance.Promise) async throws {
        try await withStore { store, _ in
            let kit = ControlPlaneConformance(store) { isFailing in
                // The audit entry is the last statement of each transaction.
                let refusal = "CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'refused'); END"
                try await store.pool.write { try $0.execute(sql: isFailing ? refusal : "DROP TRIGGER refuse") }
            }
            try await kit.check(promise)
        }
    }

    // MARK: Durability

    @Test func `each commit is synced into a write-ahead log`() async throws {
        try await withStore { store, path in
            let (journal, synchronous, keys) = try await store.pool.writeWithoutTransaction { db in
                (
                    try String.fetchOne(db, sql: "PRAGMA journal_mode"),
                    try Int.fetchOne(db, sql: "PRAGMA synchronous"),
                    try Int.fetchOne(db, sql: "PRAGMA foreign_keys")
                )
            }
            #expect(journal == "wal" && synchronous == 2 && keys == 1)
            for file in [path, path + "-wal", path + "-shm"] {
                let rights = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
                #expect(rights == 0o600, "\(file)")
            }
        }
    }

    @Test func `what was saved is there after the file was opened again`() async throws {
        try await withDirectory { directory in
            let path = directory + "/control.sqlite"
            let store = try SQLiteControlPlane(path: path)
            let segment = try await store.save(segment("a"), audit: entry)
            try store.close()
            await #expect(throws: (any Error).self) { try await store.segment(1) }
            let again = try SQLiteControlPlane(path: path)
            #expect(try await again.segment(named: "a") == segment)
            #expect(try await again.audit(ListQuery()).rows == [entry])
        }
    }

    @Test func `two stores on one file take turns`() async throws {
        try await withStore { first, path in
            let second = try SQLiteControlPlane(path: path)
            let base = try await first.save(segment("a"), audit: entry)
            let wins = await withTaskGroup(of: Bool.self) { group in
                for store in [first, second] {
                    for _ in 0..<20 {
                        group.addTask { (try? await store.append(entry)) != nil }
                        group.addTask {
                            do {
                                _ = try await store.save(base, audit: entry)
                                return true
                            } catch {
                                #expect(error as? ControlPlaneError == .stale(object: "segment/1", expectedVersion: 1))
                                return false
                            }
                        }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(wins == 41)
            #expect(try await second.audit(ListQuery()).total == 42)
            #expect(try await second.segment(1)?.version == 2)
        }
    }

    // MARK: What raw SQL may not do

    @Test(arguments: [
        "UPDATE audit SET who = 'x'", "UPDATE OR REPLACE audit SET id = 2 WHERE id = 1", "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1", "INSERT OR REPLACE INTO audit VALUES (1, 0, 'x', 'x', '', '')",
        "REPLACE INTO audit (id, at_ms, who, action, object, detail) SELECT id, 0, 'x', 'x', '', '' FROM audit",
        "INSERT INTO audit VALUES (1, 0, 'x', 'x', '', '') ON CONFLICT (id) DO UPDATE SET who = 'x'",
        "UPDATE campaign_revision SET plan = '{}'", "DELETE FROM campaign_revision",
        "INSERT OR REPLACE INTO campaign_revision VALUES (1, 1, '{}')",
        "UPDATE approval SET result = 'fail', reason = 'x'", "DELETE FROM approval",
        "UPDATE catalogue_revision SET content = '{}'", "DELETE FROM catalogue_revision",
        "INSERT OR REPLACE INTO catalogue_revision VALUES (1, 0, 'x', 'x', '{}')",
        "INSERT OR REPLACE INTO approval (id, campaign, revision, submitted_by, submitted_ms) VALUES (1, 1, 1, 'x', 0)",
    ])
    func `history is not changed by raw SQL`(_ sql: String) async throws {
        try await withStore { store, _ in
            let before = try await history(store)
            let error = #expect(throws: DatabaseError.self) { try store.pool.write { try $0.execute(sql: sql) } }
            #expect(error?.message?.contains("never") == true, "\(error?.message ?? "")")
            #expect(try dump(store) == before)
        }
    }

    @Test(arguments: [
        "INSERT INTO staff VALUES ('Wang', 'x', 'agent', NULL, NULL, NULL, 1, 's')",
        "INSERT INTO staff VALUES ('wang', 'x', 'root', NULL, NULL, NULL, 1, 's')",
        "INSERT INTO staff VALUES ('wang', 'x', 'agent', NULL, NULL, NULL, 2, 's')",
        "INSERT INTO session VALUES (zeroblob(32), 'nobody', 0)",
        "UPDATE segment SET version = 'two'", "UPDATE segment SET count = -1",
        "UPDATE campaign SET phase = 'flying'", "UPDATE campaign SET segment = 99", "UPDATE campaign SET revision = 2",
        "UPDATE campaign SET dry_run = '{'", "DELETE FROM segment", "DELETE FROM campaign",
        "INSERT INTO approval VALUES (9, 1, 1, 'wang', 0, 'pass', 'wang', 0, NULL)",
        "INSERT INTO approval VALUES (9, 1, 1, 'wang', 0, 'fail', 'li', 0, NULL)",
        "INSERT INTO approval VALUES (9, 1, 1, 'wang', 0, 'pass', NULL, 0, NULL)",
        "INSERT INTO approval VALUES (9, 1, 7, 'wang', 0, NULL, NULL, NULL, NULL)",
        "INSERT INTO list_change VALUES (1, 0, 'li', 'dnd_02', 'fax', 1, 1, 'x')",
        "INSERT INTO list_change VALUES (1, 0, 'li', 'dnd_02', NULL, 4294967296, 1, 'x')",
        "INSERT INTO load VALUES (1, 'a', 0, 'f', 't', 1, -1, 0, 'x')",
    ])
    func `the schema keeps the invariants`(_ sql: String) async throws {
        try await withStore { store, _ in
            let before = try await history(store)
            let error = #expect(throws: DatabaseError.self) { try store.pool.write { try $0.execute(sql: sql) } }
            #expect(error?.resultCode == .SQLITE_CONSTRAINT, "\(String(describing: error))")
            #expect(try dump(store) == before)
        }
    }

    // MARK: Schema

    @Test func `the schema is reached from every earlier step and opening it again changes nothing`() async throws {
        try await withDirectory { directory in
            var schemas: Set<[String]> = []
            for count in 0...ControlPlaneSchema.steps.count {
                let path = directory + "/from-\(count).sqlite"
                if count > 0 {
                    let early = try DatabaseQueue(path: path)
                    try ControlPlaneSchema.migrator.migrate(early, upTo: ControlPlaneSchema.steps[count - 1].name)
                    try early.close()
                }
                for _ in 0..<2 {
                    let store = try SQLiteControlPlane(path: path)
                    schemas.insert(
                        try await store.pool.read { db in
                            try String.fetchAll(
                                db,
                                sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"
                            )
                                + (try String.fetchAll(
                                    db,
                                    sql: "SELECT identifier FROM grdb_migrations ORDER BY identifier"
                                ))
                        }
                    )
                    try store.close()
                }
            }
            #expect(schemas.count == 1)
        }
    }

    @Test func `steps that shipped are frozen`() {
        // A failure here means that a released step was edited; undo that and add a step instead.
        let frozen: [String: UInt64] = [
            "0001-staff": 0x48_a8e2_9cd7_1d6d,
            "0002-campaigns": 0x5e31_e2e9_7b80_0180,
            "0003-lists-and-loads": 0x1577_ca36_6a94_ab9a,
            "0004-policies": 0xc218_d6e6_8422_c909,
            "0005-arbitrations": 0xf369_4f40_f21b_c632,
            "0006-erasure": 0x1d90_1a39_d0a8_a01a,
            "0007-segments": 0x187d_0354_d152_45ba,
            "0008-lists": 0xb2_7b45_0fdc_8c33,
            "0009-segment-exports": 0x4589_de83_076e_b08c,
            "0010-catalogue": 0x7af4_741a_7418_5745,
            "0011-requests": 0x779f_9389_5340_03a9,
            "0012-audiences": 0xa39e_56ae_3d79_694c,
            "0013-list-rules": 0xfc5e_7be3_1841_1138,
            "0014-segment-deliveries": 0xcb6f_c996_0bfa_a8c1,
            "0015-schedules": 0x2ce5_4761_30ee_339f,
        ]
        for step in ControlPlaneSchema.steps {
            let hash = step.sql.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            #expect(frozen[step.name] == hash, "\(step.name): 0x\(String(hash, radix: 16))")
        }
        #expect(ControlPlaneSchema.steps.map(\.name) == frozen.keys.sorted())
    }

    @Test func `all tables are strict`() async throws {
        try await withStore { store, _ in
            let loose = try await store.pool.read { db in
                try String.fetchAll(
                    db,
                    sql: "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict"
                )
            }
            #expect(Set(loose) == ["grdb_migrations", "sqlite_schema", "sqlite_sequence"])
        }
    }

    @Test func `plans and dry runs are canonical JSON`() async throws {
        try await withStore { store, _ in
            _ = try await history(store)
            let (plan, dryRun) = try await store.pool.read { db in
                (
                    try String.fetchOne(db, sql: "SELECT plan FROM campaign_revision"),
                    try String.fetchOne(db, sql: "SELECT dry_run FROM campaign")
                )
            }
            // What is stored today must stay readable: these texts are the format.
            #expect(
                plan == """
                    {"category":"c","channel":"sms","conflictingProducts":["P/4"],"controlPPM":100000,\
                    "costPerPartMinor":5,"goal":"留住","limit":9,"message":"hello","name":"n","planned":{"instant":\
                    {"epochMs":7},"offsetSeconds":28800},"priority":5,"scene":"s","segment":1,"touchpoints":[],\
                    "unticked":[1],"validTo":{"number":20800},"valuePerOrderMinor":0}
                    """
            )
            // What was stored before plans had touchpoints is read as a plan without.
            let old = """
                {"category":"c","channel":"sms","conflictingProducts":["P/4"],"controlPPM":100000,"costPerPartMinor":5,\
                "goal":"g","message":"hello","name":"n","planned":{"instant":{"epochMs":7},"offsetSeconds":28800},\
                "scene":"s","segment":1,"unticked":[1],"validTo":{"number":20800},"valuePerOrderMinor":0}
                """
            let read = try JSONDecoder().decode(CampaignPlan.self, from: Data(old.utf8))
            #expect(read.touchpoints.isEmpty && read.priority == CampaignSpec.usualPriority && read.script == nil)
            #expect(
                dryRun == """
                    {"at":{"epochMs":8},"costMinor":5,"outcomeSHA256":"ab","outcomes":{"contact":1,"control":2}}
                    """
            )
        }
    }

    // MARK: Files that are not right

    @Test func `a file of a newer release is not touched`() async throws {
        try await withStore { store, path in
            try await store.pool.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('0009-later')") }
            try store.close()
            let error = #expect(throws: SQLiteControlPlaneError.self) { try SQLiteControlPlane(path: path) }
            #expect(error?.kind == .newer && error?.code == "control.file_newer")
            #expect(error?.description.contains("0009-later") == true)
        }
    }

    @Test func `a file that is no database and a folder that is not there are told apart`() async throws {
        try await withDirectory { directory in
            let path = directory + "/text.sqlite"
            try String(repeating: "not a database\n", count: 100).write(toFile: path, atomically: true, encoding: .utf8)
            let text = #expect(throws: SQLiteControlPlaneError.self) { try SQLiteControlPlane(path: path) }
            #expect(text?.kind == .damaged && text?.path == path)
            let missing = #expect(throws: SQLiteControlPlaneError.self) {
                try SQLiteControlPlane(path: directory + "/none/control.sqlite")
            }
            #expect(missing?.kind == .access)
        }
    }

    @Test func `a row that makes no sense is an error that names it`() async throws {
        try await withStore { store, _ in
            let id = try await store.save(campaign(try await store.save(segment("a"), audit: entry)), audit: entry).id
            try await store.pool.write { try $0.execute(sql: "UPDATE campaign SET dry_run = '{}'") }
            let error = await #expect(throws: SQLiteControlPlaneError.self) { try await store.campaign(id) }
            #expect(error?.kind == .damaged && error?.message.contains("campaign/1: column dry_run") == true)
        }
    }

    @Test func `a full disk refuses the change and leaves nothing of it`() async throws {
        try await withStore { store, _ in
            let saved = try await store.save(campaign(try await store.save(segment("a"), audit: entry)), audit: entry)
            let before = try dump(store)
            // SQLite answers SQLITE_FULL both when the disk is full and when the file may not grow.
            try await store.pool.writeWithoutTransaction { db in
                let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)")
            }
            var large = saved
            (large.revision, large.plan.message) = (2, String(repeating: "x", count: 100_000))
            let error = await #expect(throws: SQLiteControlPlaneError.self) {
                try await store.save(large, audit: entry)
            }
            #expect(error?.kind == .full && error?.code == "control.file_disk_full")
            #expect(try dump(store) == before)
            try await store.pool.writeWithoutTransaction { db in
                _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = 1000000")
            }
            #expect(try await store.save(large, audit: entry).version == 2)
        }
    }

    @Test func `a store whose file stays locked says so`() async throws {
        try await withDirectory { directory in
            let path = directory + "/control.sqlite"
            let store = try SQLiteControlPlane(path: path, lockTimeoutSeconds: 0)
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: path, configuration: configuration)
            try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
            let error = await #expect(throws: SQLiteControlPlaneError.self) { try await store.append(entry) }
            #expect(error?.kind == .locked)
            try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
            try await store.append(entry)
        }
    }

    // MARK: Fixtures

    private let entry = AuditEntry(at: Instant(epochMs: 1), who: "tester", action: "test", object: "x/1")

    private func segment(_ name: String) -> Segment {
        Segment(name: name, rule: "arpu > 1", owner: "wang", scope: .all, updatedAt: Instant(epochMs: 1))
    }

    private func campaign(_ segment: Segment) -> Campaign {
        var plan = CampaignPlan(
            name: "n",
            scene: "s",
            goal: "留住",
            category: "c",
            segment: segment.id,
            message: "hello",
            planned: LocalTime(instant: Instant(epochMs: 7), offsetSeconds: 28_800),
            validTo: LocalDay(number: 20_800)
        )
        (plan.limit, plan.costPerPartMinor, plan.unticked, plan.conflictingProducts) = (9, 5, [1], ["P/4"])
        var campaign = Campaign(plan: plan, owner: "wang", scope: .all, updatedAt: Instant(epochMs: 2))
        campaign.dryRun = DryRunRecord(
            at: Instant(epochMs: 8),
            outcomes: ["control": 2, "contact": 1],
            outcomeSHA256: "ab",
            costMinor: 5
        )
        return campaign
    }

    /// Fills the store with one decided campaign, and returns what is in the file.
    private func history(_ store: SQLiteControlPlane) async throws -> [String] {
        var saved = try await store.save(campaign(try await store.save(segment("a"), audit: entry)), audit: entry)
        saved.phase = .submitted
        let open = Approval(campaign: saved.id, revision: 1, submittedBy: "wang", submittedAt: Instant(epochMs: 3))
        var waiting = try await store.save(open, with: saved, audit: entry)
        (waiting.approval.result, waiting.approval.decidedBy) = (.pass, "li")
        waiting.approval.decidedAt = Instant(epochMs: 4)
        waiting.campaign.phase = .approved
        _ = try await store.save(waiting.approval, with: waiting.campaign, audit: entry)
        try await store.record(
            CatalogueRevision(
                number: 1,
                at: Instant(epochMs: 5),
                who: "wang",
                reason: "r",
                content: CatalogueContent()
            ),
            audit: entry
        )
        return try dump(store)
    }

    /// Every row of every table as text.
    private func dump(_ store: SQLiteControlPlane) throws -> [String] {
        try store.pool.read { db in
            let tables = try String.fetchAll(
                db,
                sql: "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            )
            return try tables.flatMap { table in
                try Row.fetchAll(db, sql: "SELECT * FROM \(table)").map { "\(table) \($0)" }
            }
        }
    }

    private func withStore(_ body: (SQLiteControlPlane, String) async throws -> Void) async throws {
        try await withDirectory { directory in
            let path = directory + "/control.sqlite"
            try await body(try SQLiteControlPlane(path: path), path)
        }
    }

    private func withDirectory(_ body: (String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("gyre-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(directory.path)
    }
}
