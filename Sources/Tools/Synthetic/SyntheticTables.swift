// The warehouse tables of a synthetic operator, as sources of column batches.
// SPDX-License-Identifier: Apache-2.0

public import Ports

/// A warehouse table that the generator fills.
public enum SyntheticTable: String, Sendable, CaseIterable {
    /// One row per subscriber: ids, number, name and all attributes of `Examples/operator/catalogue.yaml`.
    case subscriber
    /// Fees and usage: three rows per subscriber, oldest month first.
    case subscriberMonth = "subscriber_month"
    /// Every touch of the last three months and of the current one, per subscriber in order of time.
    case contact
    /// Complaints of the last 182 days.
    case complaint
    /// Plans and products held, with their terms.
    case subscription
    /// Steps on the web, in voice menus and with the hotline, of the last 30 days.
    case visit
}

/// Rows of one table for a range of subscribers, batch by batch in line order.
public struct SyntheticSource: ColumnBatchSource, Sendable {
    private static let subscribersPerBatch = 16_384

    private let make: @Sendable (Range<Int>) -> ColumnBatch
    private let progress: @Sendable (Int) -> Void
    private let end: Int
    private var position: Int

    init(
        _ range: Range<Int>,
        progress: @escaping @Sendable (Int) -> Void,
        make: @escaping @Sendable (Range<Int>) -> ColumnBatch
    ) {
        self.make = make
        self.progress = progress
        position = range.lowerBound
        end = range.upperBound
    }

    /// The next rows, nil after the last; a batch may be empty when none of its subscribers has a row.
    public mutating func next() -> ColumnBatch? {
        guard position < end else { return nil }
        let range = position..<min(position + Self.subscribersPerBatch, end)
        position = range.upperBound
        defer { progress(range.count) }
        return make(range)
    }
}

extension SyntheticOperator {
    /// Columns of a table in the order of its batches.
    public func fields(of table: SyntheticTable) -> [WarehouseField] {
        switch table {
        case .subscriber: subscriberColumns.map(\.field)
        case .subscriberMonth: monthColumns.map(\.field)
        case .contact: contactColumns.map(\.field)
        case .complaint: complaintColumns.map(\.field)
        case .subscription: subscriptionColumns.map(\.field)
        case .visit: visitColumns.map(\.field)
        }
    }

    /// The rows of a table.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - range: Subscribers to cover; nil = all. Ranges may be generated in any order and on any thread.
    ///   - progress: Called after each batch with the number of subscribers it covers.
    /// - Returns: A source whose fields are ``fields(of:)``.
    public func source(
        _ table: SyntheticTable,
        subscribers range: Range<Int>? = nil,
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) -> SyntheticSource {
        let range = (range ?? 0..<subscribers).clamped(to: 0..<subscribers)
        return switch table {
        case .subscriber:
            source(range, progress, subscriberColumns, rowsPerSubscriber: 1) { world, index, add in
                add(world.profile(index))
            }
        case .subscriberMonth:
            source(range, progress, monthColumns, rowsPerSubscriber: 3) { world, index, add in
                let (first, second, third) = world.monthFacts(world.traits(index))
                add(first)
                add(second)
                add(third)
            }
        case .contact:
            source(range, progress, contactColumns, rowsPerSubscriber: 5) { world, index, add in
                world.contacts(world.traits(index), add)
            }
        case .complaint:
            source(range, progress, complaintColumns, rowsPerSubscriber: 1) { world, index, add in
                world.complaints(world.traits(index), add)
            }
        case .subscription:
            source(range, progress, subscriptionColumns, rowsPerSubscriber: 4) { world, index, add in
                world.subscriptions(world.traits(index), add)
            }
        case .visit:
            source(range, progress, visitColumns, rowsPerSubscriber: 1) { world, index, add in
                world.visits(world.traits(index), add)
            }
        }
    }

    /// A source that calls `rows` for each subscriber; `rowsPerSubscriber` is a guess that saves growing arrays.
    private func source<Row>(
        _ range: Range<Int>,
        _ progress: @escaping @Sendable (Int) -> Void,
        _ columns: [Column<Row>],
        rowsPerSubscriber: Int,
        rows: @escaping @Sendable (SyntheticOperator, Int, (Row) -> Void) -> Void
    ) -> SyntheticSource {
        SyntheticSource(range, progress: progress) { part in
            var builder = BatchBuilder(columns, capacity: part.count * rowsPerSubscriber)
            var start = part.lowerBound
            while start < part.upperBound {
                let chunk = start..<min(start + 512, part.upperBound)
                var pending: [Row] = []
                pending.reserveCapacity(chunk.count * rowsPerSubscriber)
                for index in chunk { rows(self, index) { pending.append($0) } }
                pending.withUnsafeBufferPointer { builder.append($0) }
                start = chunk.upperBound
            }
            return builder.finish()
        }
    }
}
