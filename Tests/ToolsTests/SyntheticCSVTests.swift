// Batches as CSV.
// SPDX-License-Identifier: Apache-2.0

import Ports
import Synthetic
import Testing

@Suite struct SyntheticCSVTests {
    @Test func `values are written by type, NULL is empty, only what needs quotes has them`() {
        var second = Validity(allValid: 2)
        second.setNull(1)
        let fields = [
            WarehouseField("a", .integer), WarehouseField("b", .decimal(scale: 2)), WarehouseField("c", .day),
            WarehouseField("d", .flag), WarehouseField("e,f", .text), WarehouseField("g", .timestamp),
        ]
        let batch = ColumnBatch(
            fields: fields,
            columns: [
                ColumnData(.integers([-7, 8])),
                ColumnData(.integers([-5, 0]), validity: second),
                ColumnData(.days([0, 20_773])),
                ColumnData(.flags([true, false])),
                ColumnData(.texts(TextColumn(["他说\"好\"", "全球通"]))),
                ColumnData(.integers([1_000_000, 0]), validity: second),
            ]
        )
        var text = CSVText()
        text.appendHeader(fields)
        text.append(batch)
        let expected = """
            a,b,c,d,"e,f",g
            -7,-0.05,1970-01-01,1,"他说""好""\",1970-01-01T00:00:01Z
            8,,2026-11-16,0,全球通,

            """
        #expect(String(decoding: text.take(), as: UTF8.self) == expected)
        #expect(text.take().isEmpty)
    }
}
