// The file of an arbitration across campaigns: the solution, and what is known of each campaign beside it.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// What an arbitration gives to one campaign.
public struct ArbitratedCampaign: Hashable, Sendable {
    /// Number of the campaign.
    public var number: Int64
    /// The revision that was arbitrated.
    public var revision: Int32
    /// The day its wave is planned for.
    public var day: LocalDay
    /// Members of its audience.
    public var audience: Int64
    /// Members that passed the checks, control group aside.
    public var candidates: Int64
    /// Who is to be contacted, ascending.
    public var members: [UInt32]
    /// What each contact is expected to bring, in units of ``ArbitrationResult/unit``.
    public var values: [Int32]
    /// Members of the control group who are assigned by the same prices; they take nothing of any limit.
    public var controls: [UInt32]

    /// Joins the parts; see the properties.
    public init(
        number: Int64,
        revision: Int32,
        day: LocalDay,
        audience: Int64,
        candidates: Int64,
        members: [UInt32],
        values: [Int32],
        controls: [UInt32]
    ) {
        self.number = number
        self.revision = revision
        self.day = day
        self.audience = audience
        self.candidates = candidates
        self.members = members
        self.values = values
        self.controls = controls
    }
}

/// A solved arbitration across campaigns, as one content-addressed file.
///
/// Bytes: mark, unit, the solution file, and for each campaign number, revision, day, audience, candidates, values and
/// control members; who is assigned is in the solution, whose offers are the campaigns in the same order.
public struct ArbitrationResult: Hashable, Sendable {
    /// Millionths of a minor currency unit that one unit of value stands for; a power of ten.
    public var unit: Int64
    /// Assignment, duals, value and bound.
    public var solution: ArbitrationSolution
    /// The campaigns in the order of the solution's offers.
    public var campaigns: [ArbitratedCampaign]

    /// Joins the parts; the solution's offers are the campaigns in order.
    public init(unit: Int64, solution: ArbitrationSolution, campaigns: [ArbitratedCampaign]) {
        self.unit = unit
        self.solution = solution
        self.campaigns = campaigns
    }

    /// A value in minor currency units, rounded down.
    public func minor(_ value: Int64) -> Int64 {
        Int64(clamping: Int128(value) * Int128(unit) / 1_000_000)
    }

    /// What one more contact of a capacity, or one more minor currency unit of a budget, would bring at most, in millionths
    /// of a minor currency unit; for a minimum what one contact less would bring.
    ///
    /// The optimum is concave in each limit, so the bound grows by no more than this for each further unit.
    public func microMinorPerUnit(_ constraint: ConstraintReport) -> Int64 {
        Int64(clamping: (Int128(constraint.dual) * Int128(unit)) >> Int128(PriceTable.fraction))
    }

    private static let magic = Array("gyre arbitration result 1\n".utf8)

    /// The file's bytes; equal results give equal bytes.
    public func encoded() -> [UInt8] {
        var w = ByteWriter()
        w.write(raw: Self.magic)
        w.write(unit)
        w.write(counted: solution.encoded())
        w.write(UInt32(campaigns.count))
        for campaign in campaigns {
            w.write(campaign.number)
            w.write(campaign.revision)
            w.write(campaign.day.number)
            w.write(campaign.audience)
            w.write(campaign.candidates)
            w.write(UInt32(campaign.values.count))
            for value in campaign.values { w.write(value) }
            w.write(UInt32(campaign.controls.count))
            w.write(counted: ArbitrationSolution.packed(campaign.controls))
        }
        return w.bytes
    }

    /// Reads what ``encoded()`` wrote.
    ///
    /// - Throws: ``ArbitrationError/badSolution(_:)``.
    public init(decoding bytes: [UInt8]) throws(ArbitrationError) {
        guard bytes.starts(with: Self.magic) else { throw .badSolution("it does not begin as a result") }
        do {
            var r = ByteReader(bytes)
            _ = try r.read(count: Self.magic.count)
            unit = try r.read()
            let solution = try ArbitrationSolution(decoding: Array(try r.readCounted()))
            self.solution = solution
            campaigns = []
            guard try r.read(UInt32.self) == UInt32(solution.assignments.count), unit > 0 else {
                throw ArbitrationError.badSolution("its campaigns are not those of the solution")
            }
            for assignment in solution.assignments {
                campaigns.append(try Self.campaign(from: &r, members: assignment.subscribers))
            }
            guard r.isAtEnd else { throw ArbitrationError.badSolution("something follows its end") }
        } catch let error as ArbitrationError {
            throw error
        } catch {
            throw .badSolution("\(error)")
        }
    }

    private static func campaign(from r: inout ByteReader, members: [UInt32]) throws -> ArbitratedCampaign {
        let number: Int64 = try r.read()
        let (revision, day) = (try r.read(Int32.self), LocalDay(number: try r.read()))
        let (audience, candidates) = (try r.read(Int64.self), try r.read(Int64.self))
        guard try r.read(UInt32.self) == UInt32(members.count) else {
            throw ArbitrationError.badSolution("campaign \(number) has not one value for each member")
        }
        var values: [Int32] = []
        values.reserveCapacity(members.count)
        for _ in members { values.append(try r.read()) }
        let controls: UInt32 = try r.read()
        return ArbitratedCampaign(
            number: number,
            revision: revision,
            day: day,
            audience: audience,
            candidates: candidates,
            members: members,
            values: values,
            controls: try ArbitrationSolution.unpacked(try r.readCounted(), count: Int(controls))
        )
    }
}
