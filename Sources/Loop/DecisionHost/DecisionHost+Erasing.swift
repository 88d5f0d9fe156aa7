// Erasure in the log and in the files it names: the record first, then the files of before go.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Foundation
public import Kernel
import Model
import Ports
import Profiles

extension DecisionHost {
    /// Erases subscribers: no decision contacts them, and no file that is read holds their line ids or hot values.
    ///
    /// Those who are erased already are passed over. Files of line ids and columns are written anew, the record says what
    /// takes whose place. The old ones are destroyed by ``destroyErased()``. No load may go on meanwhile.
    ///
    /// - Throws: ``DecisionError/waveOpen(_:)`` while a wave is open, whose selection needs them;
    ///   ``DecisionError/unknownSubscriber(_:)``.
    public func erase(_ subscribers: [UInt32], at time: LocalTime) async throws {
        let known = try await read { state in
            if let open = state.openWave { throw DecisionError.waveOpen(open.wave) }
            return state.erased
        }
        let new = Set(subscribers).subtracting(known).sorted()
        guard !new.isEmpty else { return }
        let files = try replacements(without: new)
        try await record([.erased(new, files: files, at: time)])
    }

    /// Destroys what only told who erased subscribers were: replaced files, and checkpoints of before.
    ///
    /// It may be repeated.
    /// - Throws: ``DecisionError/waveOpen(_:)`` while a wave is open: no checkpoint can be made then.
    public func destroyErased() async throws {
        let erasures = try Erasures(of: log)
        guard let last = erasures.subscribers.values.max() else { return }
        try await onOwner {
            self.drain()
            if let open = self.state.openWave { throw DecisionError.waveOpen(open.wave) }
            if self.checkpoint == nil || self.checkpointedAt < last { try self.makeCheckpoint() }
            // Also what a process left that was killed over a checkpoint: those files are named by nothing.
            let needed = Set((self.checkpoint?.parts ?? []) + [self.checkpoint?.manifest].compactMap { $0 })
            let old = try self.objects.names().filter { name in
                guard !needed.contains(name) else { return false }
                guard let start = try? self.objects.bytes(name, offset: 0, count: 8) else { return false }
                return Checkpoint.isFile(beginningWith: start)
            }
            try self.objects.destroy(old)
            try self.objects.destroy(Array(erasures.oldFiles))
        }
    }

    /// Writes every file of line ids and columns that the log names without some subscribers.
    private func replacements(without subscribers: [UInt32]) throws -> [FileReplacement] {
        let erasures = try Erasures(of: log)
        var lines: [ContentHash: UInt32] = [:]
        var columns: [ContentHash: (code: String, catalogue: ContentHash)] = [:]
        try log.read(chain: .common, from: 1, withKeys: false) { batch in
            switch try LogRecord(decoding: batch.payload).reading(erasures) {
            case .linesAssigned(let base, _, let file): lines[file] = base
            case .attributesLoaded(_, let catalogue, let all):
                for column in all { columns[column.file] = (column.code, catalogue) }
            default: break
            }
        }
        var replacements: [FileReplacement] = []
        for (file, base) in lines.sorted(by: { $0.value < $1.value }) {
            var bytes = try objects.bytes(file)
            let own = subscribers.filter { $0 >= base && Int($0 - base) < bytes.count / 8 }
            guard !own.isEmpty else { continue }
            for index in own { bytes.replaceSubrange(Int(index - base) * 8..<Int(index - base) * 8 + 8, with: zeros) }
            let new = try objects.put(bytes)
            if new != file { replacements.append(FileReplacement(old: file, new: new)) }
        }
        let (objects, rows) = (objects, subscribers.map { Int($0) })
        replacements += try columns.sorted { $0.key.hex < $1.key.hex }.concurrentMap(threads: threads) { file, about in
            let types = try JSONDecoder().decode(AttributeCatalogue.self, from: Data(objects.bytes(about.catalogue)))
            guard let attribute = types[about.code] else {
                throw DecisionError.badFile(about.catalogue, why: "it has no attribute \(about.code)")
            }
            return try HotColumn(decoding: objects.bytes(file)).erasing(rows, attribute: attribute)
                .map { FileReplacement(old: file, new: try objects.put($0.encoded())) }
        }.compactMap { $0 }
        return replacements
    }
}

private let zeros = [UInt8](repeating: 0, count: 8)
