// Dispatch: an approved campaign goes to the decision core, and its waves run.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
public import Decisioning
public import Kernel
public import Model
public import Ports

/// Why a campaign cannot run.
public enum DispatchError: CodedError, Equatable {
    case wrongPhase(CampaignPhase, wanted: CampaignPhase)
    /// The campaign waits for customers; it has no waves.
    case noWave(ChannelClass)
    /// The campaign names no touchpoint.
    case noTouchpoint
    /// A score or personal priority that cannot be evaluated over what is loaded now.
    case badExpression(CampaignID, why: String)

    public var code: String {
        switch self {
        case .wrongPhase: "dispatch.wrong_phase"
        case .noWave: "dispatch.no_wave"
        case .noTouchpoint: "dispatch.no_touchpoint"
        case .badExpression: "dispatch.bad_expression"
        }
    }

    public var description: String {
        switch self {
        case .noWave(let channel):
            "a campaign on channel \(channel.code) has no waves: it is offered when customers come; put it in the offer pool"
        case .noTouchpoint: "the campaign names no touchpoint; say in its plan where it is offered"
        case .badExpression(let id, let why):
            "campaign \(id.number) cannot be ranked in the offer pool: \(why); load the attribute again, or plan anew"
        case .wrongPhase(let phase, let wanted):
            "the campaign is \(phase.rawValue) and cannot become \(wanted.rawValue)"
        }
    }
}

/// Runs approved campaigns, pauses, resumes and stops them.
public struct Dispatches: Sendable {
    private let store: any ControlPlaneStore
    private let host: DecisionHost

    /// Works on a store and the decision host.
    public init(store: any ControlPlaneStore, host: DecisionHost) {
        self.store = store
        self.host = host
    }

    /// Makes an approved revision known to the decision core, once.
    public func publish(_ campaign: Campaign) async throws {
        guard campaign.phase != .draft, campaign.phase != .submitted, campaign.phase != .rejected else {
            throw DispatchError.wrongPhase(campaign.phase, wanted: .running)
        }
        let spec = campaign.spec(unticker: campaign.owner)
        let known = try await host.read { $0.campaigns[spec.id]?.spec }
        guard known != spec else { return }
        let file = try host.store(spec.canonicalJSON())
        try await host.record([
            .campaignSet(spec.id, revision: Int32(spec.revision), file: file), .campaignStatus(spec.id, .live),
        ])
    }

    /// Makes the waves of approved campaigns go by assignments from here on; all of them, or none.
    ///
    /// - Throws: ``DispatchError/wrongPhase(_:wanted:)``; errors of the decision core.
    public func assign(_ assigned: [(campaign: Campaign, assignment: Assignment)]) async throws {
        for (campaign, _) in assigned { try await publish(campaign) }
        try await host.record(
            try assigned.map { .assignmentSet($0.campaign.id, file: try host.store($0.assignment.encoded())) }
        )
    }

    /// Runs the next wave of an approved or running campaign over an audience.
    ///
    /// A wave that a full disk or a crash left open is finished first; if it is this campaign's, it is the one.
    ///
    /// - Parameters:
    ///   - campaign: Approved or running.
    ///   - slot: When its contacts are planned; nil = when the plan says.
    ///   - audience: The members of its segment.
    ///   - who: Sign-in name for the audit log.
    ///   - now: The current time; the ledger counts by its month.
    /// - Returns: The campaign as it is afterwards, and what the wave decided.
    /// - Throws: ``DispatchError/wrongPhase(_:wanted:)``; errors of the decision core.
    public func run(
        _ campaign: Campaign,
        slot: LocalTime? = nil,
        audience: Bitset,
        by who: String,
        at now: LocalTime
    ) async throws -> (Campaign, WaveSummary) {
        guard [.approved, .running].contains(campaign.phase) else {
            throw DispatchError.wrongPhase(campaign.phase, wanted: .running)
        }
        guard campaign.plan.hasWaves else { throw DispatchError.noWave(campaign.plan.channel) }
        try await host.beginMonth(of: now)
        let campaign = try await begin(campaign, audience: audience, by: who, at: now)
        if let finished = try await host.resume(), finished.wave.campaign == campaign.id { return (campaign, finished) }
        let occurrence = try await host.nextOccurrence(of: campaign.id)
        let summary = try await host.run(
            wave: WaveID(campaign: campaign.id, occurrence: occurrence),
            planned: slot ?? campaign.plan.planned,
            audience: audience
        )
        return (campaign, summary)
    }

    /// Puts an approved or running campaign into the offer pool, or replaces its members there (POL-09).
    ///
    /// - Parameters:
    ///   - campaign: Approved or running; its plan names touchpoints.
    ///   - audience: The members of its segment.
    ///   - who: Sign-in name for the audit log.
    ///   - now: The current time.
    /// - Returns: The campaign as it is afterwards.
    /// - Throws: ``DispatchError``; errors of the decision core.
    public func offer(
        _ campaign: Campaign,
        audience: Bitset,
        by who: String,
        at now: LocalTime
    ) async throws -> Campaign {
        guard [.approved, .running].contains(campaign.phase) else {
            throw DispatchError.wrongPhase(campaign.phase, wanted: .running)
        }
        guard !campaign.plan.touchpoints.isEmpty else { throw DispatchError.noTouchpoint }
        return try await begin(campaign, audience: audience, by: who, at: now)
    }

    /// Sets a campaign running, makes it known to the core, and offers it where its plan says.
    private func begin(
        _ campaign: Campaign,
        audience: Bitset,
        by who: String,
        at now: LocalTime
    ) async throws -> Campaign {
        var campaign = campaign
        if !campaign.plan.touchpoints.isEmpty { try await checkRanking(of: campaign, on: now.day) }
        if campaign.phase != .running {
            campaign = try await move(campaign, to: .running, action: "campaign.run", by: who, at: now.instant)
        }
        try await publish(campaign)
        guard !campaign.plan.touchpoints.isEmpty else { return campaign }
        let file = try host.store(audience.listFile)
        let id = campaign.id
        let known = try await host.read { $0.pooled(id)?.audience }
        if known != file { try await host.record([.poolSet(id, file: file)]) }
        return campaign
    }

    /// Makes sure that the campaign's offers can be ranked, before anybody is offered it.
    private func checkRanking(of campaign: Campaign, on day: LocalDay) async throws {
        for expression in [campaign.plan.score, campaign.plan.personalPriority].compactMap({ $0 }) {
            let reader = try await host.read { try $0.profileReader() }
            do {
                _ = try reader.subscriberScore(expression, today: day)
            } catch {
                throw DispatchError.badExpression(campaign.id, why: "\(error)")
            }
        }
    }

    /// Holds everything that has not left; takes effect before the next hand-off.
    public func pause(_ campaign: Campaign, by who: String, at now: Instant) async throws -> Campaign {
        let moved = try await move(campaign, to: .paused, action: "campaign.pause", by: who, at: now)
        try await host.record([.campaignStatus(campaign.id, .paused)])
        return moved
    }

    /// Lets a paused campaign go on.
    public func resume(_ campaign: Campaign, by who: String, at now: Instant) async throws -> Campaign {
        let moved = try await move(campaign, to: .running, action: "campaign.resume", by: who, at: now)
        try await host.record([.campaignStatus(campaign.id, .live)])
        return moved
    }

    /// Ends a campaign for good; what has not left is released at once.
    public func stop(_ campaign: Campaign, by who: String, at now: Instant) async throws -> Campaign {
        let moved = try await move(campaign, to: .stopped, action: "campaign.stop", by: who, at: now)
        guard try await host.read({ $0.campaigns[campaign.id] }) != nil else { return moved }
        try await host.record([.campaignStatus(campaign.id, .stopped)])
        for wave in try await waves(of: campaign.id) { try await host.releaseUnsent(wave) }
        return moved
    }

    /// Marks a campaign finished once everything was sent and answered.
    public func finish(_ campaign: Campaign, at now: Instant) async throws -> Campaign {
        let moved = try await move(campaign, to: .finished, action: "campaign.finish", by: "system", at: now)
        if try await host.read({ $0.pooled(campaign.id)?.isOffered }) == true {
            try await host.record([.campaignStatus(campaign.id, .stopped)])
        }
        return moved
    }

    /// Waves of a campaign in order.
    public func waves(of campaign: CampaignID) async throws -> [WaveID] {
        try await host.read { $0.waves.keys.filter { $0.campaign == campaign }.sorted() }
    }

    private func move(
        _ campaign: Campaign,
        to phase: CampaignPhase,
        action: String,
        by who: String,
        at now: Instant
    ) async throws -> Campaign {
        guard campaign.phase.next.contains(phase) else {
            throw DispatchError.wrongPhase(campaign.phase, wanted: phase)
        }
        var campaign = campaign
        campaign.phase = phase
        campaign.updatedAt = now
        return try await store.save(
            campaign,
            audit: AuditEntry(at: now, who: who, action: action, object: "campaign/\(campaign.id.number)")
        )
    }
}
