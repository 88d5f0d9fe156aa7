// Lists of numbers become sets of subscribers: telephone numbers, lines or customers of whoever imports (SEG-01, LST-18).
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports
import Synchronization

/// Finds the members that lists of numbers name now.
public struct MemberLists: Sendable {
    private let host: DecisionHost
    private let numbers: LiveNumbers
    private let segments: Segments
    private let folders: LoadFolders
    private let indexes = OwnerIndexes()

    /// `loading`: Whose files say which customer has which lines.
    public init(host: DecisionHost, numbers: LiveNumbers, segments: Segments, loading: SubscriberLoading) {
        self.host = host
        self.numbers = numbers
        self.segments = segments
        folders = loading.folders
    }

    /// The subscribers a list names, and what became of each of its rows.
    ///
    /// A customer stands for all his lines. Who is outside the scope is unknown, and so is who is erased. The list is read
    /// on a thread of its own; memory holds a bit for each subscriber and the report.
    ///
    /// - Throws: What the source throws; `CancellationError` soon after the task is cancelled.
    public func members(
        of source: any IdentitySource,
        in scope: OrganisationScope
    ) async throws -> (members: Bitset, report: MemberReport) {
        let (subscribers, erased) = try await host.read { ($0.subscribers, $0.erased) }
        let visible = try await visible(to: scope)
        let owners = source.kind == .msisdn ? nil : try await owners(by: source.kind)
        let numbers = numbers.current
        return try await onOwnThread { checkCancellation in
            var imported = MemberImport(subscribers: subscribers, kind: source.kind)
            try source.forEachBatch { batch in
                try checkCancellation()
                guard let owners else {
                    return imported.add(batch) { value in
                        numbers.owner(of: MSISDN(value)).flatMap { visible?.contains($0.number) == false ? nil : $0 }
                    }
                }
                imported.add(batch, findAll: owners.owners) {
                    visible?.contains($0) != false && (erased.isEmpty || !erased.contains($0))
                }
            }
            return (imported.members, imported.report)
        }
    }

    /// The members of a list as a file that a segment is made of (SEG-01, SEG-08).
    ///
    /// - Throws: What the source throws; ``SpecialListError/nobodyFound`` when no row names anybody.
    public func file(
        of source: any IdentitySource,
        origin: MemberFile.Origin,
        in scope: OrganisationScope
    ) async throws -> (file: MemberFile, report: MemberReport) {
        let (members, report) = try await members(of: source, in: scope)
        guard report.members > 0 else { throw SpecialListError.nobodyFound }
        let name = source.name.prefix(200)
        let file = MemberFile(
            file: try host.store(members.listFile),
            count: Int64(report.members),
            origin: origin,
            name: name.isEmpty ? "--" : String(name)
        )
        return (file, report)
    }

    /// Saves a segment of the members that a list names.
    ///
    /// - Throws: As ``file(of:origin:in:)`` and ``Segments/save(_:by:today:at:)``.
    public func segment(
        named name: String,
        of source: any IdentitySource,
        origin: MemberFile.Origin,
        by staff: Staff,
        at now: LocalTime
    ) async throws -> (segment: Segment, report: MemberReport) {
        let (file, report) = try await file(of: source, origin: origin, in: staff.scope)
        let segment = Segment(
            name: name,
            definition: SegmentDefinition(.members(file)),
            owner: staff.login,
            scope: staff.scope,
            updatedAt: now.instant
        )
        return (try await segments.save(segment, by: staff, today: now.day, at: now.instant), report)
    }

    /// The subscribers that somebody of a scope may see; nil = all.
    func visible(to scope: OrganisationScope) async throws -> Bitset? {
        let (subscribers, today) = try await host.read { ($0.subscribers, $0.now.day) }
        guard scope != .all, subscribers > 0 else { return nil }
        return try await segments.members("TRUE", in: scope, today: today)
    }

    private func owners(by kind: IdentityKind) async throws -> OwnerIndex {
        let (load, lines, erased) = try await host.read { ($0.attributes?.load, $0.lines, $0.erased.count) }
        let state = "\(load ?? "") \(lines.count) \(erased)"
        return try await indexes.index(kind.rawValue, of: state) { [folders] in
            guard kind == .customer else { return OwnerIndex(lines: lines) }
            guard let load else { return OwnerIndex(sorted: [], owners: []) }
            return try await folders.customers(ofLoad: load, lines: lines.count)
        }
    }
}

extension LoadFolders {
    /// The lines of each customer of a load.
    fileprivate func customers(ofLoad load: String, lines: Int) async throws -> OwnerIndex {
        let folder = "subscriber/\(load)"
        let sql = SQLText(
            """
            SELECT customer_id, idx FROM \(try rows(in: [folder])) WHERE customer_id IS NOT NULL
            ORDER BY customer_id, idx
            """,
            dialect: dialect
        )
        let pairs = try await reading(folder) {
            try await warehouse.query(sql, into: (keys: [Int64](), owners: [UInt32]())) { pairs, batch in
                pairs.keys += try batch.integers(0)
                pairs.owners += try batch.integers(1).map { UInt32(truncatingIfNeeded: $0) }
            }
        }
        return OwnerIndex(sorted: pairs.keys, owners: pairs.owners)
    }
}

/// Does work that blocks or takes long on a thread that nobody else waits for.
///
/// `body`: Calls its parameter now and then, which throws when the task is cancelled.
func onOwnThread<Result: Sendable>(
    _ body: @escaping @Sendable (_ checkCancellation: () throws -> Void) throws -> Result
) async throws -> Result {
    let isCancelled = Atomic(false)
    return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Swift.Result {
                        try body { if isCancelled.load(ordering: .relaxed) { throw CancellationError() } }
                    }
                )
            }
        }
    } onCancel: {
        isCancelled.store(true, ordering: .relaxed)
    }
}
