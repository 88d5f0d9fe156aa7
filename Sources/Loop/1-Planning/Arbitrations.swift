// Arbitration across campaigns (多活动统筹): set up, solved in the background, adopted by the waves, taken back.
// SPDX-License-Identifier: Apache-2.0

public import Arbitration
public import DecisionHost
public import Decisioning
import Dispatch
import Foundation
public import Kernel
public import Model
public import Ports
import Synchronization

/// Why campaigns are not arbitrated, or a result is not adopted.
public enum ArbitratingError: CodedError, Equatable {
    /// Fewer than two campaigns, or too many.
    case campaigns(Int)
    /// A campaign that cannot take part, and why.
    case notPlanned(CampaignID, why: String)
    case badLimit(field: String, why: String)
    /// No campaign has anybody to contact.
    case noCandidates
    case wrongState(Int64, ArbitrationState)
    /// Campaigns that changed, are not approved, or whose waves ran since.
    case changed([CampaignID])
    /// Another adopted arbitration has some of the campaigns.
    case overlaps(Int64, [CampaignID])
    /// The window has passed.
    case over(LocalDay)
    /// It was not solved.
    case noResult(Int64, why: String)

    public var code: String {
        switch self {
        case .campaigns: "arbitrate.campaigns"
        case .notPlanned: "arbitrate.not_planned"
        case .badLimit: "arbitrate.bad_limit"
        case .noCandidates: "arbitrate.no_candidates"
        case .wrongState: "arbitrate.wrong_state"
        case .changed: "arbitrate.changed"
        case .overlaps: "arbitrate.overlaps"
        case .over: "arbitrate.over"
        case .noResult: "arbitrate.no_result"
        }
    }

    public var description: String {
        func list(_ campaigns: [CampaignID]) -> String { campaigns.map { "\($0.number)" }.joined(separator: ", ") }
        return switch self {
        case .campaigns(let count):
            "\(count) campaigns were named; choose 2 to \(Arbitrations.mostCampaigns) whose waves lie in the window"
        case .notPlanned(let id, let why): "campaign \(id.number) cannot take part: \(why)"
        case .badLimit(let field, let why): "\(field): \(why)"
        case .noCandidates:
            "nobody passes the checks of any of the campaigns; look at their dry runs, then solve again"
        case .wrongState(let id, let state): "arbitration \(id) is \(state.rawValue); this is not possible now"
        case .changed(let all):
            "campaigns \(list(all)) changed, are not approved, or have run since; approve them and solve again"
        case .overlaps(let id, let all): "arbitration \(id) holds for campaigns \(list(all)); withdraw it first"
        case .noResult(let id, let why): "arbitration \(id) has no result: \(why); change its limits and solve again"
        case .over(let day): "the window ended on \(day.iso); arbitrate campaigns that are still to run"
        }
    }
}

/// How far the solving of an arbitration is.
public struct ArbitrationProgress: Hashable, Sendable {
    /// What is being done.
    public enum Stage: String, Sendable, CaseIterable {
        /// Another one is being solved.
        case waiting
        /// Audiences are read and checked, campaign by campaign.
        case reading
        /// Greedy and optimal assignment are searched.
        case solving
    }

    /// What is being done.
    public var stage: Stage
    /// Campaigns read.
    public var read: Int
    /// Campaigns in all.
    public var campaigns: Int
    /// When it began.
    public var since: Instant
}

/// Arbitrates campaigns whose waves lie in one window.
///
/// The candidates of a campaign are those members of its audience who pass every check of a wave as things are now, caps
/// and intervals by contacts already made included; what the other campaigns of the window would change is what is solved.
public final class Arbitrations: Sendable {
    /// Most campaigns in an arbitration.
    public static let mostCampaigns = 200
    /// Most days in a window: counters are held for this month and the next two.
    public static let mostDays = 31
    /// Phases of campaigns that may take part.
    public static let phases: Set<CampaignPhase> = [.draft, .submitted, .approved]

    private let store: any ControlPlaneStore
    private let host: DecisionHost
    private let inputs: any DecisionInputs
    private let threads: Int
    private let now: @Sendable () -> LocalTime
    private let audience: @Sendable (Campaign) async throws -> Bitset
    private let solving = Turns()
    private let adopting = Turns()
    private let queue = DispatchQueue(label: "gyre.arbitration", qos: .utility)
    private let progress = Mutex<[Int64: ArbitrationProgress]>([:])

    /// Works on a store and the decision host.
    ///
    /// `audience`: The members of a campaign's segment; see ``Campaigns/audience(of:)``.
    /// `now`: The current time.
    public init(
        store: any ControlPlaneStore,
        host: DecisionHost,
        inputs: any DecisionInputs,
        threads: Int,
        now: @escaping @Sendable () -> LocalTime,
        audience: @escaping @Sendable (Campaign) async throws -> Bitset
    ) {
        self.store = store
        self.host = host
        self.inputs = inputs
        self.threads = threads
        self.now = now
        self.audience = audience
    }

    // MARK: Reading

    /// The arbitration with this number.
    ///
    /// - Throws: `ControlPlaneError/notFound(object:)`, also outside the reader's part of the organisation.
    public func arbitration(_ id: Int64, for staff: Staff) async throws -> Arbitration {
        guard let found = try await store.arbitration(id), staff.scope.covers(found.scope) else {
            throw ControlPlaneError.notFound(object: "arbitration/\(id)")
        }
        return found
    }

    /// The result of a solved arbitration; nil before.
    public func result(of arbitration: Arbitration) throws -> ArbitrationResult? {
        try arbitration.result.map { try ArbitrationResult(decoding: inputs.bytes($0)) }
    }

    /// How far the solving is; nil when it is over.
    public func progress(of id: Int64) -> ArbitrationProgress? { progress.withLock { $0[id] } }

    /// Campaigns that may take part: with waves still to run, planned for a day of the window.
    public func plannable(from: LocalDay, to: LocalDay, for staff: Staff) async throws -> [Campaign] {
        var (found, page) = ([Campaign](), 0)
        while true {
            let query = ListQuery(order: "planned", isDescending: false, offset: page * 1000, limit: 1000)
            let all = try await store.campaigns(query, phases: Self.phases, in: staff.scope)
            found += all.rows
            page += 1
            guard page * 1000 < all.total else { break }
        }
        let ran = try await ran()
        return found.filter { Self.obstacle($0, from: from, to: to, ran: ran) == nil }
    }

    private func ran() async throws -> Set<CampaignID> {
        try await host.read { Set($0.waves.keys.map(\.campaign)) }
    }

    /// Why a campaign cannot take part; nil when it can.
    private static func obstacle(
        _ campaign: Campaign,
        from: LocalDay,
        to: LocalDay,
        ran: Set<CampaignID>
    ) -> String? {
        let day = campaign.plan.planned.day
        if !campaign.plan.hasWaves { return "it has no waves" }
        if !phases.contains(campaign.phase) { return "it is \(campaign.phase.rawValue)" }
        if ran.contains(campaign.id) { return "its wave has run" }
        return (from...to).contains(day) ? nil : "its wave is planned for \(day.iso), outside the window"
    }

    // MARK: Solving

    /// Begins an arbitration; it is solved in the background.
    ///
    /// - Parameters:
    ///   - name: What people call it, 1 to 100 characters.
    ///   - setup: Campaigns and limits; revisions are set to the current ones.
    ///   - previous: A solved arbitration whose prices it starts from.
    ///   - staff: Who asks.
    /// - Returns: The arbitration, which is being solved.
    /// - Throws: ``ArbitratingError``, ``PlanningError/badName(_:)``.
    public func begin(
        _ name: String,
        _ setup: ArbitrationSetup,
        from previous: Int64? = nil,
        by staff: Staff
    ) async throws -> Arbitration {
        let name = name.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...100).contains(name.count) else { throw PlanningError.badName(name) }
        if let previous { _ = try await arbitration(previous, for: staff) }
        let time = now()
        let setup = try await checked(setup, on: time.day, for: staff)
        let begun = try await store.save(
            Arbitration(
                name: name,
                setup: setup,
                previous: previous,
                owner: staff.login,
                scope: staff.scope,
                at: time.instant
            ),
            audit: AuditEntry(
                at: time.instant,
                who: staff.login,
                action: "arbitration.begin",
                object: "arbitration/\(name)",
                detail: previous.map { "from arbitration \($0)" } ?? ""
            )
        )
        let first = ArbitrationProgress(
            stage: .waiting,
            read: 0,
            campaigns: setup.entries.count,
            since: time.instant
        )
        progress.withLock { $0[begun.id] = first }
        Task { await solving.take { await self.work(on: begun) } }
        return begun
    }

    private func checked(
        _ setup: ArbitrationSetup,
        on today: LocalDay,
        for staff: Staff
    ) async throws -> ArbitrationSetup {
        func require(_ holds: Bool, _ field: String, _ why: String) throws {
            guard holds else { throw ArbitratingError.badLimit(field: field, why: why) }
        }
        try require(setup.from <= setup.to, "to", "the window ends before it begins")
        let days = Int(setup.to.number) - Int(setup.from.number) + 1
        try require(days <= Self.mostDays, "to", "a window has at most \(Self.mostDays) days")
        guard setup.to >= today else { throw ArbitratingError.over(setup.to) }
        try require((1...255).contains(setup.perSubscriber), "perSubscriber", "a subscriber may get 1 to 255 offers")
        try require(
            setup.perClass.values.allSatisfy { (0...255).contains($0) },
            "perClass",
            "a subscriber may get 0 to 255 offers of a class"
        )
        for capacity in setup.capacities {
            try require((0...Int(Int32.max)).contains(capacity.limit), "capacities", "a capacity is 0 to 2,147,483,647")
            try require(
                capacity.day.map { (setup.from...setup.to).contains($0) } ?? true,
                "capacities",
                "a day lies outside the window"
            )
        }
        let numbers = setup.entries.map(\.campaign)
        guard (2...Self.mostCampaigns).contains(numbers.count), Set(numbers).count == numbers.count else {
            throw ArbitratingError.campaigns(Set(numbers).count)
        }
        let ran = try await ran()
        var checked = setup
        checked.entries = []
        for entry in setup.entries.sorted(by: { $0.campaign < $1.campaign }) {
            try require((0...Int(Int32.max)).contains(entry.minimum), "minimum", "a minimum is 0 to 2,147,483,647")
            guard let campaign = try await store.campaign(entry.campaign), staff.scope.covers(campaign.scope) else {
                throw ControlPlaneError.notFound(object: "campaign/\(entry.campaign.number)")
            }
            if let why = Self.obstacle(campaign, from: setup.from, to: setup.to, ran: ran) {
                throw ArbitratingError.notPlanned(campaign.id, why: why)
            }
            checked.entries.append(
                ArbitrationEntry(campaign: campaign.id, revision: campaign.revision, minimum: entry.minimum)
            )
        }
        return checked
    }

    /// Solves and keeps what came of it; an error becomes the arbitration's problem.
    private func work(on begun: Arbitration) async {
        var solved = begun
        do {
            let start = ContinuousClock.now
            let result = try await solve(begun)
            let solution = result.solution
            solved.result = try host.store(result.encoded())
            solved.figures = ArbitrationFigures(
                contacts: solution.assignments.reduce(0) { $0 + Int64($1.subscribers.count) },
                valueMinor: result.minor(solution.value),
                boundMinor: result.minor(solution.bound),
                greedyMinor: solution.greedyValue.map(result.minor),
                gapPPM: solution.gapPPM,
                milliseconds: Int64((ContinuousClock.now - start) / .milliseconds(1))
            )
            solved.state = .solved
        } catch ArbitrationError.minimums(let gaps) {
            solved.state = .infeasible
            solved.shortfalls = gaps.compactMap { ArbitrationShortfall($0) }
        } catch {
            solved.state = .failed
            solved.problem = ((error as? any CodedError)?.code ?? "arbitrate.failed") + ": \(error)"
        }
        solved.updatedAt = now().instant
        await keep(solved)
        progress.withLock { $0[begun.id] = nil }
    }

    /// Saves what came of it; a store that cannot be written is asked again for some minutes, and what is lost then is
    /// marked as broken off at the next start.
    private func keep(_ solved: Arbitration) async {
        let audit = entry("arbitration.solve", solved.state.rawValue, solved.id, solved.owner)
        for _ in 0..<60 {
            do {
                _ = try await store.save(solved, audit: audit)
                return
            } catch {
                try? await Task.sleep(for: .seconds(5))
            }
        }
    }

    private func solve(_ arbitration: Arbitration) async throws -> ArbitrationResult {
        let setup = arbitration.setup
        var contenders: [Contender] = []
        for entry in setup.entries {
            report(arbitration.id, .reading, read: contenders.count)
            guard let campaign = try await store.campaign(entry.campaign), campaign.revision == entry.revision else {
                throw ArbitratingError.changed([entry.campaign])
            }
            let spec = campaign.spec(unticker: campaign.owner)
            let audience = try await audience(campaign)
            let candidates = try await host.candidates(of: spec, planned: campaign.plan.planned, audience: audience)
            contenders.append(
                Contender(
                    campaign: campaign,
                    spec: spec,
                    minimum: entry.minimum,
                    audience: audience.count,
                    candidates: candidates
                )
            )
        }
        guard contenders.contains(where: { !$0.candidates.indices.isEmpty }) else {
            throw ArbitratingError.noCandidates
        }
        report(arbitration.id, .solving, read: contenders.count)
        var previous: ArbitrationResult?
        if let id = arbitration.previous, let before = try await store.arbitration(id) {
            previous = try result(of: before)
        }
        let (ready, start, threads) = (contenders, previous, threads)
        // Minutes of computing do not belong on the threads that requests are answered by.
        return try await withCheckedThrowingContinuation { continuation in
            queue.async {
                continuation.resume(
                    with: Result { try ArbitrationInput(setup, ready).solve(from: start, threads: threads) }
                )
            }
        }
    }

    private func report(_ id: Int64, _ stage: ArbitrationProgress.Stage, read: Int) {
        progress.withLock {
            $0[id]?.stage = stage
            $0[id]?.read = read
        }
    }

    private func entry(_ action: String, _ detail: String, _ id: Int64, _ who: String) -> AuditEntry {
        AuditEntry(at: now().instant, who: who, action: action, object: "arbitration/\(id)", detail: detail)
    }

    // MARK: Adopting

    /// Makes the waves of all its campaigns go by a result.
    ///
    /// - Parameters:
    ///   - id: A solved arbitration whose campaigns are approved as they were arbitrated, and have not run.
    ///   - version: As the reader saw it.
    ///   - staff: Who adopts it.
    ///   - record: Makes campaigns and assignments known to the decision core.
    /// - Returns: The arbitration, adopted.
    /// - Throws: ``ArbitratingError``; `ControlPlaneError/stale(object:expectedVersion:)`.
    public func adopt(
        _ id: Int64,
        version: Int,
        by staff: Staff,
        record: @escaping @Sendable ([(campaign: Campaign, assignment: Assignment)]) async throws -> Void
    ) async throws -> Arbitration {
        try await adopting.complete { [self] in
            var arbitration = try await current(id, version: version, to: .adopted, for: staff)
            let assigned = try await assignments(of: arbitration)
            try await record(assigned)
            arbitration.state = .adopted
            (arbitration.adoptedBy, arbitration.adoptedAt) = (staff.login, now().instant)
            arbitration.updatedAt = now().instant
            return try await store.save(arbitration, audit: entry("arbitration.adopt", "", id, staff.login))
        }
    }

    /// Lets the waves of its campaigns go by score again; waves that ran stay as they are.
    public func withdraw(_ id: Int64, version: Int, by staff: Staff) async throws -> Arbitration {
        try await adopting.complete { [self] in
            var arbitration = try await current(id, version: version, to: .withdrawn, for: staff)
            let mine = try await live(arbitration)
            if !mine.isEmpty { try await host.record(mine.map { .assignmentSet($0, file: nil) }) }
            arbitration.state = .withdrawn
            arbitration.updatedAt = now().instant
            return try await store.save(arbitration, audit: entry("arbitration.withdraw", "", id, staff.login))
        }
    }

    private func current(
        _ id: Int64,
        version: Int,
        to state: ArbitrationState,
        for staff: Staff
    ) async throws -> Arbitration {
        let arbitration = try await arbitration(id, for: staff)
        guard arbitration.version == version else {
            throw ControlPlaneError.stale(object: "arbitration/\(id)", expectedVersion: version)
        }
        guard arbitration.state.next.contains(state) else {
            throw ArbitratingError.wrongState(id, arbitration.state)
        }
        return arbitration
    }

    /// Campaigns whose waves go by an arbitration's result now.
    private func live(_ arbitration: Arbitration) async throws -> [CampaignID] {
        guard let result = arbitration.result else { return [] }
        return try await host.read { state in
            state.assignments.filter { $0.value.assignment.solution == result }.map(\.key).sorted()
        }
    }

    private func assignments(of arbitration: Arbitration) async throws -> [(campaign: Campaign, assignment: Assignment)]
    {
        let setup = arbitration.setup
        guard setup.to >= now().day else { throw ArbitratingError.over(setup.to) }
        guard let file = arbitration.result, let result = try result(of: arbitration) else {
            throw ArbitratingError.wrongState(arbitration.id, arbitration.state)
        }
        let (ran, universe) = (try await ran(), try await host.read { $0.subscribers })
        var (assigned, changed) = ([(campaign: Campaign, assignment: Assignment)](), [CampaignID]())
        for part in result.campaigns {
            let id = CampaignID(part.number)
            guard let campaign = try await store.campaign(id), campaign.phase == .approved,
                campaign.revision == Int(part.revision), !ran.contains(id)
            else {
                changed.append(id)
                continue
            }
            var members = Bitset(universe: universe)
            for index in part.members + part.controls { members.insert(index) }
            let assignment = Assignment(
                campaign: id,
                revision: campaign.revision,
                days: setup.from...setup.to,
                solution: file,
                members: members
            )
            assigned.append((campaign, assignment))
        }
        guard changed.isEmpty else { throw ArbitratingError.changed(changed) }
        let campaigns = Set(assigned.map(\.campaign.id))
        for other in try await all([.adopted]) where other.id != arbitration.id && other.setup.to >= now().day {
            let shared = other.setup.entries.map(\.campaign).filter(campaigns.contains)
            guard shared.isEmpty else { throw ArbitratingError.overlaps(other.id, shared) }
        }
        return assigned
    }

    private func all(_ states: Set<ArbitrationState>) async throws -> [Arbitration] {
        var (found, page) = ([Arbitration](), 0)
        while true {
            let query = ListQuery(order: "number", offset: page * 1000, limit: 1000)
            let all = try await store.arbitrations(query, states: states, in: .all)
            found += all.rows
            page += 1
            guard page * 1000 < all.total else { return found }
        }
    }

    // MARK: Opening

    /// Brings the list in line with the log after a crash: what was being solved is broken off, and what the log says of
    /// adopted assignments holds.
    public func settle() async throws {
        let today = try await host.read { $0.now.day }
        for var arbitration in try await all([.solving, .solved, .adopted, .withdrawn]) {
            let isLive = try await !live(arbitration).isEmpty
            switch arbitration.state {
            case .solving:
                arbitration.state = .failed
                arbitration.problem = "arbitrate.broken_off: the server ended while it was being solved; solve it again"
            case .solved, .withdrawn:
                guard isLive else { continue }
                arbitration.state = .adopted
                (arbitration.adoptedBy, arbitration.adoptedAt) = ("system", now().instant)
            default:
                guard !isLive, arbitration.setup.to >= today else { continue }
                arbitration.state = .withdrawn
            }
            arbitration.updatedAt = now().instant
            let found = arbitration.state.rawValue
            _ = try await store.save(arbitration, audit: entry("arbitration.settle", found, arbitration.id, "system"))
        }
    }
}
