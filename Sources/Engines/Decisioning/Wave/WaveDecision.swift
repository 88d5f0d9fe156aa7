// Pass 2 of a wave: outcomes block by block against the live counters; contacts are reserved.
// SPDX-License-Identifier: Apache-2.0

import Crypto
public import Kernel
public import Model

/// The outcomes of one block and their digest.
struct BlockDecision: Sendable {
    var block: Int
    var outcomes: BlockOutcomes
    var digest: ContentHash
}

extension WaveSelection {
    /// Whether a block has audience members.
    func hasMembers(block: Int) -> Bool {
        let first = block * Block.words
        let words = plan.audience.words
        return (first..<min(first + Block.words, words.count)).contains { words[$0] != 0 }
    }

    /// Decides one block.
    ///
    /// - Parameter isDryRun: A dry run counts nothing, so that it can be repeated; each subscriber occurs once in a
    ///   wave, hence its own reservations cannot change its outcomes.
    func decide(block: Int, ledger: ContactLedger, isDryRun: Bool) -> BlockDecision {
        let codes = codes + block * Block.size
        let plan = plan
        let checker = CapChecker(
            ledger: ledger,
            block: block,
            channel: plan.spec.channel,
            month: plan.month,
            rows: plan.capRows
        )
        for survivor in survivors[block] {
            let offset = survivor.offset
            let index = block * Block.size + offset
            codes[offset] =
                outcome(of: survivor, index: index, checker: checker, isDryRun: isDryRun).rawValue
        }
        let outcomes = withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Block.words) { members in
            guard let members = members.baseAddress else { preconditionFailure("no memory for one block") }
            plan.copyAudience(ofBlock: block, to: members)
            return BlockOutcomes(members: members, codes: codes)
        }
        return BlockDecision(block: block, outcomes: outcomes, digest: .sha256(outcomes.bytes))
    }

    @inline(__always)
    private func outcome(of survivor: Survivor, index: Int, checker: CapChecker, isDryRun: Bool) -> Outcome {
        if let failed = failedCut(score: survivor.score, index: index) { return failed }
        if plan.isDroppedByQuietHours { return .quietHours }
        if survivor.isControl { return .control }
        guard checker.failure(offset: survivor.offset, tier: Int(plan.tiers[index])) == nil else {
            return .takenMeanwhile
        }
        if !isDryRun { checker.add(offset: survivor.offset) }
        return .contact
    }
}

/// Totals and hash of a whole wave, collected block by block in ascending order.
public struct WaveResult: Hashable, Sendable {
    /// Members per outcome, in the order of checks; outcomes without members are left out.
    public private(set) var totals: [OutcomeTotal] = []
    private var blocks: [ContentHash] = []

    init() {}

    mutating func add(_ outcomes: BlockOutcomes, block: Int, digest: ContentHash) {
        for outcome in outcomes.present {
            let count = Int64(outcomes.count(outcome))
            if let position = totals.firstIndex(where: { $0.outcome == outcome }) {
                totals[position].count += count
            } else {
                totals.append(OutcomeTotal(outcome: outcome, count: count))
                totals.sort { $0.outcome.rawValue < $1.outcome.rawValue }
            }
        }
        var writer = ByteWriter()
        writer.write(Int64(block))
        writer.write(digest)
        blocks.append(.sha256(writer.bytes))
    }

    /// Members in the audience.
    public var target: Int64 { totals.reduce(0) { $0 + $1.count } }

    /// Members with an outcome.
    public func count(_ outcome: Outcome) -> Int64 {
        totals.first { $0.outcome == outcome }?.count ?? 0
    }

    /// SHA-256 over the digests of all blocks with members, in order: equal for a dry run and its wave.
    public var outcomeSHA256: ContentHash {
        .sha256(blocks.flatMap(\.bytes))
    }
}

extension ContentHash {
    /// The SHA-256 of bytes.
    public static func sha256(_ bytes: some Sequence<UInt8>) -> ContentHash {
        var hasher = SHA256()
        if bytes.withContiguousStorageIfAvailable({ hasher.update(bufferPointer: UnsafeRawBufferPointer($0)) }) == nil {
            hasher.update(data: Array(bytes))
        }
        return ContentHash(finishing: hasher)
    }

    init(finishing hasher: SHA256) {
        self = ContentHash(bytes: Array(hasher.finalize())) ?? .zero
    }
}
