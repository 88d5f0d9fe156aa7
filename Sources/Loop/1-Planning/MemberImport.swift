// Members out of a list of numbers, row by row, with a report of every row that is left out (SEG-01, LST-18).
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// What became of the rows of a list.
///
/// A row adds subscribers or is counted in ``left``: one a number or line, all lines of a customer.
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
        /// What stands there, at most 40 characters, with the middle of long digits hidden, because numbers are personal.
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

    fileprivate mutating func add(_ line: Int32, _ code: Code, _ text: @autoclosure () -> String) {
        rows += 1
        left[code, default: 0] += 1
        guard rejects.count < Self.mostRejects else { return }
        rejects.append(Reject(line: Int(line), code: code, text: text()))
    }

    fileprivate mutating func addRow(members new: Int) {
        rows += 1
        members += new
    }

    /// Rows that added nobody.
    public var leftOut: Int { left.values.reduce(0, +) }

    /// Hides the middle of what has about as many digits as a number, of which a quarter at each end stays.
    public static func masked(_ text: String) -> String {
        guard text.utf8.count(where: { (0x30...0x39).contains($0) }) > 8 else { return text }
        let shown = text.count / 4
        return text.prefix(min(3, shown)) + "****" + text.suffix(min(4, shown))
    }
}

/// Gathers the members that a list of numbers names.
public struct MemberImport: Sendable {
    /// Whom the rows so far named.
    public private(set) var members: Bitset
    /// What became of them.
    public private(set) var report = MemberReport()

    private let kind: IdentityKind

    /// Begins with nobody of `subscribers`; `kind` says how their numbers are shown in the report.
    public init(subscribers: Int, kind: IdentityKind) {
        members = Bitset(universe: subscribers)
        self.kind = kind
    }

    /// A number as a report may show it.
    private static func shown(_ value: Int64, _ kind: IdentityKind) -> String {
        kind == .msisdn ? MSISDN(value).masked : MemberReport.masked(String(value))
    }

    /// Adds rows whose numbers stand for one subscriber each.
    ///
    /// - Parameters:
    ///   - batch: Rows of the list.
    ///   - find: The subscriber a number stands for; nil for nobody, and for one whom the importer may not see.
    public mutating func add(_ batch: IdentityBatch, find: (Int64) -> SubscriberIndex?) {
        forEachRow(of: batch) { line, value, imported in
            let index = find(value).flatMap { Int($0.number) < imported.members.universe ? $0.number : nil }
            imported.take(line, value, isKnown: index != nil, new: index.map { imported.insert($0) } == true ? 1 : 0)
        }
    }

    /// Adds rows whose numbers stand for any number of subscribers each.
    ///
    /// - Parameters:
    ///   - batch: Rows of the list.
    ///   - findAll: The subscribers a number stands for.
    ///   - isVisible: Whether the importer may see one of them.
    public mutating func add(
        _ batch: IdentityBatch,
        findAll: (Int64) -> ArraySlice<UInt32>,
        where isVisible: (UInt32) -> Bool
    ) {
        forEachRow(of: batch) { line, value, imported in
            var (isKnown, new) = (false, 0)
            for index in findAll(value) where Int(index) < imported.members.universe && isVisible(index) {
                isKnown = true
                if imported.insert(index) { new += 1 }
            }
            imported.take(line, value, isKnown: isKnown, new: new)
        }
    }

    private mutating func insert(_ index: UInt32) -> Bool {
        guard !members.contains(index) else { return false }
        members.insert(index)
        return true
    }

    private mutating func take(_ line: Int32, _ value: Int64, isKnown: Bool, new: Int) {
        guard new == 0 else { return report.addRow(members: new) }
        let kind = kind
        report.add(line, isKnown ? .duplicate : .unknown, Self.shown(value, kind))
    }

    @inline(__always)
    private mutating func forEachRow(
        of batch: IdentityBatch,
        _ body: (_ line: Int32, _ value: Int64, inout MemberImport) -> Void
    ) {
        var refusals = batch.refusals[...]
        for (position, value) in batch.values.enumerated() {
            let line = batch.lines[position]
            if let refused = refusals.first, refused.position == position {
                refusals.removeFirst()
                report.add(line, MemberReport.Code(refused.why), MemberReport.masked(refused.text))
            } else {
                body(line, value, &self)
            }
        }
    }
}
