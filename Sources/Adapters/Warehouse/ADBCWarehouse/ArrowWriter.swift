// Gyre's typed columns as Arrow arrays and streams, for bulk append and bound parameters.
// SPDX-License-Identifier: Apache-2.0

internal import CADBC
internal import Glibc
internal import Kernel
internal import Ports

/// Builds Arrow schemas and arrays whose memory comes from `malloc` and is freed by their release callbacks.
enum ArrowWriter {
    /// The format string of a column.
    static func format(_ type: WarehouseType) -> String {
        switch type {
        case .flag: "b"
        case .integer: "l"
        case .decimal(let scale): "d:18,\(scale),64"
        case .day: "tdD"
        case .timestamp: "tsu:"
        case .text: "u"
        }
    }

    /// A struct schema over `fields`: name and format of each.
    static func schema(_ fields: [(name: String, format: String)]) -> ArrowSchema {
        var root = leaf(name: "", format: "+s")
        root.n_children = Int64(fields.count)
        let children = UnsafeMutablePointer<UnsafeMutablePointer<ArrowSchema>?>.allocate(capacity: max(fields.count, 1))
        for (position, field) in fields.enumerated() {
            let child = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
            child.initialize(to: leaf(name: field.name, format: field.format))
            children[position] = child
        }
        root.children = children
        return root
    }

    private static func leaf(name: String, format: String) -> ArrowSchema {
        var schema = ArrowSchema()
        schema.format = UnsafePointer(strdup(format))
        schema.name = UnsafePointer(strdup(name))
        schema.flags = Int64(GYRE_ARROW_FLAG_NULLABLE)
        schema.release = { pointer in
            guard let schema = pointer else { return }
            free(UnsafeMutablePointer(mutating: schema.pointee.format))
            free(UnsafeMutablePointer(mutating: schema.pointee.name))
            for position in 0..<Int(schema.pointee.n_children) {
                guard let child = schema.pointee.children[position] else { continue }
                child.pointee.release?(child)
                child.deallocate()
            }
            schema.pointee.children?.deallocate()
            schema.pointee.release = nil
        }
        return schema
    }

    /// A struct array over columns of `rows` rows.
    static func array(_ columns: [ArrowArray], rows: Int) -> ArrowArray {
        var root = array(rows: rows, nullCount: 0, buffers: [nil])
        root.n_children = Int64(columns.count)
        let children = UnsafeMutablePointer<UnsafeMutablePointer<ArrowArray>?>.allocate(capacity: max(columns.count, 1))
        for (position, column) in columns.enumerated() {
            let child = UnsafeMutablePointer<ArrowArray>.allocate(capacity: 1)
            child.initialize(to: column)
            children[position] = child
        }
        root.children = children
        return root
    }

    /// One column as an Arrow array; the values are copied.
    static func array(_ column: ColumnData) -> ArrowArray {
        let validity = column.validity.map { copy($0.words) } ?? nil
        let nulls = column.validity?.nullCount ?? 0
        switch column.values {
        case .flags(let values):
            return array(rows: values.count, nullCount: nulls, buffers: [validity, packed(values)])
        case .integers(let values):
            return array(rows: values.count, nullCount: nulls, buffers: [validity, copy(values)])
        case .days(let values):
            return array(rows: values.count, nullCount: nulls, buffers: [validity, copy(values)])
        case .texts(let values):
            let buffers = [validity, copy(values.offsets), copy(values.bytes)]
            return array(rows: values.count, nullCount: nulls, buffers: buffers)
        }
    }

    /// An array of NULLs, of Arrow's null type.
    static func nulls(rows: Int) -> ArrowArray {
        array(rows: rows, nullCount: rows, buffers: [])
    }

    private static func array(rows: Int, nullCount: Int, buffers: [UnsafeMutableRawPointer?]) -> ArrowArray {
        var array = ArrowArray()
        array.length = Int64(rows)
        array.null_count = Int64(nullCount)
        array.n_buffers = Int64(buffers.count)
        array.buffers = .allocate(capacity: max(buffers.count, 1))
        for (position, buffer) in buffers.enumerated() { array.buffers[position] = UnsafeRawPointer(buffer) }
        array.release = { pointer in
            guard let array = pointer else { return }
            for position in 0..<Int(array.pointee.n_buffers) {
                free(UnsafeMutableRawPointer(mutating: array.pointee.buffers[position]))
            }
            array.pointee.buffers.deallocate()
            for position in 0..<Int(array.pointee.n_children) {
                guard let child = array.pointee.children[position] else { continue }
                child.pointee.release?(child)
                child.deallocate()
            }
            array.pointee.children?.deallocate()
            array.pointee.release = nil
        }
        return array
    }

    private static func copy<T: BitwiseCopyable>(_ values: [T]) -> UnsafeMutableRawPointer? {
        values.withUnsafeBytes { source in
            let target = malloc(max(source.count, 8))
            if let target, let base = source.baseAddress { memcpy(target, base, source.count) }
            return target
        }
    }

    private static func packed(_ flags: [Bool]) -> UnsafeMutableRawPointer? {
        var bytes = [UInt8](repeating: 0, count: (flags.count + 7) / 8)
        for (row, flag) in flags.enumerated() where flag { bytes[row >> 3] |= 1 << UInt8(row & 7) }
        return copy(bytes)
    }
}

/// The values of a statement's `?` as one Arrow row.
enum BoundParameters {
    static func schema(_ values: [SQLValue]) -> ArrowSchema {
        ArrowWriter.schema(
            values.enumerated().map { position, value in
                switch value {
                case .null: ("\(position)", "n")
                case .integer: ("\(position)", "l")
                case .text: ("\(position)", "u")
                }
            }
        )
    }

    static func array(_ values: [SQLValue]) -> ArrowArray {
        let columns = values.map { value in
            switch value {
            case .null: ArrowWriter.nulls(rows: 1)
            case .integer(let number): ArrowWriter.array(ColumnData(.integers([number])))
            case .text(let text): ArrowWriter.array(ColumnData(.texts(TextColumn([text]))))
            }
        }
        return ArrowWriter.array(columns, rows: 1)
    }
}

/// A batch source as an Arrow C stream with all columns of a table, in the table's order.
///
/// The engine pulls it on its own thread while the append call runs.
final class ArrowBatchStream {
    private var source: any ColumnBatchSource
    private let fields: [WarehouseField]
    private let target: [WarehouseField]
    /// For each column of the table its position in the batches; nil where they do not fill it.
    private let positions: [Int?]
    private let isCancelled: () -> Bool
    private var message: UnsafeMutablePointer<CChar>?
    /// Rows given so far.
    private(set) var rows = 0
    /// What the source threw; the engine only sees its text.
    private(set) var failure: (any Error)?

    /// Prepares the append of batches of `fields` to a table whose columns are `target`.
    ///
    /// - Throws: ``WarehouseError`` when the table lacks a field or has it with another type.
    init(
        _ source: any ColumnBatchSource,
        fields: [WarehouseField],
        table: String,
        target: [WarehouseField],
        isCancelled: @escaping () -> Bool
    ) throws {
        for field in fields where !target.contains(field) {
            let column = target.first { $0.name == field.name }
            throw WarehouseError(
                kind: .type,
                phase: .ingest,
                message: column.map { "column \(field.name) of table \(table) is \($0.type), not \(field.type)" }
                    ?? "table \(table) has no column \(field.name)"
            )
        }
        self.source = source
        self.fields = fields
        self.target = target
        positions = target.map { fields.firstIndex(of: $0) }
        self.isCancelled = isCancelled
    }

    deinit { free(message) }

    /// A C stream that keeps this object alive until it is released.
    func exported() -> ArrowArrayStream {
        var stream = ArrowArrayStream()
        stream.private_data = Unmanaged.passRetained(self).toOpaque()
        stream.get_schema = { stream, out in
            guard let writer = ArrowBatchStream.of(stream), let out else { return EINVAL }
            out.initialize(to: ArrowWriter.schema(writer.schema))
            return 0
        }
        stream.get_next = { stream, out in
            guard let writer = ArrowBatchStream.of(stream), let out else { return EINVAL }
            return writer.next(out)
        }
        stream.get_last_error = { stream in
            ArrowBatchStream.of(stream).flatMap { UnsafePointer($0.message) }
        }
        stream.release = { stream in
            guard let stream, let data = stream.pointee.private_data else { return }
            Unmanaged<ArrowBatchStream>.fromOpaque(data).release()
            stream.pointee.private_data = nil
            stream.pointee.release = nil
        }
        return stream
    }

    private static func of(_ stream: UnsafeMutablePointer<ArrowArrayStream>?) -> ArrowBatchStream? {
        stream?.pointee.private_data.map { Unmanaged<ArrowBatchStream>.fromOpaque($0).takeUnretainedValue() }
    }

    private var schema: [(name: String, format: String)] {
        zip(target, positions).map { ($0.name, $1 == nil ? "n" : ArrowWriter.format($0.type)) }
    }

    private func next(_ out: UnsafeMutablePointer<ArrowArray>) -> Int32 {
        do {
            if isCancelled() { throw CancellationError() }
            var batch = try source.next()
            while let empty = batch, empty.rowCount == 0 { batch = try source.next() }
            guard let batch else {
                out.initialize(to: ArrowArray())
                return 0
            }
            guard batch.fields == fields else {
                throw WarehouseError(
                    kind: .type,
                    phase: .ingest,
                    message: "a batch has other columns than the append was started with"
                )
            }
            let columns = positions.map { position in
                position.map { ArrowWriter.array(batch.columns[$0]) } ?? ArrowWriter.nulls(rows: batch.rowCount)
            }
            out.initialize(to: ArrowWriter.array(columns, rows: batch.rowCount))
            rows += batch.rowCount
            return 0
        } catch {
            failure = error
            free(message)
            message = strdup("\(error)")
            return EIO
        }
    }
}
