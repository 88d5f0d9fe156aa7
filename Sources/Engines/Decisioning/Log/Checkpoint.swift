// Checkpoints: the state at one position of the log in files, so that a restart need not fold the whole log.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
import Model
public import Ports

/// The files of a checkpoint: a manifest, line ids, lists, recent contacts, and one for each block of 65,536 subscribers.
///
/// A checkpoint is no input: the log alone says the same. A part that did not change since the checkpoint before has the
/// same file again. All files begin with a mark of their own, hence they never coincide with a file that another record
/// names, and may be removed when a later checkpoint does not need them.
public struct Checkpoint: Hashable, Sendable {
    /// The file that names all others.
    public let manifest: ContentHash
    /// Line ids, lists and recent contacts; then the state of each block, in order.
    public let parts: [ContentHash]

    /// Whether a file that begins with these bytes was made for a checkpoint, this one or another.
    public static func isFile(beginningWith bytes: some Sequence<UInt8>) -> Bool {
        let mark = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // The last byte is the version.
        return [Mark.manifest, Mark.part].contains { $0 << 8 == mark << 8 }
    }

    /// Files of this checkpoint alone that a later one no longer needs.
    public func files(notIn later: Checkpoint) -> [ContentHash] {
        let needed = Set(later.parts).union([later.manifest])
        // The manifest goes last: whoever begins again finds the others through it.
        return (parts + [manifest]).filter { !needed.contains($0) }
    }
}

private enum Mark {
    /// "GYRECHK" and the version of the format; version 2 ends before the assignments.
    static let manifest: UInt64 = 0x03_4B_48_43_45_52_59_47
    static let manifestWithoutAssignments: UInt64 = 0x02_4B_48_43_45_52_59_47
    /// "GYREPRT" and the version of the format.
    static let part: UInt64 = 0x02_54_52_50_45_52_59_47
    /// Parts before the first block.
    static let common = 3
}

// MARK: Writing

extension DecisionState {
    /// Stores the state, which is what the log says up to `position`.
    ///
    /// - Parameters:
    ///   - position: Where the log ends.
    ///   - previous: The checkpoint before; its unchanged blocks are not stored again.
    ///   - threads: Workers; the files do not depend on their number.
    ///   - store: Keeps the files.
    /// - Returns: The names of the files.
    /// - Throws: What the store throws; ``DecisionError/waveOpen(_:)`` while a wave is open, whose selection belongs to
    ///   the position of its opening.
    public func checkpoint(
        at position: LogPosition,
        after previous: Checkpoint?,
        threads: Int,
        in store: any ObjectStore
    ) throws -> Checkpoint {
        if let open = openWave { throw DecisionError.waveOpen(open.wave) }
        let parts = try storeParts(after: previous, threads: threads, in: store)
        do {
            let manifest = try store.put(manifest(at: position, parts: parts))
            return Checkpoint(manifest: manifest, parts: parts)
        } catch {
            Self.remove(parts, except: previous, from: store)
            throw error
        }
    }

    private func manifest(at position: LogPosition, parts: [ContentHash]) throws -> [UInt8] {
        var w = ByteWriter(capacity: 1 << 16)
        w.write(Mark.manifest)
        w.write(position.sequence)
        for head in position.heads { w.write(head) }
        w.write(counted: salt)
        w.write(now)
        w.write(ledger.currentMonth.number)
        w.write(UInt32(parts.count))
        for part in parts { w.write(part) }
        w.write(optional: loaded) { w, loaded in
            w.write(text: loaded.load)
            w.write(loaded.catalogue)
            w.write(UInt32(loaded.columns.count))
            for column in loaded.columns {
                w.write(text: column.code)
                w.write(column.file)
            }
        }
        w.write(optional: policyFile) { $0.write($1) }
        w.write(UInt32(campaigns.count))
        for (id, campaign) in campaigns.sorted(by: { $0.key < $1.key }) {
            w.write(id.number)
            w.write(counted: try campaign.spec.canonicalJSON())
            w.write(campaign.status.rawValue)
        }
        w.write(UInt32(waves.count))
        for wave in waves.values.sorted(by: { $0.wave < $1.wave }) { try wave.encodeHead(to: &w) }
        w.write(UInt32(concluded.count))
        for (request, isSettled) in concluded.sorted(by: { $0.key < $1.key }) {
            w.write(request)
            w.write(UInt8(isSettled ? 1 : 0))
        }
        w.write(UInt32(pool.campaigns.count))
        for pooled in pool.campaigns {
            w.write(pooled.id.number)
            w.write(pooled.audience)
            w.write(UInt8(pooled.slot == nil ? 0 : 1))
            w.write(pooled.contacts)
        }
        for requests in [waiting, due, kept] {
            w.write(UInt32(requests.count))
            for request in requests { w.write(request) }
        }
        w.write(UInt32(assignments.count))
        for (id, adopted) in assignments.sorted(by: { $0.key < $1.key }) {
            w.write(id.number)
            w.write(adopted.file)
        }
        return w.bytes
    }

    /// Stores the parts side by side; when one fails, what this attempt stored is removed again.
    private func storeParts(
        after previous: Checkpoint?,
        threads: Int,
        in store: any ObjectStore
    ) throws -> [ContentHash] {
        let encoders = partEncoders()
        let results = encoders.indices.concurrentMap(threads: threads) { part in
            let bytes = encoders[part]()
            let name = ContentHash.sha256(bytes)
            let isKnown = previous.map { part < $0.parts.count && $0.parts[part] == name } ?? false
            return Result { isKnown ? name : try store.put(bytes) }
        }
        do {
            return try results.map { try $0.get() }
        } catch {
            Self.remove(results.compactMap { try? $0.get() }, except: previous, from: store)
            throw error
        }
    }

    /// Best effort after an error: what stays is named by nothing and does no harm but take room.
    private static func remove(_ parts: [ContentHash], except previous: Checkpoint?, from store: any ObjectStore) {
        let needed = Set(previous?.parts ?? [])
        for part in parts where !needed.contains(part) { try? store.remove(part) }
    }

    /// What makes the bytes of each part; each may run on a thread of its own while the state stands still.
    private func partEncoders() -> [@Sendable () -> [UInt8]] {
        let (lines, lists, history, ledger) = (lines, lists, history, ledger)
        let waves = waves.values.sorted { $0.wave < $1.wave }
        let singles = Dictionary(grouping: singles.values) { Int($0.index >> 16) }
        let interactions = Dictionary(grouping: interactions.values) { Int($0.answer.request.index >> 16) }
        // Nothing changes while the parts are made.
        nonisolated(unsafe) let journal = journal
        let common: [@Sendable () -> [UInt8]] = [
            {
                var w = ByteWriter(capacity: lines.count * 8 + 16)
                w.write(Mark.part)
                lines.withUnsafeBytes { w.write(raw: $0) }
                return w.bytes
            },
            {
                var w = ByteWriter(capacity: lists.count * (lines.count / 8 + 64))
                w.write(Mark.part)
                w.write(UInt32(lists.count))
                for (list, members) in lists.sorted(by: { $0.key < $1.key }) {
                    w.write(list)
                    w.write(counted: members.listFile)
                }
                return w.bytes
            },
            {
                var w = ByteWriter()
                w.write(Mark.part)
                var contacts = ContactHistory()
                contacts.recents = history
                w.write(raw: contacts.encoded())
                return w.bytes
            },
        ]
        return common
            + (0..<ledger.blockCount).map { block in
                {
                    var w = Self.encode(block, ledger, waves, singles[block] ?? [])
                    let open = (interactions[block] ?? []).sorted {
                        $0.answer.request.request < $1.answer.request.request
                    }
                    w.write(UInt32(open.count))
                    for interaction in open { w.write(interaction) }
                    (journal.existing(block) ?? OfferBlock()).encode(to: &w)
                    return w.bytes
                }
            }
    }

    private static func encode(
        _ block: Int,
        _ ledger: ContactLedger,
        _ waves: [WaveState],
        _ singles: [SingleReservation]
    ) -> ByteWriter {
        var w = ByteWriter(capacity: ContactLedger.blockBytes / 2)
        w.write(Mark.part)
        w.write(UInt32(block))
        let counters = ledger.bytes(ofBlock: block)
        for start in stride(from: 0, to: counters.count, by: Block.size) {
            let column = UnsafeRawBufferPointer(rebasing: counters[start..<start + Block.size])
            let isEmpty = !column.contains { $0 != 0 }
            w.write(UInt8(isEmpty ? 0 : 1))
            if !isEmpty { w.write(raw: column) }
        }
        let touched = waves.compactMap { wave in wave.blocks[block].map { (wave.wave, $0) } }
        w.write(UInt32(touched.count))
        for (wave, state) in touched {
            w.write(wave.packed)
            state.encode(to: &w)
        }
        w.write(UInt32(singles.count))
        for single in singles.sorted(by: { $0.request < $1.request }) { w.write(single) }
        return w
    }

    // MARK: Reading

    /// The state of a checkpoint, and where the log ended then.
    ///
    /// - Throws: A file error or ``MalformedBytes`` when a file is missing or damaged; the log holds the same.
    static func restored(
        _ manifest: ContentHash,
        inputs: any DecisionInputs
    ) throws -> (state: DecisionState, position: LogPosition, checkpoint: Checkpoint) {
        var r = ByteReader(try inputs.bytes(manifest))
        let mark: UInt64 = try r.read()
        guard [Mark.manifest, Mark.manifestWithoutAssignments].contains(mark) else {
            throw MalformedBytes(offset: 0, expected: "a checkpoint of version 2 or 3")
        }
        let sequence: Int64 = try r.read()
        var heads: [ContentHash] = []
        for _ in 0..<LogChain.count { heads.append(try r.readDigest()) }
        let state = DecisionState(inputs: inputs)
        let salt = Array(try r.readCounted())
        let now = try r.readTime()
        state.begin(salt: salt, now: now, month: LocalMonth(number: try r.read()))
        var parts: [ContentHash] = []
        for _ in 0..<(try r.read(UInt32.self)) { parts.append(try r.readDigest()) }
        guard parts.count >= Mark.common else { throw MalformedBytes(offset: r.offset, expected: "the common parts") }
        try state.restoreLines(inputs.bytes(parts[0]))
        try state.restoreLists(inputs.bytes(parts[1]), file: parts[1])
        try state.restoreHistory(inputs.bytes(parts[2]))
        let loaded = try r.readOptional { r throws(MalformedBytes) in
            let (load, catalogue) = (try r.readText(), try r.readDigest())
            var columns: [AttributeColumn] = []
            for _ in 0..<(try r.read(UInt32.self)) {
                columns.append(AttributeColumn(code: try r.readText(), file: try r.readDigest()))
            }
            return LoadedAttributes(load: load, catalogue: catalogue, columns: columns)
        }
        if let loaded { try state.load(loaded) }
        if let file = try r.readOptional({ r throws(MalformedBytes) in try r.readDigest() }) {
            try state.setPolicy(file)
        }
        for _ in 0..<(try r.read(UInt32.self)) {
            let id = CampaignID(try r.read())
            let spec = try decode(CampaignSpec.self, Array(try r.readCounted()), file: manifest)
            let status = try r.readRaw(CampaignStatus.self, "a campaign status")
            state.campaigns[id] = CampaignState(spec: spec, status: status)
        }
        for _ in 0..<(try r.read(UInt32.self)) {
            let wave = try WaveState(head: &r, file: manifest)
            state.add(wave)
        }
        for _ in 0..<(try r.read(UInt32.self)) {
            let request: UInt64 = try r.read()
            state.concluded[request] = try r.read(UInt8.self) == 1
        }
        for _ in 0..<(try r.read(UInt32.self)) {
            let (id, audience) = (CampaignID(try r.read()), try r.readDigest())
            let isInPool = try r.read(UInt8.self) == 1
            let members =
                isInPool
                ? try Bitset(listFile: inputs.bytes(audience), subscribers: state.subscribers, file: audience) : nil
            state.pool.restore(id, audience: audience, members: members, contacts: try r.read())
        }
        state.waiting = try r.readRequests()
        state.due = try r.readRequests()
        state.kept = try r.readRequests()
        for _ in 0..<(mark == Mark.manifest ? try r.read(UInt32.self) : 0) {
            let (id, file) = (CampaignID(try r.read()), try r.readDigest())
            state.assignments[id] = AdoptedAssignment(file: file, assignment: try state.assignment(file, of: id))
        }
        let blocks = parts[Mark.common...]
        guard r.isAtEnd, blocks.count == state.ledger.blockCount else {
            throw MalformedBytes(offset: r.offset, expected: "\(state.ledger.blockCount) blocks and the end")
        }
        for (block, file) in blocks.enumerated() { try state.restore(block, from: inputs.bytes(file)) }
        state.advance(to: sequence)
        let position = LogPosition(sequence: sequence, heads: heads)
        return (state, position, Checkpoint(manifest: manifest, parts: parts))
    }

    private func restoreLines(_ bytes: [UInt8]) throws {
        var r = ByteReader(bytes)
        try r.expect(Mark.part, "line ids")
        var lines: [Int64] = []
        lines.reserveCapacity(bytes.count / 8)
        while !r.isAtEnd { lines.append(try r.read()) }
        restoreLines(lines)
    }

    private func restoreLists(_ bytes: [UInt8], file: ContentHash) throws {
        var r = ByteReader(bytes)
        try r.expect(Mark.part, "lists")
        for _ in 0..<(try r.read(UInt32.self)) {
            let list = try r.readList()
            replace(
                list,
                by: try Bitset(listFile: Array(try r.readCounted()), subscribers: subscribers, file: file)
            )
        }
    }

    private func restoreHistory(_ bytes: [UInt8]) throws {
        var r = ByteReader(bytes)
        try r.expect(Mark.part, "recent contacts")
        restoreHistory(try ContactHistory(decoding: Array(bytes[r.offset...])))
    }

    private func restore(_ block: Int, from bytes: [UInt8]) throws {
        var r = ByteReader(bytes)
        try r.expect(Mark.part, "a block")
        guard try r.read(UInt32.self) == UInt32(block) else {
            throw MalformedBytes(offset: 8, expected: "block \(block)")
        }
        for column in 0..<ContactLedger.blockBytes / Block.size where try r.read(UInt8.self) == 1 {
            ledger.restore(try r.read(count: Block.size), block: block, column: column)
        }
        for _ in 0..<(try r.read(UInt32.self)) {
            let wave = try r.readWave()
            let start = r.offset
            guard waves[wave] != nil else { throw MalformedBytes(offset: start, expected: "a wave of the checkpoint") }
            waves[wave]?.blocks[block] = try WaveBlockState(from: &r)
        }
        for _ in 0..<(try r.read(UInt32.self)) {
            let single = try r.readSingle()
            singles[single.request] = single
        }
        for _ in 0..<(try r.read(UInt32.self)) {
            let interaction = try r.readInteraction()
            interactions[interaction.answer.request.request] = interaction
        }
        let offers = try OfferBlock(from: &r)
        if !offers.entries.isEmpty { journal.restore(block, offers) }
        for entry in offers.entries { pool.tally(Int(entry.campaign), from: [], to: entry.flags) }
        guard r.isAtEnd else { throw MalformedBytes(offset: r.offset, expected: "the end of the block") }
    }
}

// MARK: Parts

extension WaveState {
    /// Everything but the blocks.
    fileprivate func encodeHead(to w: inout ByteWriter) throws {
        w.write(wave.packed)
        w.write(serial)
        w.write(planned)
        w.write(audience)
        w.write(openedAt)
        w.write(counted: try spec.canonicalJSON())
        w.write(text: status.rawValue)
        w.write(optional: cuts) { w, cuts in
            w.write(UInt32(cuts.count))
            for cut in cuts { w.write(cut) }
        }
        w.write(UInt32(totals.count))
        for total in totals {
            w.write(total.outcome.rawValue)
            w.write(total.count)
        }
        w.write(optional: outcome) { $0.write($1) }
        w.write(optional: handedOffAt) { $0.write($1) }
    }

    fileprivate init(head r: inout ByteReader, file: ContentHash) throws {
        self.init(
            wave: try r.readWave(),
            serial: try r.read(),
            planned: try r.readTime(),
            audience: try r.readDigest(),
            openedAt: try r.read(),
            spec: try DecisionState.decode(CampaignSpec.self, Array(try r.readCounted()), file: file)
        )
        let start = r.offset
        guard let status = WaveStatus(rawValue: try r.readText()) else {
            throw MalformedBytes(offset: start, expected: "a wave status")
        }
        self.status = status
        cuts = try r.readOptional { r throws(MalformedBytes) in
            var cuts: [RankCut] = []
            for _ in 0..<(try r.read(UInt32.self)) { cuts.append(try r.readCut()) }
            return cuts
        }
        for _ in 0..<(try r.read(UInt32.self)) {
            totals.append(OutcomeTotal(outcome: try r.readRaw(Outcome.self, "an outcome"), count: try r.read()))
        }
        outcome = try r.readOptional { r throws(MalformedBytes) in try r.readDigest() }
        handedOffAt = try r.readOptional { r throws(MalformedBytes) in try r.readTime() }
    }
}

extension ByteWriter {
    fileprivate mutating func write<T>(optional value: T?, _ body: (inout ByteWriter, T) -> Void) {
        write(UInt8(value == nil ? 0 : 1))
        if let value { body(&self, value) }
    }
}

extension ByteReader {
    fileprivate mutating func readOptional<T>(
        _ body: (inout ByteReader) throws(MalformedBytes) -> T
    ) throws(MalformedBytes) -> T? {
        try read(UInt8.self) == 0 ? nil : try body(&self)
    }

    fileprivate mutating func readRequests() throws(MalformedBytes) -> [UInt64] {
        var requests: [UInt64] = []
        for _ in 0..<(try read(UInt32.self)) { requests.append(try read()) }
        return requests
    }

    fileprivate mutating func expect(_ mark: UInt64, _ what: String) throws(MalformedBytes) {
        guard try read(UInt64.self) == mark else { throw MalformedBytes(offset: 0, expected: what) }
    }
}
