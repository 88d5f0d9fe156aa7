// Members out of a list of numbers, row by row, with a report of every row that is left out (SEG-01, LST-18).
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// What became of the rows of a list; all counts together are ``rows``.
public struct MemberReport: Hashable, Sendable, Codable {
    /// Why a row added nobody.
    public enum Code: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
        case blank
        case notANumber = "not_a_number"
        case shortened
        case notAPhoneNumber = "not_a_phone_number"
        case malformed
        /// Nobody in the scope of whoever imports has the number now.
        case unknown
        /// A row before it named the same subscriber.
        case duplicate

        init(_ refusal: IdentityRefusal) {
            self =
                switch refusal {
                case .blank: .blank
                case .notANumber: .notANumber
                case .shortened: .shortened
                case .notAPhoneNumber: .notAPhoneNumber
                case .malformed: .malformed
                }
        }
    }

    /// A row that added nobody.
    public struct Reject: Hashable, Sendable, Codable {
        /// Line of the file, from 1.
        public var line: Int
        /// Why.
        public var code: Code
        /// What stands there, at most 40 characters; empty where a number is well-formed, because numbers are personal.
        public var text: String
    }

    /// Rows of the list, without heading and empty lines.
    public private(set) var rows = 0
    /// Subscribers found.
    public private(set) var members = 0
    /// Rows that added nobody, by reason.
    public private(set) var left: [Code: Int] = [:]
    /// The first of them, at most ``mostRejects``.
    public private(set) var rejects: [Reject] = []

    /// Rejects that are kept.
    public static let mostRejects = 10_000

    /// Nothing yet.
    public init() {}

    fileprivate mutating func add(_ line: Int32, _ code: Code, _ text: String = "") {
        rows += 1
        left[code, default: 0] += 1
        if rejects.count < Self.mostRejects { rejects.append(Reject(line: Int(line), code: code, text: text)) }
    }

    fileprivate mutating func addMember() {
        rows += 1
        members += 1
    }
}

/// Gathers the members that a list of numbers names.
public struct MemberImport: Sendable {
    /// Whom the rows so far named.
    public private(set) var members: Bitset
    /// What became of them.
    public private(set) var report = MemberReport()

    /// Begins with nobody of `subscribers`.
    public init(subscribers: Int) {
        members = Bitset(universe: subscribers)
    }

    /// Adds rows whose numbers stand for one subscriber each.
    ///
    /// - Parameters:
    ///   - batch: Rows of the list.
    ///   - find: The subscriber a number stands for; nil for nobody, and for one whom the importer may not see.
    public mutating func add(_ batch: IdentityBatch, find: (Int64) -> SubscriberIndex?) {
        var refusals = batch.refusals[...]
        for (position, value) in batch.values.enumerated() {
            let line = batch.lines[position]
            if let refused = refusals.first, refused.position == position {
                refusals.removeFirst()
                report.add(line, MemberReport.Code(refused.why), refused.text)
                continue
            }
            guard let index = find(value), Int(index.number) < members.universe else {
                report.add(line, .unknown)
                continue
            }
            guard !members.contains(index.number) else {
                report.add(line, .duplicate)
                continue
            }
            members.insert(index.number)
            report.addMember()
        }
    }
}
