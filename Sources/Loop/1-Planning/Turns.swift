// How planning orders its work: loads and policy changes one after the other, the parts of a load side by side.
// SPDX-License-Identifier: Apache-2.0

/// Lets work in one after the other, in the order of arrival.
actor Turns {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    nonisolated func take<Result: Sendable>(_ body: () async throws -> Result) async rethrows -> Result {
        await enter()
        do {
            let result = try await body()
            await leave()
            return result
        } catch {
            await leave()
            throw error
        }
    }

    /// Lets in work that is brought to its end even when who asked for it has gone.
    nonisolated func complete<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await take { try await Task { try await body() }.value }
    }

    private func enter() async {
        guard isTaken else { return isTaken = true }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func leave() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}

/// Does a number of pieces of work, several at a time.
///
/// `body`: Gets the piece and a worker; no two pieces have one worker at the same time.
///
/// - Returns: The results in the order of the pieces.
/// - Throws: The first error; the other pieces are cancelled.
func sideBySide<Result: Sendable>(
    _ pieces: Int,
    workers: Int,
    _ body: @escaping @Sendable (_ piece: Int, _ worker: Int) async throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (piece: Int, worker: Int, result: Result).self) { group in
        var results = [Result?](repeating: nil, count: pieces)
        for piece in 0..<pieces {
            var worker = piece
            if piece >= workers, let done = try await group.next() {
                results[done.piece] = done.result
                worker = done.worker
            }
            group.addTask { [worker] in (piece, worker, try await body(piece, worker)) }
        }
        for try await done in group { results[done.piece] = done.result }
        return results.compactMap { $0 }
    }
}
