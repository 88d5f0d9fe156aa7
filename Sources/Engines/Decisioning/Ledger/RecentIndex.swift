// Who was contacted lately by waves and loaded history, as one bit per subscriber and question, for single decisions.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Profiles

/// Which contacts an interval looks at.
enum RecentKind: Hashable {
    case channel(ChannelClass)
    case category(String)
    case product(String)

    func matches(_ contacts: RecentContacts) -> Bool {
        switch self {
        case .channel(let channel): contacts.channel == channel
        case .category(let category): contacts.category == category
        case .product(let product): contacts.product == product
        }
    }
}

/// Answers to all questions about a subscriber, side by side: one request asks a dozen of them and misses the cache once.
///
/// A wave asks about everybody and merges the sets of past waves as it goes; a request asks about one subscriber, and
/// must not look through two thousand waves for it. What a block answers to a question is found when first asked for,
/// grows with new contacts, and is found again after contacts were given back.
final class RecentIndex {
    private struct Question: Hashable {
        var kind: RecentKind
        var days: Int
    }

    /// A word of answers: 32 questions about one subscriber.
    private typealias Word = UInt32

    /// Blocks whose rows lie together, so that they fill large pages.
    private static let blocksTogether = 8

    private var ids: [Question: Int] = [:]
    private var questions: [Question] = []
    /// Words that rows have.
    private var width = 1
    /// By block: the day of its answers, and which questions they answer.
    private var blocks: [(day: LocalDay, known: [Word])?] = []
    /// By groups of blocks: rows of all their subscribers.
    private var memory: [UnsafeMutablePointer<Word>?] = []

    deinit { memory.forEach { $0?.deallocate() } }

    /// The number of a question: contacts of a kind fewer than `days` days away.
    func id(_ kind: RecentKind, days: Int) -> Int {
        let question = Question(kind: kind, days: days)
        if let id = ids[question] { return id }
        ids[question] = questions.count
        questions.append(question)
        if questions.count > width * Word.bitWidth {
            forgetAll()
            width += 1
        }
        return questions.count - 1
    }

    /// The kind a question is about.
    func kind(_ id: Int) -> RecentKind { questions[id].kind }

    /// Whether a subscriber had such a contact; `find` gives the contacts of a kind around a day.
    @inline(__always)
    func contains(
        _ id: Int,
        _ index: SubscriberIndex,
        on day: LocalDay,
        find: (RecentKind, Int) -> [BlockSet]
    ) -> Bool {
        let (word, bit) = Self.place(id)
        if !isKnown(word, bit, index.block, on: day) {
            let question = questions[id]
            answer(id, index.block, on: day, find(question.kind, question.days))
        }
        return row(index)[word] & bit != 0
    }

    /// The row of a subscriber, for ``DecisionState/warm(_:)``: its first and its last word.
    func warmth(of index: SubscriberIndex) -> UInt64 {
        guard index.block < blocks.count, blocks[index.block] != nil else { return 0 }
        let row = row(index)
        return UInt64(row[0]) &+ UInt64(row[width - 1])
    }

    /// Takes in contacts that were just reserved.
    func add(_ contacts: RecentContacts, block: Int, members: BlockSet) {
        guard block < blocks.count, let kept = blocks[block] else { return }
        for (id, question) in questions.enumerated() where question.kind.matches(contacts) {
            let (word, bit) = Self.place(id)
            guard kept.known[word] & bit != 0, abs(Int(contacts.day.number) - Int(kept.day.number)) < question.days
            else { continue }
            mark(members, word, bit, block)
        }
    }

    /// Forgets a block, some of whose contacts were given back.
    func forget(block: Int) {
        if block < blocks.count { blocks[block] = nil }
    }

    /// Forgets everything.
    func forgetAll() {
        blocks = []
        memory.forEach { $0?.deallocate() }
        memory = []
    }

    @inline(__always)
    private static func place(_ id: Int) -> (word: Int, bit: Word) {
        (id / Word.bitWidth, 1 << Word(truncatingIfNeeded: id % Word.bitWidth))
    }

    @inline(__always)
    private func isKnown(_ word: Int, _ bit: Word, _ block: Int, on day: LocalDay) -> Bool {
        guard block < blocks.count, let kept = blocks[block] else { return false }
        return kept.day == day && kept.known[word] & bit != 0
    }

    /// The row of a subscriber of a block that has rows.
    @inline(__always)
    private func row(_ index: SubscriberIndex) -> UnsafeMutablePointer<Word> {
        // Never nil: a block with answers has rows.
        rows(index.block).unsafelyUnwrapped + index.offset * width
    }

    @inline(__always)
    private func rows(_ block: Int) -> UnsafeMutablePointer<Word>? {
        memory[block / Self.blocksTogether].map { $0 + block % Self.blocksTogether * Block.size * width }
    }

    /// Finds what a block answers to a question.
    @inline(never)
    private func answer(_ id: Int, _ block: Int, on day: LocalDay, _ found: [BlockSet]) {
        while blocks.count <= block { blocks.append(nil) }
        if blocks[block]?.day != day {
            clear(block)
            blocks[block] = (day, Array(repeating: 0, count: width))
        }
        let (word, bit) = Self.place(id)
        var union = [UInt64](repeating: 0, count: found.isEmpty ? 0 : Block.words)
        union.withUnsafeMutableBufferPointer { union in
            guard let base = union.baseAddress, !found.isEmpty else { return }
            for members in found { members.formUnion(into: base) }
            mark(BlockSet(words: base), word, bit, block)
        }
        blocks[block]?.known[word] |= bit
    }

    private func mark(_ members: BlockSet, _ word: Int, _ bit: Word, _ block: Int) {
        guard let rows = rows(block) else { return }
        members.forEach { rows[$0 &* width &+ word] |= bit }
    }

    /// Empties the rows of a block.
    private func clear(_ block: Int) {
        let group = block / Self.blocksTogether
        while memory.count <= group { memory.append(nil) }
        if memory[group] == nil {
            let count = Self.blocksTogether * Block.size * width
            memory[group] = HugePages.allocate(byteCount: count * MemoryLayout<Word>.stride)
                .bindMemory(to: Word.self, capacity: count)
        }
        rows(block)?.initialize(repeating: 0, count: Block.size * width)
    }
}
