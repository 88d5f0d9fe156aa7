// What each subscriber would get at given prices, whatever the shared constraints hold.
// SPDX-License-Identifier: Apache-2.0

extension ArbitrationProblem {
    /// Everybody's best set at the duals of a solution, capacities and budgets aside.
    ///
    /// It answers who a control group would have been offered what: its members are chosen by the same prices as the
    /// others, and take nothing.
    ///
    /// - Parameters:
    ///   - duals: One for each constraint of the problem.
    ///   - threads: Threads to use; the result does not depend on them.
    /// - Returns: The subscribers of each offer, in the problem's order.
    /// - Throws: ``ArbitrationError/badDuals(_:)`` for another number of duals.
    public func choice(at duals: [Int64], threads: Int) throws(ArbitrationError) -> [OfferAssignment] {
        guard duals.count == constraints.count else {
            throw .badDuals("there are \(duals.count) for \(constraints.count) constraints")
        }
        let table = PriceTable(self)
        let draft = Draft(self, choosing: self, prices: table.prices(duals), table: table, threads: threads)
        return assignments(where: draft.isAssigned)
    }

    /// The assignments of the candidates at some places, by offer in the problem's order.
    func assignments(where isAssigned: (Int) -> Bool) -> [OfferAssignment] {
        var assignments = offers.map { OfferAssignment(offer: $0.number, subscribers: []) }
        for row in subscribers.indices {
            for place in Int(starts[row])..<Int(starts[row + 1]) where isAssigned(place) {
                assignments[Int(candidateOffers[place])].subscribers.append(subscribers[row])
            }
        }
        return assignments
    }
}
