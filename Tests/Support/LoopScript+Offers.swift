// The part of the script that single subscribers play: requests, responses, late ones, and what lapses.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
public import Decisioning
import Foundation
public import Kernel
import Model
import Ports

extension LoopScript {
    /// The campaigns of a cycle in the pool: that of its wave, one without a limit, one with a capacity.
    static func offered(_ cycle: Int) -> [CampaignID] {
        [CampaignID(Int64(cycle))] + [1, 2].map { CampaignID(Int64(1_000_000 + cycle * 10 + $0)) }
    }

    /// Records the campaigns of a cycle, puts them into the pool and adopts an assignment in every other cycle.
    func record(_ cycle: Int, on host: DecisionHost) async throws {
        let day = planned(cycle).day
        let everybody = try host.store(Bitset(full: world.subscribers).listFile)
        var records: [LogRecord] = []
        for (place, id) in Self.offered(cycle).enumerated() {
            var spec = world.campaign(
                id.number,
                category: ["c\(cycle)", "data_pack", "c\(cycle)"][place],
                limit: limit
            )
            (spec.validFrom, spec.validTo) = (day, day.adding(days: 60))
            spec.touchpoints = Touchpoint.allCases
            spec.valuePerOrderMinor = Int64(place * 100)
            if place == 2 { spec.capacity = max(3, requests / 12) }
            let file = try host.store(Array(JSONEncoder().encode(spec)))
            records.append(.campaignSet(id, revision: Int32(spec.revision), file: file))
            records.append(.poolSet(id, file: everybody))
            guard place == 0, cycle % 2 == 0 else { continue }
            let assignment = Assignment(
                campaign: id,
                revision: spec.revision,
                days: day...day.adding(days: 3),
                solution: .sha256(Array("cycle \(cycle)".utf8)),
                members: world.members(UInt64(1_000 + cycle), perMille: 700)
            )
            records.append(.assignmentSet(id, file: try host.store(assignment.encoded())))
        }
        try await host.record(records)
    }

    /// Requests of different subscribers, many in flight together; then those that share a capacity, one by one; then
    /// what was not shown lapses, and some of it is shown after all.
    func offer(_ cycle: Int, on host: DecisionHost) async throws {
        let begin = planned(cycle)
        // An event that came to nothing left no trace; asked again later it would find another state.
        let mayBegin = try await host.read { $0.now.instant <= begin.instant }
        let clients = min(48, requests)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                group.addTask {
                    for number in stride(from: client, to: requests, by: clients) where number % 4 != 3 {
                        let request = request(cycle, number)
                        guard mayBegin || request.entrance == .inbound else { continue }
                        try await play(request, number, on: host)
                        guard request.touchpoint == .website else { continue }
                        try await play(self.request(cycle, number, isSecondVisit: true), number + 4, on: host)
                    }
                }
            }
            try await group.waitForAll()
        }
        for number in stride(from: 3, to: requests, by: 4) { try await play(request(cycle, number), number, on: host) }
        try await host.tick(begin.adding(minutes: 60))
        tell(.lapsed(cycle: cycle))
        for number in 0..<requests {
            let request = request(cycle, number)
            guard request.entrance == .inbound else { continue }
            if number % 5 == 0 { try await ask(request, on: host) }
            // Nobody said so in time: it was given back, and counts again as a fact from outside.
            if number % 7 == 6 { try await respond(.shown, to: request, nil, on: host) }
        }
    }

    private func request(_ cycle: Int, _ number: Int, isSecondVisit: Bool = false) -> OfferRequest {
        let step = UInt32(world.subscribers / requests)
        let index = (UInt32(cycle * 13) + UInt32(number) * step) % UInt32(world.subscribers)
        let touchpoints: [Touchpoint] = [.counter, .website, .outbound, .counter, .hotline, .website, .sms, .app]
        let touchpoint = touchpoints[number % touchpoints.count]
        let campaigns = Self.offered(cycle)
        return OfferRequest(
            request: UInt64(cycle * 1_000_000 + number + (isSecondVisit ? 500_000 : 0)),
            index: index,
            touchpoint: touchpoint,
            entrance: [.outbound, .sms].contains(touchpoint) ? .event : .inbound,
            at: planned(cycle).adding(minutes: isSecondVisit ? 5 : 0),
            limit: UInt8(1 + number % 3),
            campaigns: number % 4 == 3 ? [campaigns[2]] : Array(campaigns.prefix(2))
        )
    }

    @discardableResult
    private func ask(_ request: OfferRequest, on host: DecisionHost) async throws -> OfferAnswer {
        let answer = try await host.answer(request)
        tell(.offered(request: request.request, offers: answer.offers, controls: answer.controls))
        return answer
    }

    private func play(_ request: OfferRequest, _ number: Int, on host: DecisionHost) async throws {
        let answer = try await ask(request, on: host)
        if number % 3 == 0, try await ask(request, on: host) != answer {
            throw ScriptFailure(description: "asked again, \(request.request) got another answer")
        }
        guard let first = answer.offers.first else { return }
        switch number % 7 {
        case 0: try await respond(.accepted, to: request, first, on: host)
        case 1: try await respond(.refused, to: request, first, on: host)
        case 2: try await respond(.later, to: request, nil, on: host)
        case 3: try await respond(.failed, to: request, nil, on: host)
        case 5: try await respond(.shown, to: request, first, on: host)
        default: break  // 4 lapses, 6 lapses and is shown after all
        }
    }

    private func respond(
        _ result: ContactResult,
        to request: OfferRequest,
        _ campaign: CampaignID?,
        on host: DecisionHost
    ) async throws {
        let response = OfferResponse(
            request: request.request,
            index: request.index,
            campaign: campaign,
            result: result,
            at: request.at
        )
        let answer = try await host.respond(response)
        guard answer == .taken else {
            throw ScriptFailure(description: "the response to \(request.request) was not taken: \(answer)")
        }
        tell(.tookResponse(request: request.request, result: result))
    }
}

extension LocalTime {
    /// The same clock some minutes later.
    public func adding(minutes: Int) -> LocalTime {
        LocalTime(instant: instant.adding(ms: Int64(minutes) * 60_000), offsetSeconds: offsetSeconds)
    }
}

extension DecisionState {
    /// A hash over everything the state knows, whatever the order in which different subscribers came.
    public func account() -> ContentHash {
        var writer = ByteWriter()
        writer.write(now.instant.epochMs)
        for block in 0..<Block.count(subscribers: subscribers) {
            for channel in ChannelClass.allCases {
                for month in monthsHeld {
                    writer.write(
                        counted: (0..<min(Block.size, subscribers - block * Block.size)).map { offset in
                            let index = SubscriberIndex(UInt32(block * Block.size + offset))
                            return UInt8(clamping: ledger.count(index, channel: channel, month: month))
                        }
                    )
                }
            }
        }
        func write(_ something: some Hashable) { writer.write(text: "\(something)") }
        for (list, members) in lists.sorted(by: { $0.key < $1.key }) {
            write(list)
            writer.write(counted: members.listFile)
        }
        for (id, campaign) in campaigns.sorted(by: { $0.key < $1.key }) {
            writer.write(id.number)
            write(campaign.status)
        }
        for wave in waves.values.sorted(by: { $0.wave < $1.wave }) {
            writer.write(wave.wave.packed)
            writer.write(text: (wave.outcome ?? .zero).hex)
            for (block, state) in wave.blocks.sorted(by: { $0.key < $1.key }) {
                writer.write(Int64(block))
                let sets: [KeyPath<WaveBlockState, BlockSet>] = [
                    \.contact, \.control, \.handedOff, \.accepted, \.delivered, \.settled, \.released, \.replied,
                    \.unsubscribed, \.ordered,
                ]
                for set in sets { state[keyPath: set].encode(to: &writer) }
            }
        }
        for pooled in pooledCampaigns.sorted(by: { $0.id < $1.id }) {
            for count in [pooled.id.number, pooled.contacts, pooled.shown, pooled.accepted, pooled.refused] {
                writer.write(count)
            }
        }
        for interaction in keptInteractions.sorted(by: { $0.answer.request.request < $1.answer.request.request }) {
            write(interaction.answer)
            write(interaction.isSettled)
            for offer in standing(of: interaction.answer.request.request) ?? [] {
                write(offer.standing)
                write(offer.isReleased)
            }
        }
        for (id, adopted) in assignments.sorted(by: { $0.key < $1.key }) {
            writer.write(id.number)
            writer.write(text: adopted.file.hex)
        }
        return .sha256(writer.bytes)
    }

    private var monthsHeld: [LocalMonth] {
        (ledger.monthsHeld.lowerBound.number...ledger.monthsHeld.upperBound.number).map { LocalMonth(number: $0) }
    }
}
