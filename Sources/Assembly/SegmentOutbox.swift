// Audiences put into a folder, where other systems fetch them (SEG-22, SEG-32).
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Files
import Foundation
import Glibc
import Kernel
public import Model
import Planning
import Ports

/// The folder `outbox/segments/` of a data directory, with a folder for each system.
///
/// A file `segment-N-audience-N-EN.csv` is UTF-8 without a mark of byte order: `line_id`, `msisdn` in the national form, the
/// attributes that were asked for by their codes, and `mark`, which says in each row whence it came. It has its name when it
/// is whole; after it comes `….csv.json`, which says what is in it, with its size and SHA-256: a system takes a file when
/// that is there, and removes both. What nobody took for ``daysKept`` days is removed.
///
/// A crash may leave a file that is not on record: it is written again, under the same name.
public actor SegmentOutbox {
    /// Days that a file waits for its system.
    public static let daysKept = 7

    /// What went wrong with a delivery; the others went on.
    public typealias Problem = (export: SegmentExport, error: any Error)

    /// The folder.
    public nonisolated let folder: String
    private let segments: Segments
    private let clock: OperatorClock
    private var isDelivering = false

    /// Delivers into a folder, which is made when there is something to deliver.
    init(folder: String, segments: Segments, clock: OperatorClock) {
        (self.folder, self.segments, self.clock) = (folder, segments, clock)
    }

    /// Puts there what is due, and removes what waited too long.
    ///
    /// - Returns: What was delivered, and what could not be.
    /// - Throws: What the store throws, and ``DataDirectoryError`` for a folder that cannot be read.
    @discardableResult
    public func deliver() async throws -> (files: [DeliveredFile], problems: [Problem]) {
        // Whoever asks meanwhile leaves it to who began.
        guard !isDelivering else { return ([], []) }
        isDelivering = true
        defer { isDelivering = false }
        try removeOld()
        var (files, problems): ([DeliveredFile], [Problem]) = ([], [])
        for due in try await segments.dueDeliveries(at: clock.now) {
            try Task.checkCancellation()
            do { files.append(try await deliver(due)) } catch let error as CancellationError { throw error } catch {
                problems.append((due.export, error))
            }
        }
        return (files, problems)
    }

    private func deliver(_ due: DueDelivery) async throws -> DeliveredFile {
        let now = clock.now
        let members = try await segments.members(for: due, today: now.day)
        let system = "\(folder)/\(due.export.delivery?.system ?? "")"
        let path = "\(system)/\(due.name)"
        do {
            try FileManager.default.createDirectory(atPath: system, withIntermediateDirectories: true)
        } catch {
            throw DataDirectoryError.notWritable(path: system, cause: error.systemCause)
        }
        let written = try put(path, at: now.instant) { append in
            let heads = ["line_id", "msisdn"] + due.export.attributes + ["mark"]
            try append((heads.map(CSVText.field).joined(separator: ",") + "\r\n").utf8)
            let mark = CSVText.field(due.export.mark)
            try members.forEach { member in
                let values = member.attributes.map { CSVText.field($0) + "," }.joined()
                try append("\(member.line),\(member.number),\(values)\(mark)\r\n".utf8)
            }
        }
        let rows = Int64(written.pieces - 1)
        let manifest = Manifest(
            file: due.name,
            segment: due.export.segment,
            name: due.export.name,
            audience: due.audience.id,
            foundAt: due.audience.at.iso,
            rows: rows,
            leftOut: due.audience.count - rows,
            bytes: written.bytes,
            sha256: written.hash,
            mark: due.export.mark,
            deliveredAt: now.instant.iso
        )
        try put(manifest, beside: path)
        let delivered = DeliveredFile(
            export: due.export.id,
            audience: due.audience.id,
            name: due.name,
            count: rows,
            removed: manifest.leftOut,
            at: now.instant
        )
        try await segments.record(delivered, of: due, at: now.instant)
        return delivered
    }

    /// What stands beside a file.
    private struct Manifest: Codable {
        var file: String
        var segment: Int64
        var name: String
        var audience: Int64
        var foundAt: String
        var rows: Int64
        var leftOut: Int64
        var bytes: Int
        var sha256: String
        var mark: String
        var deliveredAt: String
    }

    /// Makes or replaces a file as a whole, dated by the operator's clock.
    private func put(
        _ path: String,
        at: Instant,
        _ write: ((any Collection<UInt8>) throws -> Void) throws -> Void
    ) throws -> (pieces: Int, bytes: Int, hash: String) {
        let part = path + ".part"
        guard FileManager.default.createFile(atPath: part, contents: nil, attributes: [.posixPermissions: 0o640]),
            let file = FileHandle(forWritingAtPath: part)
        else { throw DataDirectoryError.notWritable(path: part, cause: String(cString: strerror(errno))) }
        var (buffer, hasher, pieces, bytes) = (Data(), SHA256(), 0, 0)
        func flush() throws {
            hasher.update(data: buffer)
            bytes += buffer.count
            try file.write(contentsOf: buffer)
            buffer.removeAll(keepingCapacity: true)
        }
        do {
            try write { piece in
                buffer += piece
                pieces += 1
                if buffer.count > 1 << 20 { try flush() }
            }
            try flush()
            try file.synchronize()
            try file.close()
            let date = Date(timeIntervalSince1970: Double(at.epochMs) / 1_000)
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: part)
        } catch {
            try? file.close()
            unlink(part)
            throw DataDirectoryError.notWritable(path: part, cause: error.systemCause)
        }
        // What stood beside an earlier file of this name says nothing about this one.
        unlink(path + ".json")
        guard rename(part, path) == 0 else {
            throw DataDirectoryError.notWritable(path: path, cause: String(cString: strerror(errno)))
        }
        return (pieces, bytes, ContentHash(bytes: Array(hasher.finalize()))?.hex ?? "")
    }

    private func put(_ manifest: Manifest, beside path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        do { try encoder.encode(manifest).write(to: URL(filePath: path + ".json"), options: .atomic) } catch {
            throw DataDirectoryError.notWritable(path: path + ".json", cause: error.systemCause)
        }
    }

    // MARK: What waits there

    /// Takes the rows of people who are erased out of files that nobody has taken yet.
    ///
    /// Rows begin with line and number, so those are compared, and no row is read whole.
    func forget(_ mentions: Mentions) throws {
        for path in try files() {
            // What a crash left unfinished is written anew.
            if path.hasSuffix(".part") { unlink(path) }
            guard path.hasSuffix(".csv"), let date = Self.date(path) else { continue }
            let content: Data
            do { content = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped) } catch {
                // Its system has taken it meanwhile.
                guard FileManager.default.fileExists(atPath: path) else { continue }
                throw DataDirectoryError.notReadable(path: path, cause: error.systemCause)
            }
            let rows = Self.rows(of: content)
            let kept = rows.filter { row in
                !content[row].split(separator: UInt8(ascii: ","), maxSplits: 2).prefix(2).contains {
                    mentions.contains($0)
                }
            }
            guard kept.count < rows.count else { continue }
            let manifest = try? JSONDecoder().decode(
                Manifest.self,
                from: Data(contentsOf: URL(filePath: path + ".json"))
            )
            let written = try put(path, at: date) { append in for row in kept { try append(content[row]) } }
            guard var manifest else { continue }
            manifest.leftOut += Int64(rows.count - kept.count)
            (manifest.rows, manifest.bytes, manifest.sha256) = (Int64(kept.count - 1), written.bytes, written.hash)
            try put(manifest, beside: path)
        }
    }

    /// Where the rows are, with their line ends; a value in quotes may hold some of its own.
    private static func rows(of content: Data) -> [Range<Int>] {
        content.withUnsafeBytes { bytes in
            var (rows, start, isQuoted): ([Range<Int>], Int, Bool) = ([], 0, false)
            for place in bytes.indices {
                if bytes[place] == UInt8(ascii: "\"") { isQuoted.toggle() }
                guard bytes[place] == 0x0A, !isQuoted else { continue }
                rows.append(start..<place + 1)
                start = place + 1
            }
            return start < bytes.count ? rows + [start..<bytes.count] : rows
        }
    }

    private func removeOld() throws {
        let limit = clock.now.instant.adding(ms: -Int64(Self.daysKept) * 86_400_000).epochMs
        // A manifest goes with its file, and stands behind it by name.
        for path in try files().sorted(by: >) {
            guard let date = Self.date(path.hasSuffix(".json") ? String(path.dropLast(5)) : path) ?? Self.date(path)
            else { continue }
            if date.epochMs < limit { unlink(path) }
        }
    }

    /// When a file was written; nil when its system has taken it.
    private static func date(_ path: String) -> Instant? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Instant(epochMs: Int64(status.st_mtim.tv_sec) * 1_000)
    }

    private func files() throws -> [String] {
        let manager = FileManager.default
        guard manager.fileExists(atPath: folder) else { return [] }
        do {
            return try manager.subpathsOfDirectory(atPath: folder).map { "\(folder)/\($0)" }.filter {
                var isFolder = false as ObjCBool
                return manager.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder.boolValue
            }
        } catch {
            throw DataDirectoryError.notReadable(path: folder, cause: error.systemCause)
        }
    }
}
