// What the decisions in a record looked like from the state before it.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

extension SubscriberFold {
    /// Explains the decisions that a record holds; call it before the record is applied.
    ///
    /// `all`: Of requests every candidate; else only what was offered or kept back, without its checks.
    func explanations(
        of entry: (sequence: Int64, record: LogRecord),
        selected cuts: [WaveID: [RankCut]],
        all: Bool = true
    ) throws -> [Explanation] {
        switch entry.record {
        case .waveOpened(let wave, let planned, let audience, _, _):
            guard let spec = campaigns[wave.campaign]?.spec else { throw DecisionError.unknownCampaign(wave.campaign) }
            let question = Question(
                spec: spec,
                at: planned,
                isMember: try isMember(ofAudience: audience),
                cuts: cuts[wave],
                touchpoint: nil
            )
            let checks = try checks(question)
            return [
                Explanation(
                    campaign: wave.campaign,
                    wave: wave,
                    at: planned,
                    outcome: checks.outcome,
                    position: entry.sequence,
                    checks: checks,
                    counterfactual: try counterfactual(question, checks)
                )
            ]
        case .answered(let answers):
            // Two answers in one record are to different states: the second knows the first.
            let fold = SubscriberFold(copying: self)
            return try answers.filter { $0.request.index == index.number }.flatMap { answer in
                defer { fold.take(answer) }
                return try all
                    ? fold.candidates(of: answer, position: entry.sequence)
                    : fold.offered(by: answer, position: entry.sequence)
            }
        default: return []
        }
    }

    /// What the checks give here and now: on the campaign's own channel, or at its first touchpoint when it has no waves.
    func explanationNow(of spec: CampaignSpec, position: Int64) throws -> Explanation {
        let pooled = try pool[spec.id].map { try isMember(ofAudience: $0) }
        let question = Question(
            spec: spec,
            at: now,
            isMember: pooled,
            cuts: nil,
            touchpoint: pooled == nil ? nil : spec.touchpoints.first
        )
        let checks = try checks(question)
        return Explanation(
            campaign: spec.id,
            wave: nil,
            at: now,
            outcome: checks.outcome,
            position: position,
            checks: checks,
            counterfactual: try counterfactual(question, checks)
        )
    }

    private func offered(by answer: OfferAnswer, position: Int64) -> [Explanation] {
        func explanation(_ campaign: CampaignID, _ outcome: Outcome) -> Explanation {
            Explanation(
                campaign: campaign,
                wave: nil,
                request: answer.request,
                at: answer.request.at,
                outcome: outcome,
                position: position,
                checks: []
            )
        }
        return answer.offers.map { explanation($0, .contact) } + answer.controls.map { explanation($0, .control) }
    }

    /// Every campaign that the pool held for the subscriber, best first.
    private func candidates(of answer: OfferAnswer, position: Int64) throws -> [Explanation] {
        let candidates = try candidates(for: answer.request)
        let limit = min(Int(answer.request.limit), policy?.offers.offers ?? 0)
        var offered: [CampaignID] = []
        return try candidates.enumerated().map { place, candidate in
            let spec = candidate.spec
            var outcome = candidate.checks.outcome
            var checks = candidate.checks
            let rank = [Evidence("rank", place + 1), Evidence("of", candidates.count)]
            if answer.offers.contains(spec.id) {
                outcome = .contact
                offered.append(spec.id)
                checks.append(CheckResult(.outranked, isPassed: true, rank))
            } else if candidate.isPassed, !answer.controls.contains(spec.id) {
                // Nothing of its own stood in the way: others had the places, or there was nothing left to give.
                let isFull = offered.count >= limit
                outcome = isFull ? .outranked : leftOver(spec, at: answer.request)
                let ahead = offered.map { Evidence("ahead", $0.number) }
                checks.append(CheckResult(outcome, isPassed: false, rank + (isFull ? ahead : [])))
            }
            let question = Question(
                spec: spec,
                at: answer.request.at,
                isMember: true,
                cuts: nil,
                touchpoint: answer.request.touchpoint
            )
            return Explanation(
                campaign: spec.id,
                wave: nil,
                request: answer.request,
                at: answer.request.at,
                outcome: outcome,
                position: position,
                checks: checks,
                counterfactual: try counterfactual(question, checks)
            )
        }
    }

    /// Why an offer that passed was not made though there was a place: what everybody shares was used up.
    private func leftOver(_ spec: CampaignSpec, at request: OfferRequest) -> Outcome {
        switch (spec.capacity, spec.contactsWithinBudget) {
        case (let capacity?, let budget?): capacity <= budget ? .capacity : .budget
        case (_?, nil): .capacity
        case (nil, _?): .budget
        // Further campaigns of the same answer took the last places of the month on a site.
        case (nil, nil): request.touchpoint.channel == .website ? .capWebsite : .outranked
        }
    }

    /// The events in a record; call it before the record is applied.
    func events(of entry: (sequence: Int64, record: LogRecord)) throws -> [SubscriberEvent] {
        func event(_ kind: SubscriberEvent.Kind, _ at: LocalTime) -> SubscriberEvent {
            SubscriberEvent(at: at, position: entry.sequence, kind: kind)
        }
        switch entry.record {
        case .linesAssigned(let base, let count, _):
            return index.number >= base && index.number - base < count ? [event(.known, now)] : []
        case .listReplaced(let list, let file):
            let isOn = try inputs.isMember(index, ofSet: file)
            return isOn == lists.contains(list) ? [] : [event(isOn ? .listed(list) : .unlisted(list), now)]
        case .listChanged(let list, let added, let removed):
            let isOn = added.contains(index.number) || (lists.contains(list) && !removed.contains(index.number))
            return isOn == lists.contains(list) ? [] : [event(isOn ? .listed(list) : .unlisted(list), now)]
        case .waveBlock(let wave, let block, let outcomes):
            guard Int(block) == index.block, let outcome = try outcomes.outcome(at: index.offset),
                let planned = touches.last(where: { $0.wave == wave })?.planned
            else { return [] }
            return [event(.decided(wave, outcome), planned)]
        case .handedOff(let wave, let block, let from, let to, let at, let drops):
            guard Int(block) == index.block else { return [] }
            if let drop = drops.first(where: { $0.members.contains(index.offset) }) {
                return [event(.dropped(wave, drop.outcome), at)]
            }
            guard (Int(from)..<Int(to)).contains(index.offset),
                let touch = touches.last(where: { $0.wave == wave }), touch.isCounted, !touch.isHandedOff
            else { return [] }
            return [event(.handedOff(wave), at)]
        case .handedOffSome(let wave, let block, _, _, let members, let at, let drops):
            guard Int(block) == index.block else { return [] }
            if let drop = drops.first(where: { $0.members.contains(index.offset) }) {
                return [event(.dropped(wave, drop.outcome), at)]
            }
            return members.contains(index.offset) ? [event(.handedOff(wave), at)] : []
        case .feedback(let wave, let block, let kind, let members, let at):
            return Int(block) == index.block && members.contains(index.offset) ? [event(.feedback(wave, kind), at)] : []
        case .reported(let wave, let block, let kind, let members, let at):
            guard Int(block) == index.block, members.contains(index.offset) else { return [] }
            let isLate = touches.last { $0.wave == wave }?.isCorrected(by: kind) ?? false
            return [event(isLate ? .corrected(wave, kind) : .feedback(wave, kind), at)]
        case .released(let wave, let block, let members):
            return Int(block) == index.block && members.contains(index.offset) ? [event(.released(wave), now)] : []
        case .answered(let all):
            return all.filter { $0.request.index == index.number }.map { event(.answered($0), $0.request.at) }
        case .responded(let all):
            return all.filter { $0.index == index.number }.map { event(.responded($0), $0.at) }
        case .lapsed(let all):
            return all.filter { $0.index == index.number }.map { event(.lapsed($0.request), now) }
        default: return []
        }
    }
}

extension SubscriberFold.Touch {
    /// Whether a receipt changes what had been concluded: it gives back what was settled, or counts what was given back.
    func isCorrected(by kind: FeedbackKind) -> Bool {
        guard outcome == .contact else { return false }
        return switch kind {
        case .delivered: isReleased
        case .refused, .failed: isSettled && !isDelivered
        default: false
        }
    }
}

extension [CheckResult] {
    /// The first check that fails; a contact when none does.
    var outcome: Outcome { first { !$0.isPassed }?.outcome ?? .contact }
}
