// Pass 2 of a wave: outcomes block by block against the live counters; contacts are reserved.
// SPDX-License-Identifier: Apache-2.0

import Crypto
public import Kernel
import Model

/// The outcomes of one block and their digest.
struct BlockDecision: Sendable {
    var block: Int
    var outcomes: BlockOutcomes
    var digest: ContentHash
}

extension WavePlan {
    /// Whether a block has audience members.
    func hasMembers(block: Int) -> Bool {
        let first = block * Block.words
        let words = audience.words
        return (first..<min(first + Block.words, words.count)).contains { words[$0] != 0 }
    }
}

extension WaveSelection {
    /// Decides one block.
    ///
    /// `isDryRun`: A dry run counts nothing, so that it can be repeated; each subscriber occurs once in a
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
            plan.copyAudience(ofBlock: block, 0..<Block.words, to: members)
            return BlockOutcomes(members: members, codes: codes)
        }
        return BlockDecision(block: block, outcomes: outcomes, digest: .sha256(outcomes.bytes))
    }

    @inline(__always)
    private func outcome(of survivor: Survivor, index: Int, checker: CapChecker, isDryRun: Bool) -> Outcome {
        if let failed = failedCut(score: survivor.score, index: index) { return failed }
        if let kept = plan.keptByQuietHours, kept.contains(UInt32(index)) { return .quietHours }
        if survivor.isControl { return .control }
        guard checker.failure(offset: survivor.offset, tier: Int(plan.tiers[index])) == nil else {
            return .takenMeanwhile
        }
        if !isDryRun { checker.add(offset: survivor.offset) }
        return .contact
    }
}

/// Totals and hash of a wave, collected block by block in any order; a block decided again replaces itself.
public struct WaveResult: Hashable, Sendable {
    private struct Entry: Hashable, Sendable {
        var counts: [OutcomeTotal]
        var digest: ContentHash
    }

    private var blocks: [Int: Entry] = [:]

    init() {}

    mutating func add(_ outcomes: BlockOutcomes, block: Int, digest: ContentHash) {
        let counts = outcomes.present.map { OutcomeTotal(outcome: $0, count: Int64(outcomes.count($0))) }
        blocks[block] = Entry(counts: counts, digest: digest)
    }

    /// Members per outcome, in the order of checks; outcomes without members are left out.
    public var totals: [OutcomeTotal] {
        var sums = [Int64](repeating: 0, count: 256)
        for total in blocks.values.lazy.flatMap(\.counts) { sums[Int(total.outcome.rawValue)] += total.count }
        return Outcome.allCases.filter { sums[Int($0.rawValue)] > 0 }
            .map { OutcomeTotal(outcome: $0, count: sums[Int($0.rawValue)]) }
    }

    /// SHA-256 over the digests of all blocks with members, in order: equal for a dry run and its wave.
    public var outcomeSHA256: ContentHash {
        var writer = ByteWriter(capacity: blocks.count * 40)
        for (block, entry) in blocks.sorted(by: { $0.key < $1.key }) {
            writer.write(Int64(block))
            writer.write(entry.digest)
        }
        return .sha256(writer.bytes)
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
