// A short queue between two engine threads: one fills it with batches, the other empties it.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Ports

/// A bounded queue of batches.
///
/// Both ends block, so both belong on threads of their own, never on Swift's cooperative ones.
final class BatchPipe: @unchecked Sendable {
    /// Nobody reads any more, for a reason of the reader's own.
    struct ReaderGone: Error {}

    private static let limit = 4

    private var mutex = pthread_mutex_t()
    private var changed = pthread_cond_t()
    // All below are guarded by `mutex`.
    private var batches: [ColumnBatch] = []
    private var outcome: Result<Void, any Error>?
    private var isReaderGone = false

    init() {
        pthread_mutex_init(&mutex, nil)
        pthread_cond_init(&changed, nil)
    }

    deinit {
        pthread_cond_destroy(&changed)
        pthread_mutex_destroy(&mutex)
    }

    private func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_lock(&mutex)
        defer { pthread_mutex_unlock(&mutex) }
        return try body()
    }

    /// Adds a batch, waiting for room.
    ///
    /// - Throws: ``ReaderGone`` when nobody reads any more.
    func push(_ batch: ColumnBatch) throws {
        try locked {
            while batches.count >= Self.limit, !isReaderGone { pthread_cond_wait(&changed, &mutex) }
            if isReaderGone { throw ReaderGone() }
            batches.append(batch)
            pthread_cond_broadcast(&changed)
        }
    }

    /// Says that no batch follows, or why; the first word counts.
    func finish(_ result: Result<Void, any Error>) {
        locked {
            outcome = outcome ?? result
            pthread_cond_broadcast(&changed)
        }
    }

    /// Says that nobody reads any more.
    func stopReading() {
        locked {
            isReaderGone = true
            pthread_cond_broadcast(&changed)
        }
    }

    /// The next batch, waiting for one; nil after the last.
    func pop() throws -> ColumnBatch? {
        try locked {
            while batches.isEmpty, outcome == nil { pthread_cond_wait(&changed, &mutex) }
            if case .failure(let error) = outcome { throw error }
            if batches.isEmpty { return nil }
            defer { pthread_cond_broadcast(&changed) }
            return batches.removeFirst()
        }
    }
}

/// The reading end of a pipe as a source of an append.
struct PipedBatches: ColumnBatchSource {
    let pipe: BatchPipe

    mutating func next() throws -> ColumnBatch? { try pipe.pop() }
}
