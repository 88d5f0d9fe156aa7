// What an arbitration gave to one campaign: an input file of the campaign's waves.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// The subscribers that an adopted arbitration leaves to one campaign.
///
/// It is a proposal: a wave makes all its checks, and those who pass them but are not assigned get `outranked`. It holds
/// for waves of one revision of the campaign that are planned for its days, and is gone when its last day is over; other
/// waves go by score as ever. Members of the control group are assigned as if they were like the others.
///
/// Bytes: mark, campaign, revision, first and last day, name of the arbitration's result, then a list file; so a fold for
/// one subscriber reads 69 of them.
public struct Assignment: Hashable, Sendable {
    /// Whose waves go by it.
    public var campaign: CampaignID
    /// The revision of the campaign that was arbitrated.
    public var revision: Int
    /// Days for which waves are planned.
    public var days: ClosedRange<LocalDay>
    /// The file of the arbitration's result it was read from.
    public var solution: ContentHash
    /// Who may be contacted, or kept as control.
    public var members: Bitset

    /// Joins the parts; see the properties.
    public init(
        campaign: CampaignID,
        revision: Int,
        days: ClosedRange<LocalDay>,
        solution: ContentHash,
        members: Bitset
    ) {
        self.campaign = campaign
        self.revision = revision
        self.days = days
        self.solution = solution
        self.members = members
    }

    /// Whether waves of a campaign planned for a day go by it.
    public func holds(for spec: CampaignSpec, on day: LocalDay) -> Bool {
        spec.id == campaign && spec.revision == revision && days.contains(day)
    }

    // MARK: File

    /// "GYREASN" and the version of the format.
    private static let mark: UInt64 = 0x01_4E_53_41_45_52_59_47
    /// Bytes before the list file.
    private static let head = 60

    /// The file's bytes.
    public func encoded() -> [UInt8] {
        var w = ByteWriter(capacity: Self.head + 8 + members.words.count * 8)
        w.write(Self.mark)
        w.write(campaign.number)
        w.write(Int32(revision))
        w.write(days.lowerBound.number)
        w.write(days.upperBound.number)
        w.write(solution)
        w.write(raw: members.listFile)
        return w.bytes
    }

    /// Reads what ``encoded()`` wrote; `file` is its name, for errors.
    public init(decoding bytes: [UInt8], subscribers: Int, file: ContentHash) throws {
        let head = try Head(bytes, file: file)
        let members = try Bitset(listFile: Array(bytes[Self.head...]), subscribers: subscribers, file: file)
        self.init(
            campaign: head.campaign,
            revision: head.revision,
            days: head.days,
            solution: head.solution,
            members: members
        )
    }

    /// What an assignment says of one subscriber.
    struct Excerpt {
        fileprivate var head: Head
        var isMember: Bool
        var days: ClosedRange<LocalDay> { head.days }
        var solution: ContentHash { head.solution }

        func holds(for spec: CampaignSpec, on day: LocalDay) -> Bool {
            spec.id == head.campaign && spec.revision == head.revision && days.contains(day)
        }
    }

    /// Reads what concerns one subscriber through `read(offset, count)`.
    static func excerpt(
        of index: SubscriberIndex,
        file: ContentHash,
        read: (Int, Int) throws -> [UInt8]
    ) throws -> Excerpt {
        let start = try read(0, Self.head + 8)
        let universe = start.suffix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let place = Self.head + 8 + Int(index.number >> 3)
        let isMember =
            try UInt64(index.number) < universe
            && read(place, 1).first.map { $0 >> (index.number & 7) & 1 == 1 } ?? false
        return Excerpt(head: try Head(start, file: file), isMember: isMember)
    }

    fileprivate struct Head {
        var campaign: CampaignID
        var revision: Int
        var days: ClosedRange<LocalDay>
        var solution: ContentHash

        init(_ bytes: [UInt8], file: ContentHash) throws {
            var r = ByteReader(bytes)
            guard bytes.count >= Assignment.head + 8, try r.read(UInt64.self) == Assignment.mark else {
                throw DecisionError.badFile(file, why: "it is no assignment of version 1")
            }
            campaign = CampaignID(try r.read())
            revision = Int(try r.read(Int32.self))
            let (first, last) = (LocalDay(number: try r.read()), LocalDay(number: try r.read()))
            guard first <= last else { throw DecisionError.badFile(file, why: "its last day comes before the first") }
            days = first...last
            solution = try r.readDigest()
        }
    }
}

/// An assignment that waves go by, and the file that the log names.
public struct AdoptedAssignment: Hashable, Sendable {
    /// The file with the assignment.
    public let file: ContentHash
    /// What is in it.
    public let assignment: Assignment
}

/// Members of an audience that passed every check up to the ranking, by index ascending.
public struct WaveCandidates: Sendable {
    /// The subscribers.
    public internal(set) var indices: [UInt32] = []
    /// Their scores in micro-units; 0 where the campaign has no score.
    public internal(set) var scores: [Int32] = []
    /// Whether the campaign's draw keeps each of them as control.
    public internal(set) var controls: [Bool] = []
}

extension DecisionState {
    /// Whom an adopted arbitration leaves to a wave; nil when it goes by score.
    func assigned(to spec: CampaignSpec, on day: LocalDay) -> Bitset? {
        guard let adopted = assignments[spec.id]?.assignment, adopted.holds(for: spec, on: day) else { return nil }
        return adopted.members
    }
}
