// A commit under way, and the single reservations that wait for one.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Dispatch
import Foundation
import Ports

/// Batches that the writer is writing, and what to do when it is done.
final class InFlight: @unchecked Sendable {
    let batches: [LogBatch]
    /// Where the log ended before these batches.
    let before: LogPosition
    let undo: () -> Void
    private let landed: (Result<Void, any Error>) -> Void
    private let done = DispatchGroup()
    private var result: Result<Void, any Error>?

    init(
        batches: [LogBatch],
        before: LogPosition,
        undo: @escaping () -> Void,
        landed: @escaping (Result<Void, any Error>) -> Void = { _ in }
    ) {
        self.batches = batches
        self.before = before
        self.undo = undo
        self.landed = landed
        done.enter()
    }

    /// Called once, by the writer; callers are answered at once, a failure is undone when the owner lands the flight.
    func complete(_ result: Result<Void, any Error>) {
        self.result = result
        landed(result)
        done.leave()
    }

    func wait() -> Result<Void, any Error> {
        done.wait()
        return result ?? .success(())
    }
}

/// Single reservations and conclusions that were decided and wait for their commit, in order.
struct PendingReservations {
    enum Entry {
        case reserved(SingleReservation)
        case concluded(SingleConclusion, SingleReservation)

        var index: UInt32 {
            switch self {
            case .reserved(let reservation): reservation.index
            case .concluded(let conclusion, _): conclusion.index
            }
        }
    }

    private var entries: [Entry] = []
    private var waiting: [(answer: SingleAnswer, continuation: CheckedContinuation<SingleAnswer, any Error>)] = []

    var isEmpty: Bool { waiting.isEmpty }

    mutating func add(
        _ entry: Entry?,
        _ answer: SingleAnswer,
        _ continuation: CheckedContinuation<SingleAnswer, any Error>
    ) {
        if let entry { entries.append(entry) }
        waiting.append((answer, continuation))
    }

    /// One record per partition and run of equal kind, in the order of decision inside each partition.
    func records() -> [LogRecord] {
        var byPartition = [[LogRecord]](repeating: [], count: LogChain.count)
        for entry in entries {
            let partition = Int(LogChain(ofBlock: Int(entry.index >> 16)).number)
            switch (entry, byPartition[partition].last) {
            case (.reserved(let new), .reserved(let run)):
                byPartition[partition][byPartition[partition].count - 1] = .reserved(run + [new])
            case (.reserved(let new), _): byPartition[partition].append(.reserved([new]))
            case (.concluded(let new, _), .concluded(let run)):
                byPartition[partition][byPartition[partition].count - 1] = .concluded(run + [new])
            case (.concluded(let new, _), _): byPartition[partition].append(.concluded([new]))
            }
        }
        return byPartition.flatMap { $0 }
    }

    /// Takes everything back, newest first.
    func undo(in state: DecisionState) {
        for entry in entries.reversed() {
            switch entry {
            case .reserved(let reservation): state.undoReserve(reservation)
            case .concluded(let conclusion, let open): state.undoConclude(conclusion, open: open)
            }
        }
    }

    func answer(_ result: Result<Void, some Error>) {
        for (answer, continuation) in waiting {
            continuation.resume(with: result.map { answer }.mapError { $0 as any Error })
        }
    }

    /// Takes everything back and tells those who wait.
    func fail(_ error: some Error, in state: DecisionState) {
        undo(in: state)
        answer(Result<Void, any Error>.failure(error))
    }
}
