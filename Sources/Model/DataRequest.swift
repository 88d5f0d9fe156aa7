// 取数需求: somebody needs data, somebody else provides them (SEG-21). All states and steps are here.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Where a data request stands; it follows from its last step.
public enum DataRequestState: String, Sendable, CaseIterable, Codable {
    /// Raised; nobody works on it.
    case open
    /// Somebody works on it.
    case taken
    /// Whoever works on it asked the requester something.
    case asked
    /// Answered; the requester looks whether that is what was needed.
    case answered
    /// The requester took the answer.
    case closed
    /// The requester does not need it any more.
    case cancelled

    /// Whether nothing follows any more.
    public var isEnd: Bool { self == .closed || self == .cancelled }
}

/// What is done with a data request.
public enum DataRequestAct: String, Sendable, CaseIterable, Codable {
    /// Begin to work on it, also in the place of who works on it.
    case take
    /// Give it back to the queue.
    case release
    /// Ask the requester something.
    case ask
    /// Answer that.
    case reply
    /// Say where the data are: a segment, a text, or both.
    case answer
    /// Take the answer; the end.
    case accept
    /// Say what is missing in the answer.
    case reopen
    /// Do without; the end.
    case cancel

    /// Who may do it.
    public enum Actor: Sendable, CaseIterable {
        /// Whoever raised it.
        case requester
        /// Whoever works on it.
        case worker
        /// Anybody else who may work on data requests.
        case newcomer
    }

    /// Who does it.
    public var actor: Actor {
        switch self {
        case .take: .newcomer
        case .release, .ask, .answer: .worker
        case .reply, .accept, .reopen, .cancel: .requester
        }
    }

    /// The states in which it may be done.
    public var from: Set<DataRequestState> {
        switch self {
        case .take: [.open, .taken, .asked]
        case .release, .ask, .answer: [.taken]
        case .reply: [.asked]
        case .accept, .reopen: [.answered]
        case .cancel: [.open, .taken, .asked]
        }
    }

    /// The state it leads to.
    public var to: DataRequestState {
        switch self {
        case .take, .reply, .reopen: .taken
        case .release: .open
        case .ask: .asked
        case .answer: .answered
        case .accept: .closed
        case .cancel: .cancelled
        }
    }

    /// Whether it says nothing without words.
    public var needsText: Bool { [.ask, .reply, .reopen].contains(self) }
}

/// One thing that was done with a data request.
public struct DataRequestStep: Hashable, Sendable {
    /// What.
    public var act: DataRequestAct
    /// Who did it.
    public var who: String
    /// When.
    public var at: Instant
    /// Question, answer or reason; may be empty where ``DataRequestAct/needsText`` is false.
    public var text: String
    /// The segment an answer names.
    public var segment: Int64?

    /// Makes a step; see the properties.
    public init(_ act: DataRequestAct, who: String, at: Instant, text: String = "", segment: Int64? = nil) {
        (self.act, self.who, self.at, self.text, self.segment) = (act, who, at, text, segment)
    }
}

/// Why a step of a data request is not taken, or a request not raised.
public enum DataRequestError: CodedError, Equatable {
    case wrongState(DataRequestAct, DataRequestState)
    case wrongPerson(DataRequestAct)
    case textMissing(DataRequestAct)
    case answerMissing
    /// A field of a new request that is empty or too long.
    case badField(String)
    case pastDay
    case outsideScope
    /// Nobody is answered by a segment that he does not see.
    case segmentHidden(Int64)
    case segmentNotFrozen(Int64)

    public var code: String {
        switch self {
        case .wrongState: "request.wrong_state"
        case .wrongPerson: "request.wrong_person"
        case .textMissing: "request.text_missing"
        case .answerMissing: "request.answer_missing"
        case .badField: "request.bad_field"
        case .pastDay: "request.past_day"
        case .outsideScope: "request.outside_scope"
        case .segmentHidden: "request.segment_hidden"
        case .segmentNotFrozen: "request.segment_not_frozen"
        }
    }

    public var description: String {
        switch self {
        case .wrongState(let act, let state):
            return
                "a request that is \(state.rawValue) has no step \(act.rawValue); load it again and see what may follow"
        case .wrongPerson(let act):
            let who =
                switch act.actor {
                case .requester: "who raised it"
                case .worker: "who works on it; take it over first"
                case .newcomer: "somebody else than who raised it or works on it"
                }
            return "\(act.rawValue) is for \(who)"
        case .textMissing(let act): return "\(act.rawValue) needs a text that says what is meant"
        case .answerMissing: return "an answer names a segment, says something, or both"
        case .badField(let field):
            return "\(field): write something, a title of at most \(DataRequest.longestTitle) characters, "
                + "other texts of at most \(DataRequest.longestText)"
        case .pastDay: return "the day it is wanted by is over; choose today or a later one"
        case .outsideScope: return "the request reaches beyond your part of the organisation"
        case .segmentHidden(let id):
            return "segment \(id) is not shared with everybody who must see it; change its sharing, or name another one"
        case .segmentNotFrozen(let id): return "no members of segment \(id) are frozen; freeze them, then answer"
        }
    }
}

/// Somebody's need for data, and what was done about it.
public struct DataRequest: Hashable, Sendable {
    /// Most characters of a title.
    public static let longestTitle = 100
    /// Most characters of any other text.
    public static let longestText = 2_000

    /// Number, unique; 0 until raised.
    public var id: Int64 = 0
    /// What it is about.
    public var title: String
    /// The data that are needed.
    public var need: String
    /// What they are needed for.
    public var reason: String
    /// The last day they are of use.
    public var wantedBy: LocalDay
    /// Whose it is: only those whose scope covers it see it.
    public var scope: OrganisationScope
    /// A segment it is about.
    public var segment: Int64?
    /// Who raised it.
    public var requestedBy: String
    /// When.
    public var requestedAt: Instant
    /// What was done, in order.
    public private(set) var steps: [DataRequestStep] = []

    /// Makes a request that waits for somebody to take it; see the properties.
    public init(
        title: String,
        need: String,
        reason: String,
        wantedBy: LocalDay,
        scope: OrganisationScope,
        segment: Int64? = nil,
        requestedBy: String,
        requestedAt: Instant
    ) {
        (self.title, self.need, self.reason) = (title, need, reason)
        (self.wantedBy, self.scope, self.segment) = (wantedBy, scope, segment)
        (self.requestedBy, self.requestedAt) = (requestedBy, requestedAt)
    }

    /// The same with the steps that are stored of it.
    public init(_ raised: DataRequest, steps: [DataRequestStep]) {
        self = raised
        self.steps = steps
    }

    // MARK: Where it stands

    /// Where it stands.
    public var state: DataRequestState { steps.last?.act.to ?? .open }
    /// Who works on it, or did last.
    public var worker: String? {
        let last = steps.last { $0.act == .take || $0.act == .release }
        return last?.act == .take ? last?.who : nil
    }
    /// The answer that counts: none once it was reopened.
    public var answer: DataRequestStep? {
        state == .answered || state == .closed ? steps.last { $0.act == .answer } : nil
    }
    /// When something was done last.
    public var updatedAt: Instant { steps.last?.at ?? requestedAt }
    /// Tells one state of it from another; each step counts one on.
    public var version: Int { steps.count + 1 }

    /// Whether it should have been answered before `day`.
    public func isOverdue(on day: LocalDay) -> Bool { !state.isEnd && state != .answered && wantedBy < day }

    /// What somebody may do next; `isWorker`: whether he may work on data requests at all.
    public func acts(of login: String, isWorker: Bool) -> [DataRequestAct] {
        DataRequestAct.allCases.filter { act in
            act.from.contains(state) && isActor(login, act) && (isWorker || act.actor == .requester)
        }
    }

    private func isActor(_ login: String, _ act: DataRequestAct) -> Bool {
        switch act.actor {
        case .requester: login == requestedBy
        case .worker: login == worker
        case .newcomer: login != requestedBy && login != worker
        }
    }

    /// Whether it is somebody's turn: he may take it, works on it, was asked, or looks at its answer.
    public func waits(for login: String, isWorker: Bool) -> Bool {
        switch state {
        case .open: isWorker && login != requestedBy
        case .taken: login == worker
        case .asked, .answered: login == requestedBy
        case .closed, .cancelled: false
        }
    }

    /// Takes the next step.
    ///
    /// - Throws: ``DataRequestError`` when it may not follow, is somebody else's, or says nothing.
    public mutating func take(_ step: DataRequestStep) throws(DataRequestError) {
        guard step.act.from.contains(state) else { throw .wrongState(step.act, state) }
        guard isActor(step.who, step.act) else { throw .wrongPerson(step.act) }
        let isBlank = step.text.allSatisfy(\.isWhitespace)
        guard !step.act.needsText || !isBlank else { throw .textMissing(step.act) }
        guard step.act != .answer || !isBlank || step.segment != nil else { throw .answerMissing }
        guard step.act == .answer || step.segment == nil else { throw .badField("segment") }
        guard step.text.count <= Self.longestText else { throw .badField("text") }
        steps.append(step)
    }

    /// Looks whether it may be raised.
    ///
    /// - Throws: ``DataRequestError/badField(_:)`` for a text that is empty or too long.
    public func checkTexts() throws(DataRequestError) {
        for (name, text, most) in [
            ("title", title, Self.longestTitle), ("need", need, Self.longestText), ("reason", reason, Self.longestText),
        ] where text.allSatisfy(\.isWhitespace) || text.count > most { throw .badField(name) }
    }
}
