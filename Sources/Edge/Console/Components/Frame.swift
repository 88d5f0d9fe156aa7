// What every page knows besides its own model: reader, language, address, time.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
public import Texts

/// A message above the page: what was done, or why it was not.
public struct Notice: Hashable, Sendable {
    /// Whether something went wrong; such notices stay until the page is left.
    public var isError: Bool
    /// One sentence in the reader's language.
    public var text: String

    /// Code of what was done, the same in all languages; nil when the text stands for itself.
    public var done: String?

    /// Joins all.
    public init(isError: Bool, text: String, done: String? = nil) {
        (self.isError, self.text, self.done) = (isError, text, done)
    }
}

/// The surroundings of a page.
public struct Frame: Sendable {
    /// Language of the page.
    public var language: Language
    /// Who reads it; nil before sign-in.
    public var staff: Staff?
    /// Path of the page, where the language switch comes back to.
    public var path: String
    /// Parameters of the address, decoded, in order.
    public var query: [QueryItem]
    /// Now, on the operator's clock.
    public var now: LocalTime
    /// Submissions that wait for the reader; shown at the bell.
    public var waiting: Int
    /// A message above the page.
    public var notice: Notice?
    /// The operator's wall clock at an instant.
    public var local: @Sendable (Instant) -> LocalTime

    /// One decoded parameter of an address.
    public struct QueryItem: Hashable, Sendable {
        /// Name.
        public var name: String
        /// Value.
        public var value: String

        /// Joins name and value.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Makes a frame; see the properties.
    public init(
        language: Language,
        staff: Staff?,
        path: String,
        query: [QueryItem] = [],
        now: LocalTime,
        waiting: Int = 0,
        notice: Notice? = nil,
        local: (@Sendable (Instant) -> LocalTime)? = nil
    ) {
        self.language = language
        self.staff = staff
        self.path = path
        self.query = query
        self.now = now
        self.waiting = waiting
        self.notice = notice
        self.local = local ?? { [offset = now.offsetSeconds] in LocalTime(instant: $0, offsetSeconds: offset) }
    }

    /// A text of the console; `{0}`, `{1}` … are replaced by the arguments.
    func t(_ key: ConsoleText, _ arguments: String...) -> String { key(language, arguments) }

    /// Whether the reader may do something.
    func may(_ permission: Permission) -> Bool { staff?.may(permission) ?? false }

    /// The value of a parameter; empty when absent.
    func parameter(_ name: String) -> String { query.last { $0.name == name }?.value ?? "" }

    // MARK: Formats

    /// `2026-11-17 09:30`, on the operator's clock.
    func time(_ instant: Instant) -> String { time(local(instant)) }

    /// `2026-11-17 09:30`.
    func time(_ time: LocalTime) -> String {
        time.isoLocal.replacing("T", with: " ").prefix(16).description
    }

    /// `1,234`.
    func number(_ value: some BinaryInteger) -> String { language.number(Int(value)) }

    /// A share of a whole: `12.3%`; `--` of nothing.
    func share(_ part: Int, of whole: Int) -> String {
        whole == 0 ? "--" : language.percent(Double(part) / Double(whole))
    }

    /// An organisation scope as people read it.
    func scope(_ scope: OrganisationScope) -> String {
        let levels = [scope.province, scope.city, scope.county].compactMap { $0 }
        return levels.isEmpty ? t(.wholeOperator) : levels.joined(separator: " / ")
    }
}
