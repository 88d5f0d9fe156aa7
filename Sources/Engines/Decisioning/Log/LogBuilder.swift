// Turns records into batches that continue the log, and checks batches that were read back.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Kernel
import Model
public import Ports

/// Chains records to the end of a log.
public struct LogBuilder: Sendable {
    /// Where the log ends with everything built so far.
    public private(set) var position: LogPosition

    /// Continues at a position.
    public init(position: LogPosition) {
        self.position = position
    }

    /// The batch that holds a record and follows everything built before.
    public mutating func batch(_ record: LogRecord) -> LogBatch {
        let chain =
            switch record.chain {
            case .common: LogChain.common
            case .block(let block): LogChain(ofBlock: block)
            }
        let sequence = position.sequence + 1
        let previous = position.heads[Int(chain.number)]
        let payload = record.encoded()
        let digest = Self.digest(previous: previous, sequence: sequence, chain: chain, payload: payload)
        position.sequence = sequence
        position.heads[Int(chain.number)] = digest
        return LogBatch(
            sequence: sequence,
            chain: chain,
            key: record.key,
            payload: payload,
            previous: previous,
            digest: digest
        )
    }

    /// Checks that a batch read back continues the log, and moves on behind it.
    ///
    /// - Throws: ``DecisionError/brokenChain(sequence:why:)``.
    public mutating func verify(_ batch: LogBatch) throws(DecisionError) {
        func broken(_ why: String) -> DecisionError { .brokenChain(sequence: batch.sequence, why: why) }
        guard batch.sequence == position.sequence + 1 else { throw broken("batch \(position.sequence + 1) is missing") }
        guard batch.previous == position.heads[Int(batch.chain.number)] else {
            throw broken("it does not continue chain \(batch.chain.number)")
        }
        let digest = Self.digest(
            previous: batch.previous,
            sequence: batch.sequence,
            chain: batch.chain,
            payload: batch.payload
        )
        guard batch.digest == digest else { throw broken("its digest does not match its content") }
        position.sequence = batch.sequence
        position.heads[Int(batch.chain.number)] = digest
    }

    private static func digest(previous: ContentHash, sequence: Int64, chain: LogChain, payload: [UInt8]) -> ContentHash
    {
        var hasher = SHA256()
        var header = ByteWriter(capacity: 48)
        header.write(raw: previous.bytes)
        header.write(sequence)
        header.write(chain.number)
        hasher.update(data: header.bytes)
        payload.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        return ContentHash(finishing: hasher)
    }
}
