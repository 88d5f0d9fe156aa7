// The loads as people see them: those that are live, and from the audit log those that were taken out again.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
import Ports

/// A load, live or taken out.
public struct ListedLoad: Hashable, Sendable {
    /// When a load was taken out, and by whom.
    public struct Removal: Hashable, Sendable {
        public var at: Instant
        public var who: String

        public init(at: Instant, who: String) { (self.at, self.who) = (at, who) }
    }

    public var id: String
    public var at: Instant
    /// Sign-in name of who loaded it.
    public var who: String
    /// Name of the file, without folders.
    public var file: String
    /// Table and rows; nil of a load that an earlier build took out, which did not write them down.
    public var table: String?
    public var rows: Int?
    public var loaded: Int?
    public var rejected: Int?
    /// Nil = it is live.
    public var removal: Removal?

    /// A load that is live.
    public init(_ record: LoadRecord, by who: String) {
        (id, at, self.who, file) = (record.id, record.at, who, record.file)
        (table, rows, loaded, rejected) = (record.table, record.rows, record.loaded, record.rejected)
    }

    /// A load that was taken out, by what the audit log has of it.
    fileprivate init(_ made: AuditEntry, removed: AuditEntry) {
        (id, at, who, file) = (String(made.object.dropFirst(LoadEntry.object.count)), made.at, made.who, made.detail)
        removal = Removal(at: removed.at, who: removed.who)
        guard let counts = removed.detail.wholeMatch(of: LoadRecord.countsPattern) else { return }
        (table, rows, loaded, rejected) = (String(counts.1), Int(counts.3), Int(counts.2), Int(counts.4))
    }
}

extension LoadRecord {
    /// What the audit log keeps of a load that is taken out.
    var counts: String { "\(table): \(loaded) of \(rows) rows, \(rejected) rejected" }

    fileprivate static var countsPattern: Regex<(Substring, Substring, Substring, Substring, Substring)> {
        #/([a-z_]+): ([0-9]+) of ([0-9]+) rows, ([0-9]+) rejected/#
    }
}

extension SubscriberLoading {
    /// Every load in the order it came; a file that was taken out and loaded again is there twice.
    public func history() async throws -> [ListedLoad] {
        let records = try await store.loads(table: nil)
        var (made, removed): ([String: AuditEntry], [ListedLoad]) = ([:], [])
        for entry in try await store.auditOfLoads() where entry.object.hasPrefix(LoadEntry.object) {
            if entry.action == LoadEntry.loading {
                made[entry.object] = entry
            } else if let load = made.removeValue(forKey: entry.object) {
                removed.append(ListedLoad(load, removed: entry))
            }
        }
        let live = records.map { ListedLoad($0, by: made[LoadEntry.object + $0.id]?.who ?? "") }
        return (removed + live).enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            .map(\.element)
    }
}
