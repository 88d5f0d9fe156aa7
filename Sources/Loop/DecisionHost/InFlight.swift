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
        var byPartition = [[Entry]](repeating: [], count: LogChain.count)
        for entry in entries { byPartition[Int(LogChain(ofBlock: Int(entry.index >> 16)).number)].append(entry) }
        return byPartition.flatMap(Self.runs)
    }

    private static func runs(_ entries: [Entry]) -> [LogRecord] {
        var records: [LogRecord] = []
        var reserved: [SingleReservation] = []
        var concluded: [SingleConclusion] = []
        func endRun() {
            if !reserved.isEmpty { records.append(.reserved(reserved)) }
            if !concluded.isEmpty { records.append(.concluded(concluded)) }
            (reserved, concluded) = ([], [])
        }
        for entry in entries {
            switch entry {
            case .reserved(let new):
                if !concluded.isEmpty { endRun() }
                reserved.append(new)
            case .concluded(let new, _):
                if !reserved.isEmpty { endRun() }
                concluded.append(new)
            }
        }
        endRun()
        return records
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
