// Erasure: files that records name are replaced by others that do not tell who somebody was; the chain stays as it is.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
import Model
public import Ports

/// A file that records name, and the one that is read in its place from an erasure on.
public struct FileReplacement: Hashable, Sendable {
    /// The file as records name it, or as an erasure before left it.
    public var old: ContentHash
    /// The same without line ids and values of the subscribers that were erased.
    public var new: ContentHash

    /// Joins both.
    public init(old: ContentHash, new: ContentHash) {
        self.old = old
        self.new = new
    }
}

/// All erasures of a log: who is erased, and which files are read in the place of others.
///
/// Records keep their bytes, hence the chain its digests; what they name is looked up here before it is read.
public struct Erasures: Sendable {
    /// By subscriber the sequence of the record that erased him.
    public private(set) var subscribers: [UInt32: Int64] = [:]
    private var newer: [ContentHash: ContentHash] = [:]

    /// No erasures.
    init() {}

    /// Reads the erasures of a log.
    ///
    /// - Throws: A log error, ``MalformedBytes``.
    public init(of log: any DecisionLog) throws {
        for batch in try log.batches(for: LogRecord.erasedKey) {
            try add(LogRecord(decoding: batch.payload), at: batch.sequence)
        }
    }

    /// Files that were replaced; none of them is read any more.
    public var oldFiles: Set<ContentHash> { Set(newer.keys) }

    mutating func add(_ record: LogRecord, at sequence: Int64) {
        guard case .erased(let indices, let files, _) = record else { return }
        for index in indices where subscribers[index] == nil { subscribers[index] = sequence }
        for file in files { newer[file.old] = file.new }
    }

    /// The file that is read in the place of one.
    public func current(_ file: ContentHash) -> ContentHash {
        var file = file
        while let next = newer[file], next != file { file = next }
        return file
    }
}

extension LogRecord {
    /// The record with the files that are read now.
    public func reading(_ erasures: Erasures) -> LogRecord {
        switch self {
        case .linesAssigned(let base, let count, let file):
            .linesAssigned(base: base, count: count, file: erasures.current(file))
        case .attributesLoaded(let load, let catalogue, let columns):
            .attributesLoaded(load: load, catalogue: catalogue, columns: columns.map { $0.reading(erasures) })
        default: self
        }
    }
}

extension AttributeColumn {
    func reading(_ erasures: Erasures) -> AttributeColumn {
        AttributeColumn(code: code, file: erasures.current(file))
    }
}

extension DecisionState {
    /// Whether who a subscriber was is destroyed.
    public func isErased(_ index: SubscriberIndex) -> Bool { !erased.isEmpty && erased.contains(index.number) }

    /// Checks that subscribers can be erased: they are there, no wave is open, and the new files can be read.
    func checkErasure(_ indices: [UInt32], _ files: [FileReplacement]) throws {
        if let open = openWave { throw DecisionError.waveOpen(open.wave) }
        if let unknown = indices.first(where: { Int($0) >= subscribers }) {
            throw DecisionError.unknownSubscriber(SubscriberIndex(unknown))
        }
        for file in files { _ = try inputs.bytes(file.new) }
        if let loaded {
            _ = try inputs.profile(
                catalogue: loaded.catalogue,
                columns: loaded.reading(files).columns,
                subscribers: subscribers
            )
        }
    }
}

extension LoadedAttributes {
    func reading(_ files: [FileReplacement]) -> LoadedAttributes {
        var (erasures, result) = (Erasures(), self)
        erasures.add(.erased([], files: files, at: LocalTime(instant: Instant(epochMs: 0), offsetSeconds: 0)), at: 0)
        result.columns = columns.map { $0.reading(erasures) }
        return result
    }
}
