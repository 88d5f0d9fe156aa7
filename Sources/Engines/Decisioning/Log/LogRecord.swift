// The records of the decision log: every input that can change a decision, and every decision.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
import Ports

/// What one batch of the decision log says.
///
/// The first byte of a payload is the record's type. A type that shipped never changes meaning; a new meaning is a
/// new type (DESIGN section 4, "Replay"). Records hold indices, codes and digests only, never numbers or names.
public enum LogRecord: Hashable, Sendable {
    /// The first record: 16 secret bytes from which the draws of this data directory derive.
    case genesis(salt: [UInt8], now: LocalTime)
    /// `count` lines got the indices from `base` on; the file holds their line ids (Int64, little-endian).
    case linesAssigned(base: UInt32, count: UInt32, file: ContentHash)
    /// Hot columns were replaced: the catalogue (JSON) that types them, and the column file of each attribute.
    case attributesLoaded(load: String, catalogue: ContentHash, columns: [AttributeColumn])
    /// A list was replaced by the members in a bitmap file.
    case listReplaced(ListID, file: ContentHash)
    /// Members were added to and removed from a list.
    case listChanged(ListID, added: [UInt32], removed: [UInt32])
    /// A policy revision went live; the file holds it as JSON.
    case policySet(revision: Int32, file: ContentHash)
    /// A campaign revision was approved; the file holds its spec as JSON.
    case campaignSet(CampaignID, revision: Int32, file: ContentHash)
    /// A campaign was started, paused, resumed or stopped.
    case campaignStatus(CampaignID, CampaignStatus)
    /// Contacts made before Gyre (or by others) were counted; the file is a ``ContactHistory``.
    case historyLoaded(file: ContentHash)
    /// What was counted with ``historyLoaded(file:)`` does not count any more; the file is one of the same form.
    case historyRemoved(file: ContentHash)
    /// Logical time moved on; reservations past their expiry are settled or released.
    case tick(LocalTime)
    /// A wave began: its inputs are the log up to here and the audience file.
    case waveOpened(WaveID, planned: LocalTime, audience: ContentHash, policyRevision: Int32, campaignRevision: Int32)
    /// The selection of a wave is made; the cuts say who is ranked out.
    case waveSelected(WaveID, cuts: [RankCut])
    /// Outcomes of one block; contacts are reservations from here on.
    case waveBlock(WaveID, block: Int32, outcomes: BlockOutcomes)
    /// A wave is complete; only now may anything be handed off.
    case waveClosed(WaveID, totals: [OutcomeTotal], outcome: ContentHash)
    /// An open wave was given up; all its reservations are released.
    case waveAborted(WaveID)
    /// A job leaves for a channel: members of one block at offsets `from..<to`, less those the second check dropped.
    case handedOff(WaveID, block: Int32, from: Int32, to: Int32, at: LocalTime, drops: [OutcomeSet])
    /// A part of those at offsets `from..<to` leaves for a channel, less those the second check dropped; the others, whose
    /// areas have quiet hours, wait and keep their reservations.
    case handedOffSome(
        WaveID,
        block: Int32,
        from: Int32,
        to: Int32,
        members: BlockSet,
        at: LocalTime,
        drops: [OutcomeSet]
    )
    /// What came back for members of one block; written by releases before ``reported(_:block:kind:members:at:)``.
    ///
    /// It changes reservations that are open and no others.
    case feedback(WaveID, block: Int32, kind: FeedbackKind, members: BlockSet, at: LocalTime)
    /// What never left is released.
    case released(WaveID, block: Int32, members: BlockSet)
    /// Single reservations of one partition, outside waves.
    case reserved([SingleReservation])
    /// Single reservations that became contacts (`true`) or were given back (`false`).
    case concluded([SingleConclusion])
    /// The state before this record is kept in files, named by a manifest; a restart may begin there.
    case checkpoint(file: ContentHash)
    /// A campaign's members in the offer pool were replaced by those in an audience file.
    case poolSet(CampaignID, file: ContentHash)
    /// Requests of single subscribers of one partition were answered; offers are reservations from here on.
    case answered([OfferAnswer])
    /// What came of offers, for subscribers of one partition.
    case responded([OfferResponse])
    /// Offers of one partition that were not shown in time were given back.
    case lapsed([OfferLapse])
    /// The waves of a campaign go by an ``Assignment`` file from here on; nil = by score again.
    case assignmentSet(CampaignID, file: ContentHash?)
    /// What came back for members of one block, however late; it corrects what was concluded before.
    ///
    /// A delivery makes a contact count for good, also one that was given back, in the month it counted in before. A
    /// refusal or failure gives back what left and was not delivered, also what had been settled as unknown. So repeats
    /// and the order of receipts make no difference.
    case reported(WaveID, block: Int32, kind: FeedbackKind, members: BlockSet, at: LocalTime)
    /// Who these subscribers were is destroyed, for good; files that earlier records name are replaced by others without
    /// their line ids and values.
    case erased([UInt32], files: [FileReplacement], at: LocalTime)
}

/// What the last load made live.
struct LoadedAttributes: Hashable, Sendable {
    var load: String
    var catalogue: ContentHash
    var columns: [AttributeColumn]
}

/// A hot column in a load: attribute and column file.
public struct AttributeColumn: Hashable, Sendable {
    /// Attribute code.
    public var code: String
    /// The column file.
    public var file: ContentHash

    /// Joins code and file.
    public init(code: String, file: ContentHash) {
        self.code = code
        self.file = file
    }
}

/// What came back from a channel or a customer.
public enum FeedbackKind: UInt8, Sendable, CaseIterable {
    /// The gateway took the message.
    case accepted = 1
    /// The gateway refused the message; the reservation is released.
    case refused = 2
    /// Nobody knows whether the gateway took it; counted as a contact, never resent by itself.
    case unknown = 3
    /// Delivered to the handset; it counts for good.
    case delivered = 4
    /// Not delivered; the reservation is released.
    case failed = 5
    /// The customer replied.
    case replied = 6
    /// The customer asked not to be disturbed again.
    case unsubscribed = 7
    /// The customer ordered the product, whatever the arm.
    case ordered = 8

    /// Stable name.
    public var code: String { String(describing: self) }
}

/// How many members had an outcome.
public struct OutcomeTotal: Hashable, Sendable {
    /// The outcome.
    public var outcome: Outcome
    /// Members with it.
    public var count: Int64

    /// Joins outcome and count.
    public init(outcome: Outcome, count: Int64) {
        self.outcome = outcome
        self.count = count
    }
}

/// Members of a block with one outcome.
public struct OutcomeSet: Hashable, Sendable {
    /// The outcome.
    public var outcome: Outcome
    /// The members' offsets.
    public var members: BlockSet

    /// Joins outcome and members.
    public init(outcome: Outcome, members: BlockSet) {
        self.outcome = outcome
        self.members = members
    }
}

/// Up to which rank members pass: the last key that does.
public struct RankCut: Hashable, Sendable {
    /// What members behind the cut get: `outranked`, `capacity` or `budget`.
    public var outcome: Outcome
    /// Score of the last member that passes, in micro-units.
    public var score: Int32
    /// Its keyed hash; among equal scores lower hashes come first.
    public var hash: UInt64
    /// Its index; among equal hashes lower indices come first.
    public var index: UInt32

    /// Joins outcome and the last key that passes.
    public init(outcome: Outcome, score: Int32, hash: UInt64, index: UInt32) {
        self.outcome = outcome
        self.score = score
        self.hash = hash
        self.index = index
    }
}

/// A reservation of one contact outside a wave.
public struct SingleReservation: Hashable, Sendable {
    /// Unique number of the request.
    public var request: UInt64
    /// The subscriber.
    public var index: UInt32
    /// The channel class.
    public var channel: ChannelClass
    /// The month it counts in.
    public var month: LocalMonth
    /// The campaign it is for.
    public var campaign: CampaignID

    /// Makes a reservation; see the properties.
    public init(request: UInt64, index: UInt32, channel: ChannelClass, month: LocalMonth, campaign: CampaignID) {
        self.request = request
        self.index = index
        self.channel = channel
        self.month = month
        self.campaign = campaign
    }
}

/// The end of a single reservation.
public struct SingleConclusion: Hashable, Sendable {
    /// The request that reserved.
    public var request: UInt64
    /// The subscriber, which names the partition.
    public var index: UInt32
    /// Whether the contact was made (settled) or not (released).
    public var isSettled: Bool

    /// Makes a conclusion; see the properties.
    public init(request: UInt64, index: UInt32, isSettled: Bool) {
        self.request = request
        self.index = index
        self.isSettled = isSettled
    }
}

extension LogRecord {
    /// The chain the record belongs to.
    public var chain: LogChainNumber {
        switch self {
        case .waveBlock(_, let block, _), .handedOff(_, let block, _, _, _, _),
            .handedOffSome(_, let block, _, _, _, _, _), .feedback(_, let block, _, _, _), .released(_, let block, _),
            .reported(_, let block, _, _, _):
            .block(Int(block))
        case .reserved(let all): all.first.map { .block(Int($0.index >> 16)) } ?? .common
        case .concluded(let all): all.first.map { .block(Int($0.index >> 16)) } ?? .common
        case .answered(let all): all.first.map { .block(Int($0.request.index >> 16)) } ?? .common
        case .responded(let all): all.first.map { .block(Int($0.index >> 16)) } ?? .common
        case .lapsed(let all): all.first.map { .block(Int($0.index >> 16)) } ?? .common
        default: .common
        }
    }

    /// The block number under which the end of a wave is found.
    public static let endOfWave: Int32 = -1

    /// The key of all checkpoints.
    static let checkpointKey = LogKey(wave: 0, block: -2)

    /// The key of all erasures.
    static let erasedKey = LogKey(wave: 0, block: -3)

    /// The key under which what happened to a block in a wave, the end of a wave, or a checkpoint is found again.
    var key: LogKey? {
        func of(_ wave: WaveID, _ block: Int32) -> LogKey { LogKey(wave: wave.packed, block: block) }
        return switch self {
        case .waveBlock(let wave, let block, _): of(wave, block)
        case .handedOff(let wave, let block, _, _, _, _): of(wave, block)
        case .handedOffSome(let wave, let block, _, _, _, _, _): of(wave, block)
        case .feedback(let wave, let block, _, _, _): of(wave, block)
        case .released(let wave, let block, _): of(wave, block)
        case .reported(let wave, let block, _, _, _): of(wave, block)
        case .waveClosed(let wave, _, _), .waveAborted(let wave): of(wave, Self.endOfWave)
        case .checkpoint: Self.checkpointKey
        case .erased: Self.erasedKey
        default: nil
        }
    }
}

/// The chain of a record: the common one, or that of a block's partition.
public enum LogChainNumber: Hashable, Sendable {
    case common
    case block(Int)
}
