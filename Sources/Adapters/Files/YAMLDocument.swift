// Reading of YAML by key, with every problem noted at its place instead of stopping at the first.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Kernel
internal import Yams

/// Collects the problems of one document.
final class ProblemNotes {
    private(set) var problems: [DocumentProblem] = []

    func add(_ message: String, line: Int, column: Int, key: String) {
        problems.append(DocumentProblem(line: line, column: column, key: key, message: message))
    }
}

/// A place in a document: its node, the path of keys to it, and where problems are noted.
struct YAMLValue {
    let node: Node
    let key: String
    let notes: ProblemNotes

    /// Notes a problem at this place.
    func problem(_ message: String) {
        notes.add(message, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1, key: key)
    }

    /// Whether the value is a single value, neither list nor map.
    var isScalar: Bool { node.scalar != nil }

    /// The value of a key, where the value is a map that has it.
    func child(_ name: String) -> YAMLValue? {
        node.mapping?[name].map { YAMLValue(node: $0, key: "\(key).\(name)", notes: notes) }
    }

    /// Whether the value is written as a bare `null`, `~` or nothing.
    var isNull: Bool { node.null != nil }

    /// The text of a scalar as it is written, in NFC; nil (and a problem) for lists and maps.
    func text() -> String? {
        guard let scalar = node.scalar else {
            problem("expected a single value")
            return nil
        }
        return scalar.string.nfc
    }

    /// A text that is not empty.
    func someText() -> String? {
        guard let text = text() else { return nil }
        if text.isEmpty || isNull { problem("is empty; give a value") }
        return text.isEmpty || isNull ? nil : text
    }

    /// `true` or `false`.
    func flag() -> Bool? {
        guard let text = text() else { return nil }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default:
            problem("is '\(text)'; write true or false")
            return nil
        }
    }

    /// One of the words; others are a problem that lists them.
    func word(of words: [String]) -> String? {
        guard let text = text() else { return nil }
        if words.contains(text) { return text }
        let near = NearName.of(text, among: words).map { "; did you mean '\($0)'?" } ?? ""
        problem("is '\(text)'\(near) Possible: \(words.joined(separator: ", "))")
        return nil
    }

    /// The entries of a list.
    func list() -> [YAMLValue]? {
        guard let sequence = node.sequence else {
            problem("expected a list")
            return nil
        }
        return sequence.enumerated().map { YAMLValue(node: $1, key: "\(key)[\($0)]", notes: notes) }
    }

    /// The entries of a map in the order of the document: key, the key's own place, value.
    func pairs() -> [(name: String, at: YAMLValue, value: YAMLValue)]? {
        guard let mapping = node.mapping else {
            problem("expected a map of keys and values")
            return nil
        }
        return mapping.map { name, value in
            let text = (name.scalar?.string ?? "").nfc
            let path = key.isEmpty ? text : "\(key).\(text)"
            return (
                text, YAMLValue(node: name, key: path, notes: notes), YAMLValue(node: value, key: path, notes: notes)
            )
        }
    }

    /// A map whose keys are known; others are problems.
    func map(keys: [String]) -> YAMLMap? {
        guard let pairs = pairs() else { return nil }
        for pair in pairs where !keys.contains(pair.name) {
            let near = NearName.of(pair.name, among: keys).map { "did you mean '\($0)'?" }
            pair.at.problem("unknown key; \(near ?? "possible: \(keys.joined(separator: ", "))")")
        }
        return YAMLMap(
            place: self,
            values: Dictionary(pairs.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        )
    }
}

/// A map with known keys.
struct YAMLMap {
    let place: YAMLValue
    let values: [String: YAMLValue]

    subscript(key: String) -> YAMLValue? { values[key] }

    /// The value of a key that must be there.
    func needed(_ key: String) -> YAMLValue? {
        if values[key] == nil { place.problem("key '\(key)' is missing") }
        return values[key]
    }
}

enum YAMLDocument {
    /// Largest document, in bytes.
    static let sizeLimit = 16 << 20

    /// Reads a document and hands its root to `body`; throws all problems that `body` and its helpers noted.
    static func read<Result>(
        _ kind: DocumentError.Kind,
        file: String,
        text: String,
        _ body: (YAMLValue) -> Result?
    ) throws -> Result {
        let notes = ProblemNotes()
        if let root = compose(text, notes) {
            let result = body(YAMLValue(node: root, key: "", notes: notes))
            if let result, notes.problems.isEmpty { return result }
        }
        var problems = notes.problems
        problems.sort { ($0.line ?? 0, $0.column) < ($1.line ?? 0, $1.column) }
        throw DocumentError(kind: kind, file: file, problems: problems)
    }

    /// The text of a file.
    static func contents(_ kind: DocumentError.Kind, path: String) throws -> String {
        func failure(_ message: String) -> DocumentError {
            let problem = DocumentProblem(line: nil, column: 1, key: "", message: message)
            return DocumentError(kind: kind, file: path, problems: [problem])
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw failure("cannot be read; check its name and rights")
        }
        guard data.count <= sizeLimit else { throw failure("is larger than \(sizeLimit >> 20) MiB") }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw failure("is not valid UTF-8; save it as UTF-8")
        }
        return text
    }

    private static func compose(_ text: String, _ notes: ProblemNotes) -> Node? {
        func note(_ problem: String, _ mark: Mark) {
            notes.add("is not YAML: \(problem)", line: mark.line, column: mark.column, key: "")
        }
        do {
            guard let node = try Yams.compose(yaml: text) else {
                notes.add("the file is empty", line: 1, column: 1, key: "")
                return nil
            }
            return node
        } catch let error as YamlError {
            switch error {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
                .composer(_, let problem, let mark, _):
                note(problem, mark)
            case .duplicatedKeysInMapping(let duplicates, let context):
                let keys = duplicates.sorted().map { "'\($0)'" }.joined(separator: ", ")
                notes.add(
                    "\(keys) is written twice in this map; keep one",
                    line: context.mark.line,
                    column: context.mark.column,
                    key: ""
                )
            default:
                notes.add("is not YAML: \(error)", line: 1, column: 1, key: "")
            }
        } catch {
            notes.add("is not YAML: \(error)", line: 1, column: 1, key: "")
        }
        return nil
    }
}
