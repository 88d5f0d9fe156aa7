// Single subscribers: offers, their outcomes, and plain reservations, many in one commit.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
import Dispatch
public import Kernel
import Model
import Synchronization

/// What somebody wants of one subscriber, on its way to the owner.
enum SingleRequest: Sendable {
    case reserve(SingleReservation, LocalDay, @Sendable (Result<SingleAnswer, any Error>) -> Void)
    case conclude(SingleConclusion, @Sendable (Result<SingleAnswer, any Error>) -> Void)
    case answer(OfferRequest, @Sendable (Result<OfferAnswer, any Error>) -> Void)
    case respond(OfferResponse, @Sendable (Result<ResponseAnswer, any Error>) -> Void)
    case look(@Sendable (DecisionState) -> @Sendable (Result<Void, any Error>) -> Void)
}

/// Single requests that wait for the owner.
struct Inbox {
    private var requests: [SingleRequest] = []
    /// Whether a commit is being written, at whose end the owner looks here by itself.
    var isWriting = false
    /// As many as are worth waking the owner for while a commit is being written.
    private static let gathered = 32

    /// Adds a request; true when the owner has to be woken for it.
    ///
    /// Nothing is answered before the commit under way has ended, so requests gather meanwhile: waking a thread takes
    /// longer than deciding.
    mutating func add(_ request: SingleRequest) -> Bool {
        requests.append(request)
        return requests.count == (isWriting ? Self.gathered : 1)
    }

    /// Empties the inbox.
    mutating func takeAll() -> [SingleRequest] {
        defer { requests = [] }
        return requests
    }
}

/// The answer to a response.
public enum ResponseAnswer: Hashable, Sendable {
    /// It counts.
    case taken
    /// The interaction is not known (any more).
    case unknownInteraction
    /// The interaction made no offer of this campaign.
    case notOffered
}

extension DecisionHost {
    /// Decides which offers a subscriber gets, and reserves the contact; answers after the commit that holds it.
    ///
    /// The same request number gets the same answer again, while it is kept. An event that comes to nothing leaves no
    /// trace (RTM-05).
    /// - Throws: ``DecisionError`` for a request that cannot be decided; ``DecisionHostError`` when it cannot be kept.
    public func answer(_ request: OfferRequest) async throws -> OfferAnswer {
        try await withCheckedThrowingContinuation { continuation in
            answer(request) { continuation.resume(with: $0) }
        }
    }

    /// The same for callers that no task waits for.
    ///
    /// `tell`: Called once, on a thread of the host that it must not keep.
    public func answer(
        _ request: OfferRequest,
        tell: @escaping @Sendable (Result<OfferAnswer, any Error>) -> Void
    ) {
        ask(.answer(request, tell))
    }

    /// Takes in what came of offers; answers after the commit that holds it.
    ///
    /// - Returns: Whether it counts, or why not.
    public func respond(_ response: OfferResponse) async throws -> ResponseAnswer {
        try await withCheckedThrowingContinuation { continuation in
            ask(.respond(response) { continuation.resume(with: $0) })
        }
    }

    /// Reserves one contact outside a wave; answers after the commit that holds it.
    ///
    /// The same request id gets the same answer again.
    ///
    /// `day`: The local day of the contact; its month is the month it counts in.
    public func reserve(_ reservation: SingleReservation, on day: LocalDay) async throws -> SingleAnswer {
        try await withCheckedThrowingContinuation { continuation in
            ask(.reserve(reservation, day) { continuation.resume(with: $0) })
        }
    }

    /// Settles (contact made) or releases (given back) a single reservation; repeats change nothing.
    public func conclude(_ conclusion: SingleConclusion) async throws -> SingleAnswer {
        try await withCheckedThrowingContinuation { continuation in
            ask(.conclude(conclusion) { continuation.resume(with: $0) })
        }
    }

    /// Looks at the state among the requests of single subscribers; answers when everything it saw is durable.
    ///
    /// Unlike ``read(_:)`` it makes nobody wait for a commit of its own; `body` looks at one subscriber and is quick.
    public func look<T: Sendable>(_ body: @escaping @Sendable (DecisionState) -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            ask(
                .look { state in
                    let seen = body(state)
                    return { continuation.resume(with: $0.map { seen }) }
                }
            )
        }
    }

    private func ask(_ request: SingleRequest) {
        if inbox.withLock({ $0.add(request) }) { owner.async { self.serveInbox() } }
    }

    /// Decides everything that waits in the inbox; called by the owner, also between two slices of a wave.
    func serveInbox() {
        let requests = inbox.withLock { $0.takeAll() }
        if requests.count > 1 { warm(requests) }
        if !requests.isEmpty { servedAt = .now }
        for request in requests { serve(request) }
        if let flight = inFlight, flight.isDone { try? land() }
        if inFlight == nil, failure == nil, !pending.isEmpty { send() }
    }

    private func warm(_ requests: [SingleRequest]) {
        var asked: [OfferRequest] = []
        asked.reserveCapacity(requests.count)
        for case .answer(let request, _) in requests { asked.append(request) }
        state.warm(asked[...])
    }

    private func serve(_ request: SingleRequest) {
        func fail(_ error: any Error) {
            switch request {
            case .reserve(_, _, let tell), .conclude(_, let tell): tell(.failure(error))
            case .answer(_, let tell): tell(.failure(error))
            case .respond(_, let tell): tell(.failure(error))
            case .look(let look): look(state)(.failure(error))
            }
        }
        do {
            try probe()
            if pending.isEmpty { observe(.batchBegun) }
            switch request {
            case .reserve(let reservation, let day, let tell):
                let isNew = state.singles[reservation.request] == nil && state.concluded[reservation.request] == nil
                let answer = try state.reserve(reservation, on: day)
                pending.add(answer == .reserved && isNew ? .reserved(reservation) : nil) { tell($0.map { answer }) }
            case .conclude(var conclusion, let tell):
                let open = state.conclude(conclusion)
                // The log keeps it where the reservation is, whatever index the caller gave.
                if let open { conclusion.index = open.index }
                pending.add(open.map { .concluded(conclusion, $0) }) { tell($0.map { .concluded }) }
            case .answer(let request, let tell): try decide(request, tell)
            case .look(let look): pending.add(nil, answer: look(state))
            case .respond(var response, let tell):
                guard let offers = state.interaction(response.request)?.answer else {
                    return pending.add(nil) { tell($0.map { .unknownInteraction }) }
                }
                guard response.campaign.map(offers.offers.contains) ?? true else {
                    return pending.add(nil) { tell($0.map { .notOffered }) }
                }
                response.index = offers.request.index
                let undo = state.take(response)
                pending.add(undo.map { .responded(response, $0) }) { tell($0.map { .taken }) }
            }
        } catch {
            fail(error)
        }
    }

    private func decide(
        _ request: OfferRequest,
        _ tell: @escaping @Sendable (Result<OfferAnswer, any Error>) -> Void
    ) throws {
        if let known = state.interaction(request.request) {
            pending.add(nil) { tell($0.map { known.answer }) }
            return
        }
        if request.at.month > state.ledger.currentMonth, state.openWave == nil { try moveOn(to: request.at) }
        let decision = try state.decide(request)
        shadow(decision)
        let answer = decision.answer
        let isNothing = request.entrance == .event && answer.offers.isEmpty && answer.controls.isEmpty
        if !isNothing { state.take(answer) }
        pending.add(isNothing ? nil : .answered(decision)) { tell($0.map { answer }) }
    }
}
