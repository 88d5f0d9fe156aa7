// Revisions of the contact policy, and the drafts they are made from.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// What became of a draft.
public enum PolicyDraftState: String, Sendable, CaseIterable, Codable {
    /// It is worked at.
    case draft
    /// It became a revision.
    case live
    /// It was given up.
    case discarded
}

/// A contact policy that is worked at; it holds for nobody until it is made live.
public struct PolicyDraft: Hashable, Sendable, Codable {
    /// Number, unique; 0 until saved.
    public var id: Int64
    /// Counts changes, for optimistic updates; 0 until saved.
    public var version: Int
    /// The live revision it was made from; 0 = there was none.
    public var base: Int {
        didSet { policy.revision = base + 1 }
    }
    /// Sign-in name of who began it.
    public var author: String
    /// What it is for.
    public var note: String
    /// The policy; its revision is the one it becomes, ``base`` + 1.
    public var policy: ContactPolicy {
        didSet { policy.revision = base + 1 }
    }
    /// What became of it.
    public var state: PolicyDraftState
    /// When it was begun.
    public var createdAt: Instant
    /// When it was last changed.
    public var updatedAt: Instant

    /// Begins a draft; see the properties.
    public init(base: Int, policy: ContactPolicy, author: String, note: String, at now: Instant) {
        id = 0
        version = 0
        self.base = base
        self.author = author
        self.note = note
        self.policy = policy
        self.policy.revision = base + 1
        state = .draft
        createdAt = now
        updatedAt = now
    }
}

/// A revision of the policy that is or was live; it never changes.
public struct PolicyRevision: Hashable, Sendable, Codable {
    /// When it was made live.
    public var at: Instant
    /// Sign-in name of who made it live, or `system`.
    public var who: String
    /// What it is for.
    public var note: String
    /// The draft it came from; nil = a file.
    public var draft: Int64?
    /// The policy, with the revision's number.
    public var policy: ContactPolicy

    /// Number of the revision, from 1.
    public var number: Int { policy.revision }

    /// Makes a revision; see the properties.
    public init(at: Instant, who: String, note: String, draft: Int64? = nil, policy: ContactPolicy) {
        self.at = at
        self.who = who
        self.note = note
        self.draft = draft
        self.policy = policy
    }
}
