// XML read node by node from an entry of a ZIP archive; no entity is expanded and nothing else is opened.
// SPDX-License-Identifier: Apache-2.0

internal import CXML
internal import Glibc

/// A forward-only reader of one XML part.
final class XMLStream {
    enum Node { case start, end, text }

    private static let isReady: Void = xmlInitParser()
    private static let options = Int32(GYRE_XML_NO_NETWORK | GYRE_XML_NO_ERRORS | GYRE_XML_NO_WARNINGS)

    private let file: String
    private let entry: ZipArchive.Entry
    private let reader: xmlTextReaderPtr

    init(_ entry: ZipArchive.Entry, file: String) throws {
        _ = Self.isReady
        self.entry = entry
        self.file = file
        let opened = xmlReaderForIO(
            { context, buffer, count in
                guard let context, let buffer else { return -1 }
                let entry = Unmanaged<ZipArchive.Entry>.fromOpaque(context).takeUnretainedValue()
                return Int32(entry.read(into: buffer, room: Int(count)))
            },
            { _ in 0 },
            Unmanaged.passUnretained(entry).toOpaque(),
            nil,
            nil,
            Self.options
        )
        guard let opened else { throw entry.failure ?? Self.damaged(file) }
        reader = opened
        // What went wrong is told by the next read; the library would print it.
        xmlTextReaderSetErrorHandler(reader, { _, _, _, _ in }, nil)
    }

    deinit { xmlFreeTextReader(reader) }

    /// The next start or end of an element, or text; nil at the end.
    ///
    /// - Throws: ``LoadError`` for XML that is not well-formed, and for every document type: no spreadsheet writes one, and
    ///   entities that grow or name files need one.
    func next() throws -> Node? {
        while true {
            let status = xmlTextReaderRead(reader)
            if let failure = entry.failure { throw failure }
            guard status >= 0 else { throw Self.damaged(file) }
            guard status == 1 else { return nil }
            switch Int(xmlTextReaderNodeType(reader)) {
            case GYRE_XML_ELEMENT: return .start
            case GYRE_XML_END_ELEMENT: return .end
            case GYRE_XML_TEXT, GYRE_XML_CDATA, GYRE_XML_WHITESPACE, GYRE_XML_SIGNIFICANT_WHITESPACE: return .text
            case GYRE_XML_DOCUMENT_TYPE, GYRE_XML_ENTITY_REFERENCE:
                throw LoadError(
                    kind: .damaged,
                    file: file,
                    message: "the workbook has a document type, which no spreadsheet writes; save it again"
                )
            default: continue
            }
        }
    }

    /// Whether the element has no content and no end of its own.
    var isEmpty: Bool { xmlTextReaderIsEmptyElement(reader) == 1 }

    /// Whether the element has this name, whatever its namespace.
    func isNamed(_ name: StaticString) -> Bool {
        guard let local = xmlTextReaderConstLocalName(reader) else { return false }
        return Self.equal(local, name)
    }

    /// Gives the value of each attribute of the element; `isNamed` compares its name without prefix.
    func attributes(_ body: (_ isNamed: (StaticString) -> Bool, _ value: UnsafePointer<UInt8>) -> Void) {
        guard xmlTextReaderMoveToFirstAttribute(reader) == 1 else { return }
        repeat {
            if let name = xmlTextReaderConstLocalName(reader), let value = xmlTextReaderConstValue(reader) {
                body({ Self.equal(name, $0) }, value)
            }
        } while xmlTextReaderMoveToNextAttribute(reader) == 1
        xmlTextReaderMoveToElement(reader)
    }

    /// The value of an attribute of the element.
    func attribute(_ name: StaticString) -> String? {
        var found: String?
        attributes { isNamed, value in if isNamed(name) { found = String(cString: value) } }
        return found
    }

    /// Adds the bytes of a text.
    func appendText(to bytes: inout [UInt8]) {
        guard let value = xmlTextReaderConstValue(reader) else { return }
        let count = strlen(UnsafeRawPointer(value).assumingMemoryBound(to: CChar.self))
        bytes.append(contentsOf: UnsafeBufferPointer(start: value, count: count))
    }

    private static func equal(_ text: UnsafePointer<UInt8>, _ name: StaticString) -> Bool {
        strcmp(
            UnsafeRawPointer(text).assumingMemoryBound(to: CChar.self),
            UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
        ) == 0
    }

    private static func damaged(_ file: String) -> LoadError {
        LoadError(kind: .damaged, file: file, message: "the workbook's XML is damaged; save the list again")
    }
}
