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

        /// Whether its place among entries of other partitions matters.
        var isShared: Bool {
            switch self {
            case .answered(let decision): decision.isShared
            case .responded(let response, _): response.result == .failed
            case .reserved, .concluded, .block: false
            }
        }
    }

    private var entries: [Entry] = []
    private var waiting: [@Sendable (Result<Void, any Error>) -> Void] = []

    var isEmpty: Bool { entries.isEmpty && waiting.isEmpty }

    /// Blocks of a wave that wait.
    private(set) var blocks = 0

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

    /// One record per run of equal kind.
    private static func runs(_ entries: [Entry]) -> [LogRecord] {
        var records: [LogRecord] = []
        for entry in entries {
            switch (entry, records.last) {
            case (.reserved(let new), .reserved(let run)): records[records.count - 1] = .reserved(run + [new])
            case (.reserved(let new), _): records.append(.reserved([new]))
            case (.concluded(let new, _), .concluded(let run)): records[records.count - 1] = .concluded(run + [new])
            case (.concluded(let new, _), _): records.append(.concluded([new]))
            case (.answered(let new), .answered(let run)): records[records.count - 1] = .answered(run + [new.answer])
            case (.answered(let new), _): records.append(.answered([new.answer]))
            case (.responded(let new, _), .responded(let run)): records[records.count - 1] = .responded(run + [new])
            case (.responded(let new, _), _): records.append(.responded([new]))
            case (.block(let record, _, _), _): records.append(record)
            }
        }
        return records
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
