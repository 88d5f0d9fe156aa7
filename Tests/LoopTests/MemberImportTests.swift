// Importing lists of numbers: every row ends as a member or as a reject with its reason.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Testing

@Suite struct MemberImportTests {
    /// Rows as a reader gives them.
    private func batch(_ rows: [(line: Int32, value: Int64, why: IdentityRefusal?)]) -> IdentityBatch {
        var batch = IdentityBatch()
        for row in rows {
            if let why = row.why {
                batch.refusals.append(.init(position: batch.values.count, why: why, text: "x"))
            }
            batch.lines.append(row.line)
            batch.values.append(row.value)
        }
        return batch
    }

    @Test func `each row is a member, a duplicate, unknown or refused, and the counts add up`() {
        var imported = MemberImport(subscribers: 10, kind: .line)
        let find = { (value: Int64) in (0..<12).contains(value) ? SubscriberIndex(UInt32(value)) : nil }
        imported.add(
            batch([(2, 3, nil), (3, 3, nil), (4, 99, nil), (5, 0, .shortened), (6, 11, nil), (9, 0, nil)]),
            find: find
        )
        imported.add(batch([(10, 3, nil), (11, 0, .blank), (12, 9, nil)]), find: find)
        var found: [UInt32] = []
        imported.members.forEach { found.append($0) }
        #expect(found == [0, 3, 9])
        let report = imported.report
        #expect(report.rows == 9 && report.members == 3)
        #expect(report.left == [.duplicate: 2, .unknown: 2, .shortened: 1, .blank: 1])
        #expect(
            report.rejects.map { "\($0.line) \($0.code.rawValue) \($0.text)" } == [
                "3 duplicate 3", "4 unknown 99", "5 shortened x", "6 unknown 11", "10 duplicate 3", "11 blank x",
            ]
        )
    }

    @Test func `a list of nothing but rejects keeps the first and counts all`() {
        var imported = MemberImport(subscribers: 1, kind: .msisdn)
        for round in 0..<3 {
            let rows = (0..<5_000).map { (Int32(round * 5_000 + $0 + 1), Int64(7), IdentityRefusal?.none) }
            imported.add(batch(rows)) { _ in nil }
        }
        #expect(imported.report.left == [.unknown: 15_000] && imported.report.rejects.count == MemberReport.mostRejects)
        #expect(imported.members.isEmpty && imported.report.members == 0)
    }
}
