// From campaigns and limits to the problem that is solved, and from its solution to the result that is kept.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Decisioning
import Kernel
import Model

/// A campaign that competes, with everybody it may contact.
struct Contender: Sendable {
    var campaign: Campaign
    var spec: CampaignSpec
    /// Fewest contacts it must get.
    var minimum: Int
    var audience: Int
    var candidates: WaveCandidates
}

/// The problem of an arbitration.
///
/// Each campaign is one offer: its wave on its planned day. Members of a campaign's control group are no candidates, since
/// they take nothing of any limit. Who of them would have got the campaign is said by the prices that all others got; they
/// stay its control group, and get nothing in its place: otherwise both arms would differ in what else they were offered.
struct ArbitrationInput: Sendable {
    let contenders: [Contender]
    /// Millionths of a minor currency unit that one unit of value stands for.
    let unit: Int64
    private let setup: ArbitrationSetup

    init(_ setup: ArbitrationSetup, _ contenders: [Contender]) {
        self.setup = setup
        self.contenders = contenders
        unit = Self.unit(for: contenders)
    }

    /// Solves the problem, from the prices of another result where there is one.
    func solve(from previous: ArbitrationResult?, threads: Int) throws -> ArbitrationResult {
        let solver = ArbitrationSolver(threads: threads)
        let open = try problem { !contenders[$0].candidates.controls[$1] }
        var solution = try solver.solve(open, from: previous.map { duals(of: $0, for: open) })
        let (controls, instead) = try controlMembers(at: solution.duals, threads: threads)
        if !instead.isEmpty {
            let held = members(of: instead.keys)
            let kept = try problem { offer, place in
                let (candidates, index) = (contenders[offer].candidates, contenders[offer].candidates.indices[place])
                if candidates.controls[place] { return false }
                return !held.contains(index) || instead[index]?.contains(offer) == true
            }
            solution = try solver.solve(kept, from: solution.duals)
        }
        let campaigns = contenders.indices.map { place in
            let (contender, members) = (contenders[place], solution.assignments[place].subscribers)
            return ArbitratedCampaign(
                number: contender.spec.id.number,
                revision: Int32(contender.spec.revision),
                day: contender.campaign.plan.planned.day,
                audience: Int64(contender.audience),
                candidates: Int64(contender.candidates.controls.count { !$0 }),
                members: members,
                values: values(of: members, contender),
                controls: controls[place]
            )
        }
        return ArbitrationResult(unit: unit, solution: solution, campaigns: campaigns)
    }

    /// The duals of another result for the limits of the same name; 0 for others.
    private func duals(of previous: ArbitrationResult, for problem: ArbitrationProblem) -> [Int64] {
        let known = Dictionary(
            previous.solution.constraints.map { ($0.name, $0.dual) },
            uniquingKeysWith: { a, _ in a }
        )
        return problem.constraints.map {
            Int64(clamping: Int128(known[$0.name] ?? 0) * Int128(previous.unit) / Int128(unit))
        }
    }

    /// Members of each campaign's control group to whom the prices would have given it; and what else the prices give to
    /// each of them.
    private func controlMembers(
        at duals: [Int64],
        threads: Int
    ) throws -> (controls: [[UInt32]], instead: [UInt32: Set<Int>]) {
        let own = contenders.map { contender in
            let candidates = contender.candidates
            return members(
                of: candidates.indices.indices.lazy.filter { candidates.controls[$0] }.map { candidates.indices[$0] }
            )
        }
        var concerned = Bitset(universe: universe)
        for members in own { concerned.formUnion(members) }
        guard !concerned.isEmpty else { return (contenders.map { _ in [] }, [:]) }
        let all = try problem { concerned.contains(contenders[$0].candidates.indices[$1]) }
        let choice = try all.choice(at: duals, threads: threads)
        let controls = zip(own, choice).map { own, choice in choice.subscribers.filter(own.contains) }
        var instead: [UInt32: Set<Int>] = [:]
        for member in controls.joined() { instead[member] = [] }
        for (offer, choice) in choice.enumerated() {
            for member in choice.subscribers where instead[member] != nil { instead[member]?.insert(offer) }
        }
        return (controls, instead)
    }

    /// One more than the highest index of a candidate.
    private var universe: Int {
        contenders.compactMap(\.candidates.indices.last).max().map { Int($0) + 1 } ?? 0
    }

    private func members(of indices: some Sequence<UInt32>) -> Bitset {
        var members = Bitset(universe: universe)
        for index in indices { members.insert(index) }
        return members
    }

    private func values(of members: [UInt32], _ contender: Contender) -> [Int32] {
        var (place, values) = (0, [Int32]())
        values.reserveCapacity(members.count)
        for member in members {
            while contender.candidates.indices[place] != member { place += 1 }
            values.append(Self.value(contender.candidates.scores[place], contender.spec, unit))
        }
        return values
    }

    // MARK: Problem

    /// The finest of 1, 10, 100 … in which every value fits.
    private static func unit(for contenders: [Contender]) -> Int64 {
        let highest = contenders.reduce(Int128(0)) {
            max($0, Int128($1.candidates.scores.max() ?? 0) * Int128($1.spec.valuePerOrderMinor))
        }
        var unit: Int64 = 1
        while highest / Int128(unit) > Int128(Int32.max) { unit *= 10 }
        return unit
    }

    /// Score times the value of an order; nothing for a negative score.
    private static func value(_ score: Int32, _ spec: CampaignSpec, _ unit: Int64) -> Int32 {
        Int32(clamping: max(0, Int128(score) * Int128(spec.valuePerOrderMinor) / Int128(unit)))
    }

    /// The problem with those candidates that `isIn` says, by offer and place.
    private func problem(isIn: (_ offer: Int, _ place: Int) -> Bool) throws -> ArbitrationProblem {
        var ends = [UInt32](repeating: 0, count: universe)
        for (offer, contender) in contenders.enumerated() {
            let candidates = contender.candidates
            for place in candidates.indices.indices where isIn(offer, place) {
                ends[Int(candidates.indices[place])] += 1
            }
        }
        var (subscribers, starts, sum) = ([UInt32](), [UInt32(0)], UInt32(0))
        for index in ends.indices where ends[index] > 0 {
            subscribers.append(UInt32(index))
            (ends[index], sum) = (sum, sum + ends[index])
            starts.append(sum)
        }
        // From here on an element of `ends` says where the next candidate of its subscriber goes.
        var offers = [UInt16](repeating: 0, count: Int(sum))
        var values = [Int32](repeating: 0, count: Int(sum))
        for (offer, contender) in contenders.enumerated() {
            let candidates = contender.candidates
            for place in candidates.indices.indices where isIn(offer, place) {
                let index = Int(candidates.indices[place])
                offers[Int(ends[index])] = UInt16(offer)
                values[Int(ends[index])] = Self.value(candidates.scores[place], contender.spec, unit)
                ends[index] += 1
            }
        }
        return try ArbitrationProblem(
            offers: contenders.enumerated().map {
                ArbitrationOffer(number: UInt32($0), channelClass: $1.spec.channel.rawValue)
            },
            limits: ContactLimits(
                perSubscriber: UInt8(clamping: setup.perSubscriber),
                perClass: ChannelClass.allCases.map { UInt8(clamping: setup.perClass[$0] ?? setup.perSubscriber) }
            ),
            constraints: constraints,
            subscribers: subscribers,
            starts: starts,
            candidateOffers: offers,
            values: values
        )
    }

    private var constraints: [ArbitrationConstraint] {
        func constraint(
            _ limit: ArbitrationLimit,
            _ kind: ArbitrationConstraint.Kind,
            _ most: Int64,
            _ offers: [Int],
            weight: Int64 = 1
        ) -> ArbitrationConstraint {
            ArbitrationConstraint(
                name: limit.name,
                kind: kind,
                limit: max(0, most),
                terms: offers.map { .init(offer: $0, weight: weight) }
            )
        }
        var result: [ArbitrationConstraint] = []
        for channel in ChannelClass.allCases {
            let own = contenders.indices.filter { contenders[$0].spec.channel == channel }
            let byDay = Dictionary(grouping: own) { contenders[$0].campaign.plan.planned.day }
            for (day, offers) in byDay.sorted(by: { $0.key < $1.key }) {
                guard let most = setup.capacity(channel, on: day) else { continue }
                result.append(constraint(.capacity(channel, day), .capacity, Int64(most), offers))
            }
        }
        for (offer, contender) in contenders.enumerated() {
            let spec = contender.spec
            if let limit = spec.limit { result.append(constraint(.limit(spec.id), .capacity, Int64(limit), [offer])) }
            if let budget = spec.budgetMinor, (1...Int64(Int32.max)).contains(spec.costPerContactMinor) {
                let cost = spec.costPerContactMinor
                result.append(constraint(.budget(spec.id), .budget, budget, [offer], weight: cost))
            }
            if contender.minimum > 0 {
                result.append(constraint(.minimum(spec.id), .minimum, Int64(contender.minimum), [offer]))
            }
        }
        return result
    }
}

extension ArbitrationShortfall {
    /// A gap of the engine in the words of campaigns; nil for a constraint that is no campaign's minimum.
    init?(_ gap: MinimumGap) {
        guard case .minimum(let campaign)? = ArbitrationLimit(name: gap.constraint) else { return nil }
        let (reason, limits): (Reason, [String]) =
            switch gap.reason {
            case .candidates: (.candidates, [])
            case .limits(let names): (.limits, names)
            case .shared(let name): (.shared, [name])
            case .together: (.together, [])
            case .notReached: (.notReached, [])
            }
        self.init(campaign: campaign, wanted: gap.wanted, possible: gap.possible, reason: reason, limits: limits)
    }
}
