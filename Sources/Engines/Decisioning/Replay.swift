// Replay: fold the log into a state, or decide everything once more and compare.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
public import Ports

/// Rebuilds the state from the log.
///
/// *Fold* applies logged outcomes and works on every later build. *Verify* also makes every decision again from the
/// logged inputs and names the first batch and subscriber that differ.
public final class Replay {
    /// The state after the batches read so far.
    public let state: DecisionState
    /// Where the log ends with them.
    public private(set) var builder = LogBuilder(position: .start)
    /// The wave without an end in the log, selected as of its opening and ready to go on.
    public private(set) var openSession: WaveSession?
    /// Batches read.
    public private(set) var batches = 0
    /// Decisions made again (verify only).
    public private(set) var decisionsVerified: Int64 = 0
    /// Decisions on subscribers who were erased since, taken as logged: what they came from is destroyed (verify only).
    public private(set) var decisionsErased: Int64 = 0

    private let log: any DecisionLog
    private let inputs: any DecisionInputs
    private let threads: Int
    private let verifies: Bool
    private var verifying: WaveSession?
    private var erasures = Erasures()
    /// Outcomes as logged of those whom the wave being verified meant, and who were erased since.
    private var given: [UInt32: Outcome] = [:]
    /// The checkpoint this replay began at; nil when it began at the start of the log.
    public let checkpoint: Checkpoint?
    /// Why a later checkpoint was passed over, one sentence each.
    public let passedOver: [String]

    /// Prepares a replay of a whole log.
    public init(log: any DecisionLog, inputs: any DecisionInputs, threads: Int, verifies: Bool = false) {
        self.log = log
        self.inputs = inputs
        self.threads = threads
        self.verifies = verifies
        state = DecisionState(inputs: inputs)
        checkpoint = nil
        passedOver = []
    }

    /// Prepares a replay that begins at the last checkpoint whose files are whole, or else at the start of the log.
    ///
    /// - Throws: A log error.
    public init(fromCheckpointOf log: any DecisionLog, inputs: any DecisionInputs, threads: Int) throws {
        self.log = log
        self.inputs = inputs
        self.threads = threads
        verifies = false
        var passedOver: [String] = []
        for batch in try log.batches(for: LogRecord.checkpointKey).reversed() {
            do {
                guard case .checkpoint(let file) = try LogRecord(decoding: batch.payload) else { continue }
                let found = try DecisionState.restored(file, inputs: inputs)
                guard found.position.sequence == batch.sequence - 1 else {
                    throw DecisionError.brokenChain(sequence: batch.sequence, why: "a checkpoint of another position")
                }
                state = found.state
                builder = LogBuilder(position: found.position)
                checkpoint = found.checkpoint
                self.passedOver = passedOver
                return
            } catch {
                passedOver.append("checkpoint at \(batch.sequence): \(error)")
            }
        }
        state = DecisionState(inputs: inputs)
        checkpoint = nil
        self.passedOver = passedOver
    }

    /// Reads the log on, to its end or up to and including a batch, checking every chain.
    ///
    /// - Throws: ``DecisionError/brokenChain(sequence:why:)`` for a damaged log and, when verifying,
    ///   ``DecisionError/different(sequence:what:)`` for the first decision that comes out differently.
    public func fold(upTo last: Int64 = .max) throws {
        struct Enough: Error {}
        // An erasure of later replaces files of before: they are read without those who are erased.
        erasures = try Erasures(of: log)
        do {
            try log.read(from: builder.position.sequence + 1) { batch in
                guard batch.sequence <= last else { throw Enough() }
                try take(batch)
            }
        } catch is Enough {
            return
        }
        // What the log itself says of its end; a log that others write has moved on by now, which says nothing.
        let end = try log.position()
        guard end.sequence != builder.position.sequence || end.heads == builder.position.heads else {
            throw DecisionError.brokenChain(sequence: end.sequence, why: "it is not the end that the log remembers")
        }
    }

    private func take(_ batch: LogBatch) throws {
        try builder.verify(batch)
        let record: LogRecord
        do {
            record = try LogRecord(decoding: batch.payload).reading(erasures)
        } catch {
            throw DecisionError.brokenChain(sequence: batch.sequence, why: "\(error)")
        }
        if verifies { try verify(record, sequence: batch.sequence) }
        try state.apply(record, sequence: batch.sequence)
        batches += 1
        try track(record)
    }

    /// Keeps the selection of a wave that has no end in the log; it must be made at this position.
    private func track(_ record: LogRecord) throws {
        switch record {
        case .waveOpened(let wave, _, _, _, _):
            let isEnded = try !log.batches(for: LogKey(wave: wave.packed, block: LogRecord.endOfWave)).isEmpty
            if !isEnded { openSession = try session(record, isDryRun: false) }
        case .waveBlock(_, let block, let outcomes): openSession?.adopt(block: Int(block), outcomes: outcomes)
        default: break
        }
    }

    private func session(
        _ record: LogRecord,
        isDryRun: Bool,
        given: [UInt32: Outcome] = [:]
    ) throws -> WaveSession? {
        guard case .waveOpened(let wave, let planned, let audience, _, _) = record else { return nil }
        let members = try Bitset(listFile: inputs.bytes(audience), subscribers: state.subscribers, file: audience)
        let session = try WaveSession(
            state: state,
            wave: wave,
            planned: planned,
            audience: members,
            isDryRun: isDryRun,
            threads: threads,
            given: given
        )
        session.select()
        return session
    }

    // MARK: Verify

    private func verify(_ record: LogRecord, sequence: Int64) throws {
        func different(_ what: String) -> DecisionError { .different(sequence: sequence, what: what) }
        switch record {
        case .waveOpened: try begin(record, sequence: sequence)
        case .waveSelected(let wave, let cuts):
            guard let verifying else { throw different("cuts of wave \(wave.packed) without an opening") }
            let again = verifying.cuts
            // Without those who were erased since, others may have been the last to pass.
            let agrees = given.isEmpty ? again == cuts : verifying.cut(at: cuts, missing: given.count)
            guard agrees else { throw different("the cuts are \(cuts), deciding again gives \(again)") }
        case .waveBlock(_, let block, let outcomes):
            guard let verifying else { throw different("block \(block) without an opening") }
            guard case .waveBlock(_, _, let again)? = verifying.decide([Int(block)]).first else {
                throw different("block \(block) has no members when deciding again")
            }
            if again != outcomes { throw different(try Self.firstDifference(outcomes, again, block: Int(block))) }
            let erased = given.keys.count { Int($0 >> 16) == Int(block) }
            decisionsErased += Int64(erased)
            decisionsVerified += Int64(outcomes.present.reduce(0) { $0 + outcomes.count($1) } - erased)
        case .waveClosed:
            guard let verifying else { throw different("an end without an opening") }
            if verifying.closing != record { throw different("totals or outcome hash of the wave") }
            (self.verifying, given) = (nil, [:])
        case .waveAborted: (verifying, given) = (nil, [:])
        case .handedOff(let wave, let block, let from, let to, let at, let drops):
            let range = Int(from)..<Int(to)
            let all = state.waves[wave]?.blocks[Int(block)]?.unsent.members(in: range).subtracting(drops.members)
            try checkAgain(wave, Int(block), range, at, leaving: all ?? BlockSet(), drops, sequence: sequence)
        case .handedOffSome(let wave, let block, let from, let to, let members, let at, let drops):
            try checkAgain(wave, Int(block), Int(from)..<Int(to), at, leaving: members, drops, sequence: sequence)
        case .answered(let all):
            for answer in all {
                if erasures.subscribers[answer.request.index].map({ $0 > sequence }) == true {
                    decisionsErased += 1
                    state.take(answer)
                    continue
                }
                let again = try state.decide(answer.request).answer
                decisionsVerified += 1
                if again != answer {
                    throw different(
                        "request \(answer.request.request) of subscriber \(answer.request.index) was answered "
                            + "\(Self.text(answer)), deciding again gives \(Self.text(again))"
                    )
                }
                state.take(answer)
            }
            for answer in all.reversed() { state.undoTake(answer) }
        default: break
        }
    }

    /// Makes the second check on members of a block again.
    private func checkAgain(
        _ wave: WaveID,
        _ block: Int,
        _ range: Range<Int>,
        _ time: LocalTime,
        leaving: BlockSet,
        _ drops: [OutcomeSet],
        sequence: Int64
    ) throws {
        func different(_ what: String) -> DecisionError { .different(sequence: sequence, what: what) }
        // Who had a number of its own is not in the log.
        let unreachable = drops.first { $0.outcome == .noAddress }?.members ?? BlockSet()
        let again = try state.secondCheck(wave, block: block, range: range, at: time) {
            !unreachable.contains($0.offset)
        }
        // In which area somebody was who was erased since, or whether he had room in another month, cannot be found out
        // again.
        let since = erasedLater(than: sequence, in: block)
        func known(_ drops: [OutcomeSet]) -> [OutcomeSet] {
            drops.filter { $0.outcome != .noAddress }
                .map { OutcomeSet(outcome: $0.outcome, members: $0.members.subtracting(since)) }
                .filter { !$0.members.isEmpty }
        }
        if again.hold != nil, again.held.isEmpty { throw different("block \(block) left while nobody might") }
        let tooEarly = leaving.union(drops.members).intersection(again.held).subtracting(since)
        if let first = tooEarly.first {
            throw different("subscriber \(block * Block.size + first) left in the quiet hours of the area")
        }
        if known(again.drops) != known(drops) { throw different("the second check of block \(block)") }
        let mayLeave = BlockSet(again.leaving.map { UInt16($0.offset) })
        if let first = mayLeave.subtracting(leaving).subtracting(since).first {
            throw different("subscriber \(block * Block.size + first) was held and might leave")
        }
        if let first = leaving.subtracting(mayLeave).subtracting(since).first {
            throw different("subscriber \(block * Block.size + first) left without an open reservation")
        }
    }

    /// Begins to decide a wave again, as of its opening.
    private func begin(_ record: LogRecord, sequence: Int64) throws {
        guard case .waveOpened(let wave, _, let audience, _, _) = record else { return }
        given = [:]
        let later = erasures.subscribers.filter { $0.value > sequence }.keys
        if !later.isEmpty {
            let members = try Bitset(listFile: inputs.bytes(audience), subscribers: state.subscribers, file: audience)
            for index in later where members.contains(index) { given[index] = try logged(wave, index) ?? .erased }
        }
        verifying = try session(record, isDryRun: true, given: given)
    }

    /// The outcome of a wave for a subscriber; nil when the wave was given up before his block.
    private func logged(_ wave: WaveID, _ index: UInt32) throws -> Outcome? {
        for batch in try log.batches(for: LogKey(wave: wave.packed, block: Int32(index >> 16))) {
            if case .waveBlock(_, _, let outcomes) = try LogRecord(decoding: batch.payload) {
                return try outcomes.outcome(at: Int(index & 0xFFFF))
            }
        }
        return nil
    }

    /// Who of a block was erased after a record.
    private func erasedLater(than sequence: Int64, in block: Int) -> BlockSet {
        BlockSet(
            erasures.subscribers.filter { $0.value > sequence && Int($0.key >> 16) == block }
                .map { UInt16($0.key & 0xFFFF) }
        )
    }

    private static func text(_ answer: OfferAnswer) -> String {
        func list(_ campaigns: [CampaignID]) -> String { campaigns.map { String($0.number) }.joined(separator: ",") }
        return "[\(list(answer.offers))] control [\(list(answer.controls))]"
            + (answer.notBefore.map { " not before \($0.isoLocal)" } ?? "")
    }

    private static func firstDifference(_ a: BlockOutcomes, _ b: BlockOutcomes, block: Int) throws -> String {
        for offset in 0..<Block.size {
            let (logged, again) = (try a.outcome(at: offset), try b.outcome(at: offset))
            guard logged != again else { continue }
            return "subscriber \(block * Block.size + offset) was \(logged?.code ?? "no member"), deciding again gives "
                + (again?.code ?? "no member")
        }
        return "block \(block) is stored in another form"
    }
}
