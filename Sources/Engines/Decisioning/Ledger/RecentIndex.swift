// Who was contacted lately by waves and loaded history, as one bit per subscriber and question, for single decisions.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

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

/// Unions of recent contacts, block by block.
///
/// A wave asks about everybody and merges the sets of past waves as it goes; a request asks about one subscriber, and
/// must not look through two thousand waves for it. The union of a block is made when first asked for, grows with
/// new contacts, and is made again after contacts were given back.
final class RecentIndex {
    private struct Question: Hashable {
        var kind: RecentKind
        var days: Int
    }

    private struct Union {
        var day: LocalDay
        var words: [UInt64]
    }

    private var ids: [Question: Int] = [:]
    private var questions: [Question] = []
    /// By question and block.
    private var unions: [[Union?]] = []

    /// The number of a question: contacts of a kind fewer than `days` days away.
    func id(_ kind: RecentKind, days: Int) -> Int {
        let question = Question(kind: kind, days: days)
        if let id = ids[question] { return id }
        ids[question] = questions.count
        questions.append(question)
        unions.append([])
        return questions.count - 1
    }

    /// The kind a question is about.
    func kind(_ id: Int) -> RecentKind { questions[id].kind }

    /// Whether a subscriber had such a contact; `find` gives the contacts of a kind around a day.
    func contains(
        _ id: Int,
        _ index: SubscriberIndex,
        on day: LocalDay,
        find: (RecentKind, Int) -> [BlockSet]
    ) -> Bool {
        let block = index.block
        while unions[id].count <= block { unions[id].append(nil) }
        if unions[id][block]?.day != day {
            var words = [UInt64](repeating: 0, count: Block.words)
            let question = questions[id]
            words.withUnsafeMutableBufferPointer { words in
                guard let base = words.baseAddress else { return }
                for members in find(question.kind, question.days) { members.formUnion(into: base) }
            }
            unions[id][block] = Union(day: day, words: words)
        }
        return unions[id][block].map { $0.words[index.offset >> 6] >> UInt64(index.offset & 63) & 1 == 1 } ?? false
    }

    /// Takes in contacts that were just reserved.
    func add(_ contacts: RecentContacts, block: Int, members: BlockSet) {
        for (id, question) in questions.enumerated() where question.kind.matches(contacts) {
            guard block < unions[id].count, let day = unions[id][block]?.day,
                abs(Int(contacts.day.number) - Int(day.number)) < question.days
            else { continue }
            unions[id][block]?.words.withUnsafeMutableBufferPointer { words in
                if let base = words.baseAddress { members.formUnion(into: base) }
            }
        }
    }

    /// Forgets a block, some of whose contacts were given back.
    func forget(block: Int) {
        for id in unions.indices where block < unions[id].count { unions[id][block] = nil }
    }

    /// Forgets everything.
    func forgetAll() {
        for id in unions.indices { unions[id] = [] }
    }
}
