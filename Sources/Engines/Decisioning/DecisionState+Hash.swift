// The hash of the state: equal on every machine that folded the same log.
// SPDX-License-Identifier: Apache-2.0

import Crypto
public import Kernel
import Model

extension DecisionState {
    /// SHA-256 over the hashes of the 64 partitions in order and of what concerns all of them.
    public func stateSHA256() -> ContentHash {
        var all = SHA256()
        for partition in 0..<Partition.count { all.update(data: partitionHash(partition).bytes) }
        all.update(data: commonHash().bytes)
        return ContentHash(finishing: all)
    }

    private func partitionHash(_ partition: Int) -> ContentHash {
        var hasher = SHA256()
        for block in stride(from: partition, to: ledger.blockCount, by: Partition.count) {
            hasher.update(bufferPointer: ledger.bytes(ofBlock: block))
        }
        var writer = ByteWriter()
        for wave in waves.values.sorted(by: { $0.wave < $1.wave }) {
            for (block, state) in wave.blocks.sorted(by: { $0.key < $1.key })
            where Partition.of(block: block) == partition {
                writer.write(wave.wave.packed)
                writer.write(Int64(block))
                state.encode(to: &writer)
            }
        }
        for open in singles.values.sorted(by: { $0.request < $1.request })
        where Partition.of(block: Int(open.index >> 16)) == partition {
            writer.write(open.request)
            writer.write(open.index)
            writer.write(open.channel.rawValue)
            writer.write(open.month.number)
        }
        encodeOffers(ofPartition: partition, to: &writer)
        hasher.update(data: writer.bytes)
        return ContentHash(finishing: hasher)
    }

    /// Nothing at all where no offers were made, so that states without offers keep the hash they always had.
    private func encodeOffers(ofPartition partition: Int, to writer: inout ByteWriter) {
        for block in stride(from: partition, to: journal.blocks.count, by: Partition.count) {
            guard let offers = journal.existing(block), !offers.entries.isEmpty else { continue }
            writer.write(Int64(block))
            offers.encode(to: &writer)
        }
        let open = interactions.values.filter {
            Partition.of(block: Int($0.answer.request.index >> 16)) == partition
        }
        for interaction in open.sorted(by: { $0.answer.request.request < $1.answer.request.request }) {
            writer.write(interaction)
        }
    }

    private func commonHash() -> ContentHash {
        var writer = ByteWriter()
        writer.write(now)
        writer.write(Int64(lines.count))
        writer.write(Int32(policy?.revision ?? 0))
        for (id, campaign) in campaigns.sorted(by: { $0.key < $1.key }) {
            writer.write(id.number)
            writer.write(Int64(campaign.spec.revision))
            writer.write(campaign.status.rawValue)
        }
        for wave in waves.values.sorted(by: { $0.wave < $1.wave }) {
            writer.write(wave.wave.packed)
            writer.write(text: wave.status.rawValue)
            writer.write(wave.outcome ?? .zero)
        }
        for (request, isSettled) in concluded.sorted(by: { $0.key < $1.key }) {
            writer.write(request)
            writer.write(UInt8(isSettled ? 1 : 0))
        }
        for pooled in pool.campaigns {
            writer.write(pooled.id.number)
            writer.write(pooled.audience)
            writer.write(UInt8(pooled.slot == nil ? 0 : 1))
            writer.write(pooled.contacts)
        }
        // Nothing where there are none, so that states without them keep the hash they always had.
        for (id, adopted) in assignments.sorted(by: { $0.key < $1.key }) {
            writer.write(id.number)
            writer.write(adopted.file)
        }
        var hasher = SHA256()
        hasher.update(data: writer.bytes)
        lines.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        for (list, members) in lists.sorted(by: { $0.key < $1.key }) {
            var header = ByteWriter()
            header.write(list)
            hasher.update(data: header.bytes)
            members.words.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        }
        return ContentHash(finishing: hasher)
    }
}
