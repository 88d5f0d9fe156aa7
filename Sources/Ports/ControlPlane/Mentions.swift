// What somebody is known by, looked for in texts that people wrote.
// SPDX-License-Identifier: Apache-2.0

/// Numbers and ids of people who are erased, found in a text as words of their own, with spaces and hyphens or without.
public struct Mentions: Hashable, Sendable {
    /// What is written in the place of a text that mentions somebody.
    public static let erased = "erased"
    /// Shorter ones are in any text by chance.
    public static let shortest = 5

    private let words: [[UInt8]]
    private let known: Set<[UInt8]>

    /// Looks for these numbers and ids; those shorter than ``shortest`` are passed over.
    public init(_ words: some Sequence<String>) {
        self.words = Set(words.filter { $0.utf8.count >= Self.shortest }).sorted().map { Array($0.utf8) }
        known = Set(self.words)
    }

    /// Whether a word as a whole is one of them.
    public func contains(_ word: some Sequence<UInt8>) -> Bool {
        known.contains(Array(word))
    }

    /// Whether a text mentions one of them.
    public func occur(in text: String) -> Bool {
        guard !words.isEmpty else { return false }
        let bytes = Array(text.utf8)
        let joined = bytes.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "-") }
        return words.contains { Self.holds(bytes, $0) || Self.holds(joined, $0) }
    }

    private static func holds(_ text: [UInt8], _ word: [UInt8]) -> Bool {
        guard let first = word.first, text.count >= word.count else { return false }
        for start in 0...text.count - word.count
        where text[start] == first && text[start..<start + word.count].elementsEqual(word) {
            let end = start + word.count
            if start == 0 || !isWord(text[start - 1]), end == text.count || !isWord(text[end]) { return true }
        }
        return false
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
