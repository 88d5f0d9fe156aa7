// From the relaxed choice to an assignment within all constraints.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

extension Draft {
    /// Makes the assignment feasible, then as good as moves of one subscriber make it.
    ///
    /// At good duals the relaxed choice breaks a constraint by little and leaves little room, so little is lost: contacts
    /// of overdrawn capacities and budgets go by least reduced value, minimums are filled up, and what room is left goes
    /// to the candidates with the most reduced value. Capacities and budgets always hold afterwards; a minimum may stay
    /// short (``shortMinimums``).
    func repair(prices: [Int64]) {
        drop(prices, sparing: true)
        drop(prices, sparing: false)
        fill(prices)
        guard !shortMinimums.isEmpty else { return }
        for minimum in shortMinimums { meet(minimum, prices) }
        fill(prices)
    }

    /// Collects moves of all rows; `body` lets `holding` read the row when it needs it.
    private func moves(
        _ candidates: Candidates,
        _ prices: [Int64],
        _ body: @Sendable (_ row: Int, Holding, (_ place: Int, _ gain: Int64) -> Void) -> Void
    ) -> [Move] {
        let marks = marks
        return Rows.gather(candidates.rows, threads: threads) {
            Holding(marks, candidates, prices: prices)
        } _: { rows, holding, found in
            for row in rows {
                body(row, holding) { found.append(Move(gain: $1, row: Int32(row), place: UInt32($0))) }
            }
        }
    }

    // MARK: Overdrawn capacities and budgets

    /// Takes contacts out of overdrawn capacities and budgets, least loss first.
    ///
    /// - Parameters:
    ///   - prices: Price of each offer.
    ///   - sparing: Leaves contacts that a minimum needs.
    private func drop(_ prices: [Int64], sparing: Bool) {
        guard isOverdrawn else { return }
        var overdrawn = table.terms.indices.map { isOverdrawn($0) }
        problem.withCandidates { candidates in
            let marks = marks
            let isListed = overdrawn
            var moves = moves(candidates, prices) { row, holding, found in
                holding.read(row)
                for place in candidates.range(row)
                where marks.bytes[place] != 0 && isListed[Int(candidates.offers[place])] {
                    var instead: Int64 = 0
                    for other in candidates.range(row)
                    where marks.bytes[other] == 0 && !isListed[Int(candidates.offers[other])]
                        && holding.canReplace(place, by: other)
                    {
                        instead = max(instead, holding.reduced(other))
                    }
                    found(place, instead - holding.reduced(place))
                }
            }
            moves.sort()
            for move in moves {
                let place = Int(move.place)
                let offer = Int(candidates.offers[place])
                guard overdrawn[offer], !sparing || isSpare(offer) else { continue }
                // What is no longer overdrawn stays so.
                overdrawn[offer] = isOverdrawn(offer)
                if overdrawn[offer] { remove(place, candidates) }
            }
        }
    }

    /// Whether a capacity or budget that an offer lies in is overdrawn.
    private func isOverdrawn(_ offer: Int) -> Bool {
        table.terms[offer].contains { !table.isMinimum($0.constraint) && excess($0.constraint) > 0 }
    }

    // MARK: Room

    /// Gives room to the candidates with the most reduced value, also in place of a lesser one of the same subscriber,
    /// as long as the value grows.
    func fill(_ prices: [Int64]) {
        for _ in 0..<16 {
            let room = table.terms.indices.map { self.room($0) }
            guard room.contains(where: { $0 > 0 }) else { return }
            let changed = problem.withCandidates { candidates in
                var moves = best(candidates, prices, room: room)
                moves.sort()
                return apply(moves, candidates, prices)
            }
            guard changed else { return }
        }
    }

    /// The moves worth trying: for each offer with room about twice as many as it has room for, best first.
    ///
    /// Losses are counted in logarithmic buckets first, so that only those above the cut are collected.
    private func best(_ candidates: Candidates, _ prices: [Int64], room: [Int64]) -> [Move] {
        let marks = marks
        @Sendable func visit(_ row: Int, _ holding: Holding, _ found: (_ place: Int, _ gain: Int64) -> Void) {
            var isRead = false
            for place in candidates.range(row)
            where room[Int(candidates.offers[place])] > 0 && marks.bytes[place] == 0 && candidates.values[place] > 0 {
                if !isRead { holding.read(row) }
                isRead = true
                switch holding.displaced(by: place) {
                case .never: continue
                case .nothing: found(place, holding.reduced(place))
                case .place(let other) where candidates.values[other] < candidates.values[place]:
                    found(place, holding.reduced(place) - holding.reduced(other))
                case .place: continue
                }
            }
        }
        let counts = Mutex([Int64](repeating: 0, count: room.count * Bucket.count))
        Rows.forEach(candidates.rows, threads: threads) {
            (holding: Holding(marks, candidates, prices: prices), counts: counts.withLock { $0.map { _ in Int64(0) } })
        } _: { rows, own in
            for row in rows {
                visit(row, own.holding) {
                    own.counts[Int(candidates.offers[$0]) * Bucket.count + Bucket.of(loss: -$1)] += 1
                }
            }
        } finish: { own in
            counts.withLock { total in for slot in total.indices { total[slot] += own.counts[slot] } }
        }
        let cuts = counts.withLock { counts in
            room.indices.map { offer in
                var seen: Int64 = 0
                return (0..<Bucket.count).first { bucket in
                    seen += counts[offer * Bucket.count + bucket]
                    return seen / 2 >= min(room[offer], 1 << 21) + 32
                } ?? Bucket.count
            }
        }
        return moves(candidates, prices) { row, holding, found in
            visit(row, holding) { place, gain in
                if Bucket.of(loss: -gain) <= cuts[Int(candidates.offers[place])] { found(place, gain) }
            }
        }
    }

    /// Makes the moves that still fit and still gain value, in order.
    ///
    /// - Returns: Whether any was made.
    private func apply(_ moves: [Move], _ candidates: Candidates, _ prices: [Int64]) -> Bool {
        let holding = Holding(marks, candidates, prices: prices)
        var changed = false
        for move in moves {
            let place = Int(move.place)
            let offer = Int(candidates.offers[place])
            guard room(offer) > 0 else { continue }
            holding.read(Int(move.row))
            switch holding.displaced(by: place) {
            case .never: continue
            case .nothing: break
            case .place(let other):
                guard candidates.values[other] < candidates.values[place],
                    isSpare(Int(candidates.offers[other]), entering: offer)
                else { continue }
                remove(other, candidates)
            }
            assign(place, candidates)
            changed = true
        }
        return changed
    }

    // MARK: Minimums

    /// Fills a minimum up at the least loss.
    ///
    /// In full capacities and budgets contacts that no minimum needs make way first, then contacts of the minimum itself
    /// that take more than the one that comes, until the difference holds another.
    private func meet(_ minimum: Int, _ prices: [Int64]) {
        let wanted = Set(table.constraints[minimum].terms.map(\.offer))
        problem.withCandidates { candidates in
            let holding = Holding(marks, candidates, prices: prices)
            var leaving: [Int: ArraySlice<Move>] = [:]
            for move in entering(wanted, candidates, prices) {
                guard excess(minimum) > 0 else { return }
                let place = Int(move.place)
                let offer = Int(candidates.offers[place])
                holding.read(Int(move.row))
                var other: Int?
                if case .place(let displaced) = holding.displaced(by: place) { other = displaced }
                let lost = other.map { Int(candidates.offers[$0]) }
                guard lost.map({ !wanted.contains($0) && isSpare($0, entering: offer) }) ?? true else { continue }
                while let constraint = obstacle(to: offer, leaving: lost) {
                    let queue = leaving[constraint] ?? leavers(of: constraint, wanted, candidates, prices)
                    leaving[constraint] = queue
                    guard let first = queue.first.map({ Int($0.place) }) else { break }
                    let spare = Int(candidates.offers[first])
                    let isHeavier = weight(spare, in: constraint) > weight(offer, in: constraint)
                    guard isHeavier || !wanted.contains(spare) else { break }
                    leaving[constraint] = queue.dropFirst()
                    if first != other, isAssigned(first), isSpare(spare, filling: minimum) { remove(first, candidates) }
                }
                guard obstacle(to: offer, leaving: lost) == nil else { continue }
                if let other { remove(other, candidates) }
                assign(place, candidates)
            }
        }
    }

    /// Candidates with wanted offers that are not assigned, least loss first.
    private func entering(_ wanted: Set<Int>, _ candidates: Candidates, _ prices: [Int64]) -> [Move] {
        let marks = marks
        return moves(candidates, prices) { row, holding, found in
            holding.read(row)
            for place in candidates.range(row)
            where marks.bytes[place] == 0 && wanted.contains(Int(candidates.offers[place])) {
                switch holding.displaced(by: place) {
                case .never: continue
                case .nothing: found(place, holding.reduced(place))
                case .place(let other): found(place, holding.reduced(place) - holding.reduced(other))
                }
            }
        }.sorted()
    }

    /// Assigned contacts of a constraint: those with unwanted offers, least reduced value first, then the wanted ones that
    /// take most of it.
    private func leavers(
        of constraint: Int,
        _ wanted: Set<Int>,
        _ candidates: Candidates,
        _ prices: [Int64]
    ) -> ArraySlice<Move> {
        let offers = Set(table.constraints[constraint].terms.map(\.offer))
        let weights = table.terms.indices.map { weight($0, in: constraint) }
        let marks = marks
        return moves(candidates, prices) { row, holding, found in
            for place in candidates.range(row)
            where marks.bytes[place] != 0 && offers.contains(Int(candidates.offers[place])) {
                let offer = Int(candidates.offers[place])
                found(place, wanted.contains(offer) ? weights[offer] - (1 << 50) : -holding.reduced(place))
            }
        }.sorted()[...]
    }
}

/// Logarithmic buckets of losses: eight to an octave.
private enum Bucket {
    static let count = 1 + 8 * 48

    /// 0 for no loss, else by the four highest bits.
    @inline(__always)
    static func of(loss: Int64) -> Int {
        guard loss > 0 else { return 0 }
        let octave = 63 &- loss.leadingZeroBitCount
        let eighth = octave >= 3 ? Int(loss >> Int64(octave &- 3)) & 7 : Int(loss << Int64(3 &- octave)) & 7
        return min(1 &+ octave &* 8 &+ eighth, count &- 1)
    }
}
