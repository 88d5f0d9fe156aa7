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
        return words.contains { Self.holds(bytes, $0) }
    }

    private static func holds(_ text: [UInt8], _ word: [UInt8]) -> Bool {
        for start in text.indices where text[start] == word[0] && (start == 0 || !isWord(text[start - 1])) {
            guard let end = Self.end(of: word, in: text, from: start) else { continue }
            if end == text.count || !isWord(text[end]) { return true }
        }
        return false
    }

    /// Where a word ends that begins at a place, spaces and hyphens inside it passed over; nil when it is another.
    private static func end(of word: [UInt8], in text: [UInt8], from start: Int) -> Int? {
        var (place, matched) = (start, 0)
        while matched < word.count {
            guard place < text.count else { return nil }
            if text[place] == word[matched] {
                matched += 1
            } else if matched == 0 || (text[place] != UInt8(ascii: " ") && text[place] != UInt8(ascii: "-")) {
                return nil
            }
            place += 1
        }
        return place
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
