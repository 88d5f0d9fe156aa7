// Campaigns that run: the wave, then sending in portions, then feedback until everything is answered.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
import Dispatching
import Execution
import Feedback
public import Kernel
public import Logging
public import Model
import Planning
public import Ports
public import ServiceLifecycle

/// What a running campaign does at the moment.
public enum RunStage: String, Sendable, Codable, CaseIterable {
    /// The wave is being decided.
    case deciding
    /// Sending waits for the planned slot or the end of quiet hours.
    case waiting
    /// Messages leave.
    case sending
    /// Paused by hand.
    case paused
    /// In the offer pool, to the end of its validity.
    case offered
    /// Everything left; receipts and replies come in.
    case collecting
    /// Done.
    case finished
    /// Stopped by hand.
    case stopped
    /// Something failed; it is tried again.
    case failed
}

/// How far a campaign is, over all of its waves.
public struct RunProgress: Hashable, Sendable, Codable {
    /// The campaign's number.
    public var campaign: CampaignID
    /// What it does.
    public var stage: RunStage
    /// Members of the audience.
    public var target = 0
    /// Reserved contacts.
    public var contacts = 0
    /// Control group.
    public var control = 0
    /// Left for the channel.
    public var sent = 0
    /// Accepted by the gateway.
    public var accepted = 0
    /// Delivered.
    public var delivered = 0
    /// Given back: failed, refused, dropped or stopped.
    public var released = 0
    /// Neither settled nor released.
    public var open = 0
    /// Replies that are no unsubscription.
    public var replies = 0
    /// Unsubscriptions.
    public var unsubscriptions = 0
    /// Orders of those contacted and of the control group.
    public var orders = 0
    /// Contacts that wait for the end of their area's quiet hours, while it waits; all others have left.
    public var heldByArea = 0
    /// When sending goes on, while it waits.
    public var until: Instant?
    /// What failed.
    public var problem: String?

    init(campaign: CampaignID, stage: RunStage) {
        self.campaign = campaign
        self.stage = stage
    }
}

/// A state of progress with its place in the order of changes.
public struct RunUpdate: Hashable, Sendable {
    /// 1 for the first change since the server started.
    public var number: Int
    /// The state.
    public var progress: RunProgress
}

/// Why a campaign is not started.
public enum RunnerError: CodedError, Equatable {
    /// It is being started.
    case busy(CampaignID)
    /// The server ends, or has more to start than it can keep in mind.
    case unavailable(CampaignID)

    public var code: String {
        switch self {
        case .busy: "run.busy"
        case .unavailable: "run.unavailable"
        }
    }

    public var description: String {
        switch self {
        case .busy(let id): "campaign \(id.number) is being started already"
        case .unavailable(let id): "campaign \(id.number) cannot be started now; try again in a minute"
        }
    }
}

/// Runs campaigns in the background, one job for each, and takes feedback periodically.
///
/// Everything that counts is in the decision log and the store: after a restart the runner goes on where sending
/// stopped. A pause takes effect before the next portion, which is what the gateway takes in half a second.
public actor CampaignRunner: Service {
    /// How often things happen.
    public struct Pace: Sendable {
        /// Between two rounds of feedback.
        public var feedback: Duration = .seconds(1)
        /// Between two ticks, which expire old reservations.
        public var tick: Duration = .seconds(60)
        /// Before a failed campaign is tried again.
        public var retry: Duration = .seconds(30)
        /// Messages per second of the gateway; nil = as fast as it takes them.
        public var messagesPerSecond: Int?

        /// The usual pace.
        public init() {}
    }

    private let platform: Platform
    private let pace: Pace
    private let beforeRound: @Sendable () async throws -> Void
    private let logger: Logger
    private let jobs: AsyncStream<CampaignID>
    private let enqueue: AsyncStream<CampaignID>.Continuation

    private var active: Set<CampaignID> = []
    private var startedBy: [CampaignID: String] = [:]
    private var retryAt: [CampaignID: ContinuousClock.Instant] = [:]
    private var areaWaits: [CampaignID: AreaWait] = [:]
    private var updates: [CampaignID: RunUpdate] = [:]
    private var listeners: [CampaignID: [Int: AsyncStream<RunUpdate>.Continuation]] = [:]
    private var serial = 0
    private var noting: Task<Void, Never>?
    private var refreshing: Task<Void, Never>?
    private var lastTick = ContinuousClock.now
    private var poolProblems: [CampaignID: String] = [:]

    /// Works on a platform once ``run()`` is called.
    ///
    /// - Parameters:
    ///   - platform: Whose campaigns it runs.
    ///   - pace: How often things happen, and how fast messages leave.
    ///   - logger: Told of failures, without names or numbers of customers.
    ///   - beforeRound: Called before each round of feedback; a simulation moves its clock and places orders here.
    public init(
        _ platform: Platform,
        pace: Pace = Pace(),
        logger: Logger = Logger(label: "gyre.runner"),
        beforeRound: @escaping @Sendable () async throws -> Void = {}
    ) {
        self.platform = platform
        self.pace = pace
        self.logger = logger
        self.beforeRound = beforeRound
        (jobs, enqueue) = AsyncStream.makeStream(of: CampaignID.self, bufferingPolicy: .bufferingOldest(10_000))
    }

    // MARK: Orders

    /// Starts an approved campaign; the wave and the sending happen in the background.
    ///
    /// - Throws: `DispatchError/wrongPhase(_:wanted:)` unless it is approved; ``RunnerError``.
    public func start(_ campaign: Campaign, by who: String) throws {
        guard campaign.phase == .approved else { throw DispatchError.wrongPhase(campaign.phase, wanted: .running) }
        guard startedBy[campaign.id] == nil, !active.contains(campaign.id) else { throw RunnerError.busy(campaign.id) }
        guard case .enqueued = enqueue.yield(campaign.id) else { throw RunnerError.unavailable(campaign.id) }
        startedBy[campaign.id] = who
        publish(RunProgress(campaign: campaign.id, stage: .deciding))
    }

    /// Decides the next wave of a campaign and waits for it; meanwhile nothing else takes the campaign up.
    ///
    /// `slot`: When its contacts are planned; nil = when the plan says.
    /// - Throws: `DispatchError/wrongPhase(_:wanted:)`; ``RunnerError/busy(_:)``.
    public func decide(_ campaign: Campaign, slot: LocalTime? = nil, by who: String) async throws -> WaveSummary {
        guard startedBy[campaign.id] == nil, active.insert(campaign.id).inserted else {
            throw RunnerError.busy(campaign.id)
        }
        defer { active.remove(campaign.id) }
        return try await platform.run(campaign, slot: slot, by: who).1
    }

    /// Holds everything that has not left.
    public func pause(_ campaign: Campaign, by who: String) async throws -> Campaign {
        let moved = try await platform.dispatches.pause(campaign, by: who, at: platform.clock.now.instant)
        try await publish(campaign.id, stage: .paused)
        return moved
    }

    /// Lets a paused campaign go on.
    public func resume(_ campaign: Campaign, by who: String) async throws -> Campaign {
        let moved = try await platform.dispatches.resume(campaign, by: who, at: platform.clock.now.instant)
        retryAt[campaign.id] = nil
        enqueue.yield(campaign.id)
        return moved
    }

    /// Ends a campaign; what has not left is released.
    public func stop(_ campaign: Campaign, by who: String) async throws -> Campaign {
        let moved = try await platform.dispatches.stop(campaign, by: who, at: platform.clock.now.instant)
        areaWaits[campaign.id] = nil
        try await publish(campaign.id, stage: .stopped)
        return moved
    }

    /// Sends a campaign's message to staff numbers; counted apart from its contacts.
    public func testSend(_ campaign: Campaign, to numbers: [MSISDN], by who: String) async throws -> [SubmitResult] {
        let now = platform.clock.now
        let results = try await platform.sending.sendTest(campaign.plan.message, to: numbers, now: now)
        try await platform.store.append(
            AuditEntry(
                at: now.instant,
                who: who,
                action: "campaign.test_send",
                object: "campaign/\(campaign.id.number)",
                detail: "\(numbers.count) numbers"
            )
        )
        return results
    }

    // MARK: Progress

    /// How far a campaign is now; nil when it never ran.
    public func progress(of campaign: Campaign) async throws -> RunUpdate? {
        guard let stage = try await stage(of: campaign) else { return nil }
        let known = updates[campaign.id]?.progress
        let isSame = known?.stage == stage
        try await publish(
            campaign.id,
            stage: stage,
            until: isSame ? known?.until : nil,
            heldByArea: isSame ? known?.heldByArea ?? 0 : 0,
            problem: isSame ? known?.problem : nil
        )
        return updates[campaign.id]
    }

    /// Changes of a campaign's progress, each only once; slow readers get the latest.
    ///
    /// - Parameters:
    ///   - campaign: The campaign's number.
    ///   - number: The last update the reader has seen; a newer one comes at once.
    /// - Returns: States, without end; the reader stops when the campaign did.
    public func updates(of campaign: CampaignID, after number: Int = 0) -> AsyncStream<RunUpdate> {
        let (stream, continuation) = AsyncStream.makeStream(of: RunUpdate.self, bufferingPolicy: .bufferingNewest(1))
        serial += 1
        let key = serial
        listeners[campaign, default: [:]][key] = continuation
        continuation.onTermination = { [weak self] _ in Task { await self?.forget(campaign, key) } }
        if let update = updates[campaign], update.number != number { continuation.yield(update) }
        return stream
    }

    private func forget(_ campaign: CampaignID, _ key: Int) {
        listeners[campaign]?[key] = nil
        if listeners[campaign]?.isEmpty == true { listeners[campaign] = nil }
    }

    private func publish(_ progress: RunProgress) {
        guard updates[progress.campaign]?.progress != progress else { return }
        let update = RunUpdate(number: (updates[progress.campaign]?.number ?? 0) + 1, progress: progress)
        updates[progress.campaign] = update
        for listener in (listeners[progress.campaign] ?? [:]).values { listener.yield(update) }
    }

    /// Publishes what the log says of a campaign.
    private func publish(
        _ id: CampaignID,
        stage: RunStage,
        until: Instant? = nil,
        heldByArea: Int = 0,
        problem: String? = nil
    ) async throws {
        var progress = try await platform.host.read { state in
            var progress = RunProgress(campaign: id, stage: stage)
            progress.contacts = Int(state.pooled(id)?.contacts ?? 0)
            for wave in state.waves.values where wave.wave.campaign == id && wave.status == .closed {
                progress.target += Int(wave.totals.reduce(0) { $0 + $1.count })
                progress.contacts += wave.sum(\.contact)
                progress.control += wave.sum(\.control)
                progress.sent += wave.sum(\.handedOff)
                progress.accepted += wave.sum(\.accepted)
                progress.delivered += wave.sum(\.delivered)
                progress.released += wave.sum(\.released)
                progress.open += wave.sum(\.open)
                progress.replies += wave.sum(\.replied)
                progress.unsubscriptions += wave.sum(\.unsubscribed)
                progress.orders += wave.sum(\.ordered)
            }
            return progress
        }
        progress.until = until
        progress.heldByArea = heldByArea
        progress.problem = problem
        publish(progress)
    }

    private func stage(of campaign: Campaign) async throws -> RunStage? {
        switch campaign.phase {
        case .draft, .submitted, .rejected: nil
        case .approved:
            // A start that failed before the wave leaves the campaign approved.
            startedBy[campaign.id] != nil ? .deciding : updates[campaign.id]?.progress.stage == .failed ? .failed : nil
        case .paused: .paused
        case .stopped: .stopped
        case .finished: .finished
        case .running:
            if let known = updates[campaign.id]?.progress.stage, active.contains(campaign.id) || known == .failed {
                known
            } else {
                campaign.plan.hasWaves ? .collecting : .offered
            }
        }
    }

    // MARK: Work

    /// Runs until graceful shutdown; campaigns that were sending when the last process ended go on first.
    public func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.takeFeedback() }
                for await id in jobs {
                    guard active.insert(id).inserted else { continue }
                    group.addTask { await self.work(on: id) }
                }
                group.cancelAll()
            }
        } onGracefulShutdown: { [enqueue] in
            enqueue.finish()
        }
    }

    private func work(on id: CampaignID) async {
        do {
            try await send(id)
        } catch is CancellationError {
            // The process ends: the next one goes on where this one stopped.
        } catch {
            logger.error("campaign failed", metadata: ["campaign": "\(id.number)", "error": "\(error)"])
            retryAt[id] = ContinuousClock.now + pace.retry
            try? await publish(id, stage: .failed, problem: "\(error)")
        }
        active.remove(id)
        startedBy[id] = nil
    }

    /// Runs the wave when there is none yet, then sends all that has not left.
    private func send(_ id: CampaignID) async throws {
        guard var campaign = try await platform.store.campaign(id) else { return }
        guard campaign.plan.hasWaves else {
            guard campaign.phase == .approved || campaign.phase == .running else { return }
            try await publish(id, stage: .deciding)
            _ = try await platform.offer(campaign, by: startedBy[id] ?? "system")
            return try await publish(id, stage: .offered)
        }
        if try await closedWaves(of: id).isEmpty {
            guard campaign.phase == .approved || campaign.phase == .running else { return }
            try await publish(id, stage: .deciding)
            (campaign, _) = try await platform.run(campaign, by: startedBy[id] ?? "system")
        }
        guard campaign.phase == .running, try await waitForSlot(campaign) else { return }
        try await publish(id, stage: .sending)
        let clock = platform.clock
        let grounds = try await waitGrounds(of: id)
        var (held, until) = (0, Instant?.none)
        for wave in grounds.waves {
            let already = try await platform.host.read { $0.waves[wave]?.sum(\.handedOff) ?? 0 }
            let pacer = Pacer(messagesPerSecond: pace.messagesPerSecond, already: already)
            let report = try await platform.sending.send(
                wave,
                text: campaign.plan.message,
                now: { clock.now },
                progress: { progress in
                    // What is shown is read from the log; a failure to show it must not end the sending.
                    guard !progress.isHeld else { return }
                    try? await self.publish(id, stage: .sending)
                    await pacer.wait(sent: progress.sent)
                }
            )
            guard report.isHeld else { continue }
            guard report.heldByArea > 0 else { return }
            held += report.heldByArea
            until = [until, report.heldUntil?.instant].compactMap { $0 }.min()
        }
        guard held == 0 else {
            areaWaits[id] = AreaWait(grounds: grounds, until: until, held: held)
            return try await publish(id, stage: .waiting, until: until, heldByArea: held)
        }
        try await publish(id, stage: .collecting)
    }

    /// What the end of a wait for areas was found from: another policy, load, day or wave may let somebody go earlier.
    private func waitGrounds(of id: CampaignID) async throws -> AreaWait.Grounds {
        let (waves, day) = (try await closedWaves(of: id), platform.clock.now.day)
        return try await platform.host.read { state in
            AreaWait.Grounds(
                policy: state.policy?.revision,
                load: state.attributes?.load,
                day: day,
                waves: waves,
                hasUnsent: waves.contains { state.waves[$0]?.blocks.values.contains { !$0.unsent.isEmpty } ?? false }
            )
        }
    }

    private func closedWaves(of id: CampaignID) async throws -> [WaveID] {
        try await platform.host.read { state in
            state.waves.values.filter { $0.wave.campaign == id && $0.status == .closed }.map(\.wave).sorted()
        }
    }

    /// Waits for the planned slot and the end of quiet hours, of the first area that has somebody left to send to; false
    /// when the campaign does not go on.
    private func waitForSlot(_ campaign: Campaign) async throws -> Bool {
        while true {
            let (status, policy) = try await platform.host.read { ($0.campaigns[campaign.id]?.status, $0.policy) }
            guard status == .live else { return false }
            let now = platform.clock.now
            if let wait = areaWaits[campaign.id] {
                guard try await waitGrounds(of: campaign.id) == wait.grounds,
                    wait.until.map({ now.instant < $0 }) ?? true
                else {
                    areaWaits[campaign.id] = nil
                    continue
                }
                try await publish(campaign.id, stage: .waiting, until: wait.until, heldByArea: wait.held)
                guard wait.until != nil else { return false }
            } else {
                let slot = now.instant < campaign.plan.planned.instant ? campaign.plan.planned : now
                guard let start = policy?.notBeforeAnywhere(slot, channel: campaign.plan.channel) else { return false }
                guard now.instant < start.instant else { return true }
                try await publish(campaign.id, stage: .waiting, until: start.instant)
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    /// Receipts, ticks, what is left over from before, and the end of campaigns; nothing of it ends the service.
    private func takeFeedback() async {
        while !Task.isCancelled {
            do {
                try await beforeRound()
                try await round()
            } catch is CancellationError {
                return
            } catch {
                logger.error("feedback failed", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: pace.feedback)
        }
    }

    private func round() async throws {
        let now = platform.clock.now
        _ = try await platform.receipts.collect(until: now)
        try await lookAtPool(on: now.day)
        if ContinuousClock.now - lastTick >= pace.tick {
            lastTick = ContinuousClock.now
            try await platform.host.tick(now)
            do {
                try await platform.lists.keepDays(at: now.instant)
            } catch {
                logger.error("days of list entries", metadata: ["error": "\(error)"])
            }
            takeFiles()
            refreshSegments(at: now)
            do {
                try await platform.host.keepCheckpoint(after: Platform.batchesPerCheckpoint * 4)
            } catch {
                logger.warning("no checkpoint", metadata: ["error": "\(error)"])
            }
            noteSubscribers()
        }
        var page = 0
        while true {
            let query = ListQuery(offset: page * 100, limit: 100)
            let running = try await platform.store.campaigns(query, phases: [.running], in: .all)
            for campaign in running.rows where !active.contains(campaign.id) { try await look(at: campaign) }
            page += 1
            guard page * 100 < running.total else { break }
        }
    }

    /// Computes segments that are due, beside everything else; one pass at a time.
    private func refreshSegments(at now: LocalTime) {
        guard refreshing == nil else { return }
        refreshing = Task {
            let (platform, logger) = (platform, logger)
            do {
                // Segments may ask for lists: those come first.
                for failed in try await platform.lists.keepRules(at: now.instant) {
                    logger.warning(
                        "a list could not be filled",
                        metadata: ["list": "\(failed.list)", "problem": "\(failed.problem)"]
                    )
                }
                for failed in try await platform.segments.keepFresh(at: now) {
                    logger.warning(
                        "a segment could not be computed",
                        metadata: ["segment": "\(failed.segment.id)", "problem": "\(failed.problem)"]
                    )
                }
                for failed in try await platform.segmentOutbox.deliver().problems {
                    logger.warning(
                        "an audience could not be delivered",
                        metadata: ["export": "\(failed.export.id)", "problem": "\(failed.error)"]
                    )
                }
                // Whoever opens the builder of conditions waits for these right after a load only.
                _ = try await platform.segments.knownValues()
            } catch DecisionError.noProfile {
                // Nothing is loaded yet.
            } catch {
                logger.error("segments that are due", metadata: ["error": "\(error)"])
            }
            refreshing = nil
        }
    }

    /// Takes in what others put into the inbox, beside everything else; who asks while it goes on gets nothing.
    private func takeFiles() {
        take("feeds") { try await $0.feeds.take() }
        take("lists in the inbox") { try await $0.listInbox.take() }
    }

    private func take(_ what: String, _ files: @escaping @Sendable (Platform) async throws -> [TakenFile]) {
        Task.detached(priority: .background) { [platform, logger] in
            do {
                for file in try await files(platform) {
                    guard let problem = file.problem else { continue }
                    logger.warning("a file in the inbox was refused", metadata: ["problem": "\(problem)"])
                }
            } catch {
                logger.error("\(what)", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Reads what the log got for those who will ask why, beside everything else.
    private func noteSubscribers() {
        guard noting == nil else { return }
        let explainer = platform.explainer
        noting = Task.detached(priority: .background) { [weak self, logger] in
            do { try explainer.catchUp() } catch {
                logger.warning("explaining is behind", metadata: ["error": "\(error)"])
            }
            await self?.endNoting()
        }
    }

    private func endNoting() { noting = nil }

    /// Warns once of each campaign that nobody is offered because of an expression that cannot be evaluated.
    private func lookAtPool(on day: LocalDay) async throws {
        // Without policy or subscribers nothing is offered, and each request says so.
        let found = try await platform.host.look { (try? $0.poolProblems(on: day)) ?? [:] }
        for (id, why) in found.sorted(by: { $0.key < $1.key }) where poolProblems[id] != why {
            logger.warning(
                "a campaign of the offer pool is offered to nobody: an expression cannot be evaluated",
                metadata: ["campaign": "\(id.number)", "error": "\(why)"]
            )
        }
        poolProblems = found
    }

    private func finish(_ campaign: Campaign) async throws {
        areaWaits[campaign.id] = nil
        _ = try await platform.dispatches.finish(campaign, at: platform.clock.now.instant)
        try await publish(campaign.id, stage: .finished)
    }

    /// Takes up a campaign that has something to send, or ends one that has nothing open.
    private func look(at campaign: Campaign) async throws {
        if !campaign.plan.touchpoints.isEmpty {
            let today = platform.clock.now.day
            // What is offered goes on to the last day of validity, whatever became of the waves.
            let isOffered = try await platform.host.read { $0.pooled(campaign.id)?.isOffered == true }
            if today > campaign.plan.validTo, !campaign.plan.hasWaves { return try await finish(campaign) }
            if isOffered, !campaign.plan.hasWaves { return try await publish(campaign.id, stage: .offered) }
        }
        let (waves, unsent, open) = try await platform.host.read { state in
            let waves = state.waves.values.filter { $0.wave.campaign == campaign.id && $0.status == .closed }
            let unsent = waves.reduce(0) { sum, wave in
                wave.blocks.values.reduce(sum) { $0 + $1.unsent.count }
            }
            return (waves.count, unsent, waves.reduce(0) { $0 + $1.sum(\.open) })
        }
        if waves == 0 || unsent > 0 {
            guard retryAt[campaign.id].map({ $0 <= ContinuousClock.now }) ?? true else { return }
            retryAt[campaign.id] = nil
            enqueue.yield(campaign.id)
        } else if open == 0, campaign.plan.touchpoints.isEmpty || platform.clock.now.day > campaign.plan.validTo {
            try await finish(campaign)
        } else {
            try await publish(campaign.id, stage: .collecting)
        }
    }
}

/// The end of the quiet hours of those whom the last sending held, all others having left.
private struct AreaWait {
    struct Grounds: Equatable {
        var policy: Int?
        var load: String?
        var day: LocalDay
        var waves: [WaveID]
        /// Whether anybody waits at all: what nobody answered is given back meanwhile.
        var hasUnsent: Bool
    }

    var grounds: Grounds
    /// When the first of them may leave; nil = never, as things are.
    var until: Instant?
    var held: Int
}

/// Spreads messages over time, so that a gateway gets no more than it asked for.
private struct Pacer {
    private let messagesPerSecond: Int?
    private let already: Int
    private let start = ContinuousClock.now

    /// Starts now, after `already` messages have left.
    init(messagesPerSecond: Int?, already: Int) {
        self.messagesPerSecond = messagesPerSecond
        self.already = already
    }

    /// Waits until `sent` messages may have left.
    func wait(sent: Int) async {
        guard let rate = messagesPerSecond, rate > 0 else { return }
        let due = start + .milliseconds(max(0, sent - already) * 1000 / rate)
        // Cancellation ends the wait; the caller notices it before the next portion.
        try? await Task.sleep(until: due, clock: .continuous)
    }
}
