// A fixed number of connections; who finds none free waits in line.
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Ports
internal import Synchronization

/// Lends connections one user at a time, first come, first served.
final class ConnectionPool: Sendable {
    private struct State {
        var idle: [ADBCConnection]
        var isClosed = false
        var nextTicket = 0
        var waiters: [(ticket: Int, continuation: CheckedContinuation<ADBCConnection, any Error>)] = []
    }

    private let size: Int
    private let state: Mutex<State>

    init(_ connections: [ADBCConnection]) {
        size = connections.count
        state = Mutex(State(idle: connections))
    }

    /// Lends a connection for the time of `body`.
    func withConnection<Result: Sendable>(
        _ body: (ADBCConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await acquire()
        defer { release(connection) }
        return try await body(connection)
    }

    /// Waits for the connections that are lent and lets all of them go; later users get an error.
    func close() async {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        let gathered = Mutex<[ADBCConnection]>([])
        for _ in 0..<size {
            // A task of its own, because closing goes on when the caller is cancelled.
            let waiting = Task { try await acquire(closing: true) }
            guard let connection = try? await waiting.value else { continue }
            gathered.withLock { $0.append(connection) }
        }
        // The last connection closes the database, which writes: not a job for a cooperative thread.
        await withCheckedContinuation { done in
            DispatchQueue.global().async {
                gathered.withLock { $0 = [] }
                done.resume()
            }
        }
    }

    private func acquire(closing: Bool = false) async throws -> ADBCConnection {
        let ticket = state.withLock { state in
            defer { state.nextTicket += 1 }
            return state.nextTicket
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<ADBCConnection, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.isClosed, !closing { return .failure(Self.closed) }
                    if let connection = state.idle.popLast() { return .success(connection) }
                    state.waiters.append((ticket, continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.ticket == ticket }.map { state.waiters.remove(at: $0).continuation }
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    private func release(_ connection: ADBCConnection) {
        let waiter = state.withLock { state in
            if state.waiters.isEmpty {
                state.idle.append(connection)
                return CheckedContinuation<ADBCConnection, any Error>?.none
            }
            return state.waiters.removeFirst().continuation
        }
        waiter?.resume(returning: connection)
    }

    private static let closed = WarehouseError(kind: .engine, phase: .open, message: "the warehouse is closed")
}
