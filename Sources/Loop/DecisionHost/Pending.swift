// What was decided and waits for its commit, and the commit under way.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Dispatch
import Kernel
import Model
import Ports

/// Batches that the writer is writing, and what to do when it is done.
final class InFlight: @unchecked Sendable {
    let batches: [LogBatch]
    /// Where the log ended before these batches.
    let before: LogPosition
    /// What the batches hold, to be undone or answered.
    let pending: Pending
    private let done = DispatchGroup()
    private var result: Result<Void, any Error>?

    init(batches: [LogBatch], before: LogPosition, pending: Pending) {
        self.batches = batches
        self.before = before
        self.pending = pending
        done.enter()
    }

    /// Called once, by the writer; callers are answered at once, a failure is undone when the owner lands the flight.
    func complete(_ result: Result<Void, any Error>) {
        self.result = result
        pending.answer(result)
        done.leave()
    }

    var isDone: Bool { done.wait(timeout: .now()) == .success }

    func wait() -> Result<Void, any Error> {
        done.wait()
        return result ?? .success(())
    }
}

/// Decisions on single subscribers and blocks of a wave, in the order they were made, that wait for their commit.
struct Pending {
    enum Entry {
        case reserved(SingleReservation)
        case concluded(SingleConclusion, SingleReservation)
        case answered(OfferDecision)
        case responded(OfferResponse, OfferUndo)
        case block(LogRecord, WaveID, Int)

        /// The block whose chain holds the entry.
        var block: Int {
            switch self {
            case .reserved(let reservation): Int(reservation.index >> 16)
            case .concluded(let conclusion, _): Int(conclusion.index >> 16)
            case .answered(let decision): Int(decision.answer.request.index >> 16)
            case .responded(let response, _): Int(response.index >> 16)
            case .block(_, _, let block): block
            }
        }

        /// Whether it may stand in one record with another.
        func joins(_ other: Entry) -> Bool {
            switch (self, other) {
            case (.reserved, .reserved), (.concluded, .concluded), (.answered, .answered), (.responded, .responded):
                true
            default: false
            }
        }

        /// Whether its place among entries of other partitions matters.
        var isShared: Bool {
            switch self {
            case .answered(let decision): decision.isShared
            // What changes the counts that others look at comes before or after all who look, which is enough.
            case .reserved, .concluded, .responded, .block: false
            }
        }
    }

    private var entries: [Entry] = []
    private var waiting: [@Sendable (Result<Void, any Error>) -> Void] = []

    var isEmpty: Bool { entries.isEmpty && waiting.isEmpty }

    /// Blocks of a wave that wait.
    private(set) var blocks = 0

    /// The steps of the protocol at which they are decided, and committed.
    var decided: ProtocolStep { blocks > 0 ? .blocksDecided : .reservationsDecided }
    var committed: ProtocolStep { blocks > 0 ? .blocksCommitted : .reservationsCommitted }

    /// Adds what was decided; `answer` is called when it is durable, or failed to be.
    mutating func add(_ entry: Entry?, answer: @escaping @Sendable (Result<Void, any Error>) -> Void) {
        if let entry { entries.append(entry) }
        waiting.append(answer)
    }

    /// Adds a decided block of a wave.
    mutating func add(_ record: LogRecord, of wave: WaveID, block: Int) {
        entries.append(.block(record, wave, block))
        blocks += 1
    }

    /// The records in an order that deciding again can follow: each partition's entries in their order, as few records as
    /// possible; an entry that depends on other partitions stands alone between what came before and after it.
    func records() -> [LogRecord] {
        var records: [LogRecord] = []
        var byPartition = [[Entry]](repeating: [], count: Partition.count)
        func flush() {
            for partition in byPartition.indices where !byPartition[partition].isEmpty {
                records += Self.runs(byPartition[partition])
                byPartition[partition] = []
            }
        }
        for entry in entries {
            if entry.isShared { flush() }
            byPartition[Partition.of(block: entry.block)].append(entry)
            if entry.isShared { flush() }
        }
        flush()
        return records
    }

    /// One record per run of equal kind; each block of a wave is one of its own.
    private static func runs(_ entries: [Entry]) -> [LogRecord] {
        var records: [LogRecord] = []
        var start = 0
        while start < entries.count {
            let end = entries[start...].dropFirst().firstIndex { !$0.joins(entries[start]) } ?? entries.count
            records.append(record(entries[start..<end]))
            start = end
        }
        return records
    }

    /// The record of entries of one kind.
    private static func record(_ run: ArraySlice<Entry>) -> LogRecord {
        switch run[run.startIndex] {
        case .reserved: .reserved(run.compactMap { if case .reserved(let entry) = $0 { entry } else { nil } })
        case .concluded: .concluded(run.compactMap { if case .concluded(let entry, _) = $0 { entry } else { nil } })
        case .answered: .answered(run.compactMap { if case .answered(let entry) = $0 { entry.answer } else { nil } })
        case .responded: .responded(run.compactMap { if case .responded(let entry, _) = $0 { entry } else { nil } })
        case .block(let record, _, _): record
        }
    }

    /// Takes everything back, newest first.
    func undo(in state: DecisionState) {
        for entry in entries.reversed() {
            switch entry {
            case .reserved(let reservation): state.undoReserve(reservation)
            case .concluded(let conclusion, let open): state.undoConclude(conclusion, open: open)
            case .answered(let decision): state.undoTake(decision.answer)
            case .responded(_, let undo): state.undo(undo)
            case .block(_, let wave, let block): state.undoReserve(wave, block: block)
            }
        }
    }

    /// Tells those who wait.
    func answer(_ result: Result<Void, any Error>) {
        for waiter in waiting { waiter(result) }
    }
}
