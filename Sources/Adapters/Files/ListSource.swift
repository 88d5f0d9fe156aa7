// A list of numbers behind its port.
// SPDX-License-Identifier: Apache-2.0

public import Model
public import Ports

/// A file of numbers, or a text that was pasted or sent.
public struct ListSource: IdentitySource {
    private enum Content {
        case file(String)
        case text([UInt8])
    }

    public let name: String
    public let kind: IdentityKind
    private let column: IdentityColumn
    private let content: Content

    /// Names a file; it is opened when it is read.
    public init(file: String, name: String, kind: IdentityKind, column: IdentityColumn) {
        (content, self.name, self.kind, self.column) = (.file(file), name, kind, column)
    }

    /// Takes a text.
    public init(text: [UInt8], name: String, kind: IdentityKind, column: IdentityColumn) {
        (content, self.name, self.kind, self.column) = (.text(text), name, kind, column)
    }

    public func forEachBatch(_ body: (IdentityBatch) throws -> Void) throws {
        var file =
            switch content {
            case .file(let path): try IdentityFile(file: path, name: name, kind: kind, column: column)
            case .text(let bytes): try IdentityFile(text: bytes, name: name, kind: kind, column: column)
            }
        while let batch = try file.next() { try body(batch) }
    }
}
