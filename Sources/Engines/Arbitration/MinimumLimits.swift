// Which minimum volumes cannot be met, found before anything is solved.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Upper limits of minimum volumes that can be proven by counting.
struct MinimumLimits {
    let problem: ArbitrationProblem
    let table: PriceTable
    let threads: Int

    /// Minimums that cannot be met: too few candidates, too small a capacity or budget, alone or with other minimums.
    func gaps() -> [MinimumGap] {
        let minimums = table.constraints.indices.filter { table.isMinimum($0) }
        let single = minimums.compactMap { gap(of: $0) }
        return single + shared(minimums.filter { minimum in !single.contains { $0.constraint == name(minimum) } })
    }

    private func name(_ constraint: Int) -> String { table.constraints[constraint].name }

    private func gap(of minimum: Int) -> MinimumGap? {
        let wanted = table.constraints[minimum].limit
        let candidates = mostContacts(table.constraints[minimum].terms.map(\.offer))
        var (possible, reason) = (candidates, MinimumGap.Reason.candidates)
        for names in covers(of: minimum) where names.contacts < possible {
            (possible, reason) = (names.contacts, .limits(names.constraints.map(name)))
        }
        guard possible < wanted else { return nil }
        return MinimumGap(constraint: name(minimum), wanted: wanted, possible: possible, reason: reason)
    }

    /// Contacts with these offers that the subscribers' limits allow.
    private func mostContacts(_ offers: [Int]) -> Int64 {
        var isCounted = [Bool](repeating: false, count: table.terms.count)
        for offer in offers { isCounted[offer] = true }
        let counted = isCounted
        return problem.withCandidates { candidates in
            let total = Mutex(Int64(0))
            Rows.forEach(candidates.rows, threads: threads) {
                (sum: Int64(0), byClass: [Int](repeating: 0, count: candidates.classCount))
            } _: { rows, own in
                for row in rows {
                    for number in own.byClass.indices { own.byClass[number] = 0 }
                    for place in candidates.range(row) where counted[Int(candidates.offers[place])] {
                        own.byClass[Int(candidates.classes[Int(candidates.offers[place])])] += 1
                    }
                    let fitting = own.byClass.indices.reduce(0) {
                        $0 + min(own.byClass[$1], Int(candidates.classLimits[$1]))
                    }
                    own.sum += Int64(min(fitting, candidates.limit))
                }
            } finish: { own in
                total.withLock { $0 += own.sum }
            }
            return total.withLock { $0 }
        }
    }

    /// Sets of capacities and budgets that every contact of the minimum must go through, with the contacts they allow:
    /// each one that holds all its offers, and all its capacities when each offer lies in one.
    private func covers(of minimum: Int) -> [(constraints: [Int], contacts: Int64)] {
        let offers = table.constraints[minimum].terms.map(\.offer)
        let upper = table.constraints.indices.filter { !table.isMinimum($0) && lightest($0, offers) != nil }
        var covers = upper.filter { holds($0, offers) }.map { ([$0], contacts($0, offers)) }
        let capacities = upper.filter { table.constraints[$0].kind == .capacity }
        let covered = offers.allSatisfy { offer in table.terms[offer].contains { capacities.contains($0.constraint) } }
        if covered {
            let sum = capacities.reduce(Int64(0)) {
                let (sum, overflow) = $0.addingReportingOverflow(contacts($1, offers))
                return overflow ? .max : sum
            }
            covers.append((capacities, sum))
        }
        return covers
    }

    /// Capacities and budgets that do not hold the sum of the minimums that lie in them altogether.
    private func shared(_ minimums: [Int]) -> [MinimumGap] {
        for constraint in table.constraints.indices where !table.isMinimum(constraint) {
            var seen = Set<Int>()
            // Minimums with an offer in common could share contacts, so only the first of them is counted.
            let inside = minimums.filter { minimum in
                let offers = table.constraints[minimum].terms.map(\.offer)
                guard holds(constraint, offers), seen.isDisjoint(with: offers) else { return false }
                seen.formUnion(offers)
                return true
            }
            let needs = inside.map { need($0, of: constraint) }
            let rest = Int128(table.constraints[constraint].limit) - needs.reduce(0, +)
            guard rest < 0 else { continue }
            return zip(inside, needs).map { minimum, need in
                let weight = lightest(constraint, table.constraints[minimum].terms.map(\.offer)) ?? 1
                return MinimumGap(
                    constraint: name(minimum),
                    wanted: table.constraints[minimum].limit,
                    possible: Int64(max(0, (rest + need) / Int128(weight))),
                    reason: .shared(name(constraint))
                )
            }
        }
        return []
    }

    private func need(_ minimum: Int, of constraint: Int) -> Int128 {
        let weight = lightest(constraint, table.constraints[minimum].terms.map(\.offer)) ?? 0
        return Int128(table.constraints[minimum].limit) * Int128(weight)
    }

    private func holds(_ constraint: Int, _ offers: [Int]) -> Bool {
        let inside = Set(table.constraints[constraint].terms.map(\.offer))
        return offers.allSatisfy(inside.contains)
    }

    /// The least that a contact with one of the offers takes of a constraint; nil when none of them lies in it.
    private func lightest(_ constraint: Int, _ offers: [Int]) -> Int64? {
        table.constraints[constraint].terms.lazy.filter { offers.contains($0.offer) }.map(\.weight).min()
    }

    private func contacts(_ constraint: Int, _ offers: [Int]) -> Int64 {
        table.constraints[constraint].limit / (lightest(constraint, offers) ?? 1)
    }
}
