// The parts of an XLSX workbook: which sheet is the first, and the texts that its cells share (ECMA-376).
// SPDX-License-Identifier: Apache-2.0

internal import Kernel

/// An XLSX workbook as far as its first sheet needs it.
struct Workbook {
    /// Unpacked bytes a sheet may have: more than a full sheet of a few columns.
    static let sheetLimit = 1 << 30
    /// Unpacked bytes the shared texts may have, which are held in memory.
    static let textLimit = 256 << 20
    private static let partLimit = 16 << 20

    let archive: ZipArchive
    /// Where the first sheet is.
    let sheet: String
    let texts: SharedTexts

    /// - Throws: ``LoadError`` when the archive is no workbook or has no sheet.
    init(_ archive: ZipArchive) throws {
        self.archive = archive
        guard archive.has("xl/workbook.xml") else {
            throw LoadError(
                kind: .encoding,
                file: archive.file,
                message: "this ZIP file is no XLSX workbook; send the list as XLSX, CSV or TXT"
            )
        }
        let sheets = try Self.sheets(archive)
        let parts = try Self.parts(archive)
        let worksheets = parts.filter { $0.type.hasSuffix("/worksheet") }
        let first = sheets.lazy.compactMap { id in worksheets.first { $0.id == id } }.first
        guard let first else {
            throw LoadError(kind: .empty, file: archive.file, message: "the workbook has no sheet")
        }
        sheet = first.path
        let shared = parts.first { $0.type.hasSuffix("/sharedStrings") }
        texts = try shared.map { try SharedTexts(archive, $0.path) } ?? SharedTexts()
    }

    /// The relations that name the sheets, in the order of their tabs.
    private static func sheets(_ archive: ZipArchive) throws -> [String] {
        let xml = try XMLStream(archive.entry("xl/workbook.xml", limit: partLimit), file: archive.file)
        var ids: [String] = []
        while let node = try xml.next() {
            guard node == .start, xml.isNamed("sheet") else { continue }
            // The attribute r:id; its prefix may be another.
            if let id = xml.attribute("id") { ids.append(id) }
        }
        return ids
    }

    private struct Part {
        var id: String
        var type: String
        var path: String
    }

    private static func parts(_ archive: ZipArchive) throws -> [Part] {
        let xml = try XMLStream(archive.entry("xl/_rels/workbook.xml.rels", limit: partLimit), file: archive.file)
        var parts: [Part] = []
        while let node = try xml.next() {
            guard node == .start, xml.isNamed("Relationship"), let id = xml.attribute("Id"),
                let type = xml.attribute("Type"), let target = xml.attribute("Target")
            else { continue }
            parts.append(Part(id: id, type: type, path: path(target)))
        }
        return parts
    }

    /// A target is relative to `xl/` unless it begins with a slash.
    private static func path(_ target: String) -> String {
        guard !target.hasPrefix("/") else { return String(target.dropFirst()) }
        var folders = ["xl"]
        for part in target.split(separator: "/") where part != "." {
            if part == ".." { _ = folders.popLast() } else { folders.append(String(part)) }
        }
        return folders.joined(separator: "/")
    }
}

/// The texts that cells name by number.
struct SharedTexts {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    init() {}

    init(_ archive: ZipArchive, _ path: String) throws {
        let xml = try XMLStream(archive.entry(path, limit: Workbook.textLimit), file: archive.file)
        // Texts of phonetic readings (rPh) are not part of the cell.
        var (isText, isReading) = (false, false)
        while let node = try xml.next() {
            switch node {
            case .text: if isText, !isReading { xml.appendText(to: &bytes) }
            case .start:
                if xml.isNamed("t") {
                    isText = !xml.isEmpty
                } else if xml.isNamed("rPh") {
                    isReading = !xml.isEmpty
                } else if xml.isNamed("si"), xml.isEmpty {
                    ends.append(bytes.count)
                }
            case .end:
                if xml.isNamed("t") { isText = false }
                if xml.isNamed("rPh") { isReading = false }
                if xml.isNamed("si") { ends.append(bytes.count) }
            }
        }
    }

    /// The text with a number; nil when there is none.
    subscript(number: Int) -> ArraySlice<UInt8>? {
        guard ends.indices.contains(number) else { return nil }
        return bytes[(number == 0 ? 0 : ends[number - 1])..<ends[number]]
    }
}
