// The decision log's promises, kept by every adapter, and what is special to SQLite files.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import GRDB
import InMemory
import Kernel
import Model
import Ports
import SQLiteStore
import TestSupport
import Testing

/// An adapter under the conformance kit.
enum LogAdapter: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case inMemory = "in memory"
    case sqlite = "SQLite, one segment"
    case sqliteSegments = "SQLite, many segments"

    var testDescription: String { rawValue }

    func check(_ body: (DecisionLogConformance) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        switch self {
        case .inMemory:
            let log = InMemoryDecisionLog()
            let failing: @Sendable (() throws -> Void) throws -> Void = { append in
                log.failNextAppend()
                try append()
            }
            try await body(DecisionLogConformance(whileAppendsFail: failing) { log })
        case .sqlite, .sqliteSegments:
            let bytes = self == .sqlite ? 1 << 30 : 100_000
            let path = folder.path + "/a/log"
            let kit = DecisionLogConformance(whileAppendsFail: { try Self.whileLocked(path, $0) }) {
                try SQLiteDecisionLog(folder: path, segmentBytes: bytes)
            }
            try await body(kit)
            let segments = try Self.segments(path).count
            #expect(self == .sqlite ? segments == 1 : segments <= 40)
        }
        withExtendedLifetime(folder) {}
    }

    static func segments(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".sqlite") }.sorted()
    }

    /// Holds the write lock of the last segment, so that every write to it fails.
    private static func whileLocked(_ folder: String, _ body: () throws -> Void) throws {
        let last = try #require(segments(folder).last)
        try DatabaseQueue(path: folder + "/" + last).inDatabase { db in
            try db.execute(sql: "BEGIN IMMEDIATE")
            defer { try? db.execute(sql: "ROLLBACK") }
            try body()
        }
    }
}

@Suite struct DecisionLogTests {
    @Test(arguments: LogAdapter.allCases)
    func `an empty log holds nothing`(_ adapter: LogAdapter) async throws {
        try await adapter.check { try $0.anEmptyLogHoldsNothing() }
    }

    @Test(arguments: LogAdapter.allCases)
    func `what was appended is read in order`(_ adapter: LogAdapter) async throws {
        try await adapter.check { try $0.whatWasAppendedIsReadInOrder() }
    }

    @Test(arguments: LogAdapter.allCases)
    func `keys and chains are found`(_ adapter: LogAdapter) async throws {
        try await adapter.check { try $0.keysAndChainsAreFound() }
    }

    @Test(arguments: LogAdapter.allCases)
    func `payloads of any size survive`(_ adapter: LogAdapter) async throws {
        try await adapter.check { try $0.payloadsOfAnySizeSurvive() }
    }

    @Test(arguments: LogAdapter.allCases)
    func `what does not follow is refused whole`(_ adapter: LogAdapter) async throws {
        try await adapter.check { try $0.whatDoesNotFollowIsRefusedWhole() }
    }

    @Test(arguments: LogAdapter.allCases)
    func `a failed append leaves nothing`(_ adapter: LogAdapter) async throws {
        try await adapter.check { try $0.aFailedAppendLeavesNothing() }
    }

    @Test(arguments: LogAdapter.allCases)
    func `a second writer is refused`(_ adapter: LogAdapter) async throws {
        try await adapter.check { try $0.aSecondWriterIsRefused() }
    }

    @Test(arguments: LogAdapter.allCases)
    func `a reader may use the log`(_ adapter: LogAdapter) async throws {
        try await adapter.check { try $0.aReaderMayUseTheLog() }
    }

    @Test(arguments: LogAdapter.allCases)
    func `readers see whole appends`(_ adapter: LogAdapter) async throws {
        try await adapter.check { try await $0.readersSeeWholeAppends() }
    }

    @Test func `a segment that is missing is named, and nothing begins anew`() throws {
        let folder = try TemporaryFolder()
        let (log, copy) = (folder.path + "/log", folder.path + "/copy")
        try DecisionLogConformance(whileAppendsFail: { try $0() }) {
            try SQLiteDecisionLog(folder: log, segmentBytes: 50_000)
        }.whatWasAppendedIsReadInOrder()
        let segments = try LogAdapter.segments(log)
        try #require(segments.count >= 3)
        for position in 0..<segments.count - 1 {
            try? FileManager.default.removeItem(atPath: copy)
            try FileManager.default.copyItem(atPath: log, toPath: copy)
            try FileManager.default.removeItem(atPath: copy + "/" + segments[position])
            let error = #expect(throws: SQLiteDecisionLogError.self) { try SQLiteDecisionLog(folder: copy) }
            #expect(error?.description.contains(segments[position]) == true)
            #expect(try LogAdapter.segments(copy).contains(segments[position]) == false, "no empty one in its place")
        }
    }

    @Test(arguments: [false, true])
    func `an empty first segment is begun anew only where no log has been`(isThere: Bool) throws {
        let folder = try TemporaryFolder()
        if isThere { try Data().write(to: URL(filePath: folder.path + "/segment-00000001.sqlite")) }
        let error = #expect(throws: SQLiteDecisionLogError.self) {
            try SQLiteDecisionLog(folder: folder.path, mayBegin: false)
        }
        #expect(error?.code == "log.lost_beginning")
        #expect(try LogAdapter.segments(folder.path).count == (isThere ? 1 : 0), "nothing was made")
        #expect(try SQLiteDecisionLog(folder: folder.path).position() == .start)
        #expect(try SQLiteDecisionLog(folder: folder.path, mayBegin: false).position() == .start)
    }

    @Test func `a later segment that was being begun when the process ended is begun again`() throws {
        let folder = try TemporaryFolder()
        try DecisionLogConformance(whileAppendsFail: { try $0() }) {
            try SQLiteDecisionLog(folder: folder.path, segmentBytes: 50_000)
        }.whatWasAppendedIsReadInOrder()
        let position = try SQLiteDecisionLog(folder: folder.path).position()
        let number = try LogAdapter.segments(folder.path).count + 1
        try Data().write(to: URL(filePath: folder.path + "/segment-0000000\(number).sqlite"))
        #expect(try SQLiteDecisionLog(folder: folder.path).position() == position)
    }

    @Test func `segments of an earlier release, with an index over chains in place of their heads, go on`() throws {
        let folder = try TemporaryFolder()
        try DecisionLogConformance(whileAppendsFail: { try $0() }) {
            try SQLiteDecisionLog(folder: folder.path, segmentBytes: 50_000)
        }.whatWasAppendedIsReadInOrder()
        let position = try SQLiteDecisionLog(folder: folder.path).position()
        let segments = try LogAdapter.segments(folder.path).map { folder.path + "/" + $0 }
        try #require(segments.count >= 3 && position.heads.count { $0 != .zero } >= 3)
        for segment in segments {
            try DatabaseQueue(path: segment).write { db in
                try db.execute(
                    sql: """
                        ALTER TABLE segment DROP COLUMN heads;
                        DROP INDEX batch_in_common_chain;
                        CREATE INDEX batch_by_chain ON batch (chain, sequence);
                        """
                )
            }
        }
        #expect(try SQLiteDecisionLog(folder: folder.path).position() == position)
        for segment in segments {
            let indexes = try DatabaseQueue(path: segment).read { try $0.indexes(on: "batch").map(\.name) }
            #expect(indexes.sorted() == ["batch_by_key", "batch_in_common_chain"])
        }
        #expect(try SQLiteDecisionLog(folder: folder.path).position() == position)
    }

    @Test func `a log that lost its last batches does not pass for a shorter one`() throws {
        let folder = try TemporaryFolder()
        let log = try SQLiteDecisionLog(folder: folder.path)
        var builder = LogBuilder(position: .start)
        let now = LocalTime(instant: Instant(epochMs: 0), offsetSeconds: 0)
        for _ in 0..<5 { try log.append([builder.batch(.tick(now))]) }
        func fold() throws -> Int {
            let objects = InMemoryObjects()
            let inputs = StoredInputs(objects: objects, threads: 1)
            let replay = Replay(log: try SQLiteDecisionLog(folder: folder.path), inputs: inputs, threads: 1)
            try replay.fold()
            return replay.batches
        }
        #expect(try fold() == 5)
        try DatabaseQueue(path: folder.path + "/segment-00000001.sqlite").write { db in
            try db.execute(sql: "DELETE FROM batch WHERE sequence > 3")
        }
        let error = #expect(throws: DecisionError.self) { try fold() }
        #expect(error?.description.contains("batch 3:") == true)
    }
}
