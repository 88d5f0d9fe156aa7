// Data-protection requests: destroys who a subscriber was, everywhere, and keeps what was counted.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports

/// Why nobody is erased.
public enum ErasingError: CodedError, Equatable {
    /// The number at this place of the request, from 1, is none or nobody's.
    case number(Int, SpecialListError)
    case noNumbers
    case tooMany(most: Int)
    case reasonMissing

    public var code: String {
        switch self {
        case .number(_, let error): error.code
        case .noNumbers: "erase.no_numbers"
        case .tooMany: "erase.too_many"
        case .reasonMissing: "erase.reason_missing"
        }
    }

    public var description: String {
        switch self {
        case .number(let place, let error): "number \(place) of the request: \(error); nobody was erased"
        case .noNumbers: "say whom to erase: at least one number"
        case .tooMany(let most): "at most \(most) numbers at a time; nobody was erased"
        case .reasonMissing: "say why, for example the number of the request; write nothing about the person"
        }
    }
}

/// A step of an erasure after which a crash must do no harm; tests end it at each of them.
public enum ErasureStep: String, Sendable, CaseIterable {
    case asked, logged, hidden, textsForgotten, rowsRemoved, valuesRemoved, filesDestroyed, recorded
}

/// Erases subscribers, and completes what a crash left half done.
///
/// The log's record comes first: from it on nobody contacts them. What follows destroys, each step once or many times with
/// the same result; what the log erased and the store did not record as complete is destroyed when the directory is opened.
public struct Erasing: Sendable {
    /// Most numbers of a request.
    public static let most = 1_000

    private let host: DecisionHost
    private let store: any ControlPlaneStore
    private let numbers: LiveNumbers
    private let loading: SubscriberLoading
    private let lists: SpecialLists
    private let forgetFiles: @Sendable (Mentions) async throws -> Void
    private let observe: @Sendable (ErasureStep) throws -> Void

    /// `forgetFiles`: Takes what mentions them out of files outside the warehouse: what loads refused, what waits for
    /// other systems.
    public init(
        host: DecisionHost,
        store: any ControlPlaneStore,
        numbers: LiveNumbers,
        loading: SubscriberLoading,
        lists: SpecialLists,
        forgetFiles: @escaping @Sendable (Mentions) async throws -> Void,
        observe: @escaping @Sendable (ErasureStep) throws -> Void = { _ in }
    ) {
        self.host = host
        self.store = store
        self.numbers = numbers
        self.loading = loading
        self.lists = lists
        self.forgetFiles = forgetFiles
        self.observe = observe
    }

    /// Erases the subscribers who have these numbers now: all of them or, when a number is wrong, nobody.
    ///
    /// This cannot be undone, and does not stop half way when who asked for it has gone.
    ///
    /// - Returns: Their indices, ascending, which stay theirs for good.
    /// - Throws: ``ErasingError``; `DecisionError.waveOpen` while a wave is open.
    public func erase(
        _ typed: [String],
        reason: String,
        by staff: Staff,
        at now: LocalTime
    ) async throws -> [SubscriberIndex] {
        guard reason.contains(where: { !$0.isWhitespace }) else { throw ErasingError.reasonMissing }
        guard !typed.isEmpty else { throw ErasingError.noNumbers }
        guard typed.count <= Self.most else { throw ErasingError.tooMany(most: Self.most) }
        return try await loading.alone {
            var found: Set<UInt32> = []
            for (place, number) in typed.enumerated() {
                do {
                    found.insert(try await lists.subscriber(number, in: staff.scope).number)
                } catch let error as SpecialListError {
                    throw ErasingError.number(place + 1, error)
                }
            }
            let subscribers = found.sorted()
            for index in subscribers {
                try await store.append(
                    AuditEntry(
                        at: now.instant,
                        who: staff.login,
                        action: "subscriber.erase",
                        object: "subscriber/\(index)",
                        detail: reason
                    )
                )
            }
            try observe(.asked)
            try await host.erase(subscribers, at: now)
            try observe(.logged)
            try await destroy(subscribers, by: staff.login, at: now.instant)
            return subscribers.map { SubscriberIndex($0) }
        }
    }

    /// Destroys what the log erased and a crash kept; called when a data directory is opened.
    public func settle(at now: Instant) async throws {
        let erased = try await host.read { $0.erased }
        guard !erased.isEmpty else { return }
        let left = erased.subtracting(try await store.erasedSubscribers()).sorted()
        guard !left.isEmpty else { return }
        try await loading.alone { try await destroy(left, by: "system", at: now) }
    }

    private func destroy(_ subscribers: [UInt32], by who: String, at now: Instant) async throws {
        numbers.replace(by: numbers.current.without(subscribers))
        try observe(.hidden)
        let rows = ErasedRows(folders: loading.folders, subscribers: subscribers)
        let known = try await rows.identities()
        try await store.forget(subscribers, mentions: known.mentions)
        try await forgetFiles(known.mentions)
        try observe(.textsForgotten)
        try await rows.removeFacts(ofLines: known.lines)
        try observe(.rowsRemoved)
        try await rows.removeValues()
        try observe(.valuesRemoved)
        while true {
            do {
                try await host.destroyErased()
                break
            } catch DecisionError.waveOpen {
                // A wave that began meanwhile is over soon; its selection does not hold them.
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        try observe(.filesDestroyed)
        let isOne = subscribers.count == 1
        try await store.recordErased(
            subscribers,
            audit: AuditEntry(
                at: now,
                who: who,
                action: "subscriber.erased",
                object: isOne ? "subscriber/\(subscribers[0])" : "subscribers",
                detail: isOne ? "" : subscribers.prefix(100).map { "\($0)" }.joined(separator: ", ")
            )
        )
        try observe(.recorded)
    }
}
