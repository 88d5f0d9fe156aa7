// What a segment is matched with: subject, channel, trigger condition and service priority (SEG-31).
// SPDX-License-Identifier: Apache-2.0

/// How a segment is meant to be addressed; campaigns begin with it.
public struct SegmentMatch: Hashable, Sendable, Codable {
    /// Matches that a segment has at most.
    public static let most = 10

    /// The theme (主题), in the planner's words.
    public var subject: String
    /// The channel it is to go out by.
    public var channel: ChannelClass
    /// The trigger condition (触发条件): a rule that says when; empty = at any time.
    public var condition: String
    /// The service priority (服务优先级), 1 first, 9 last; campaigns take it for theirs.
    public var priority: Int

    /// Joins all.
    public init(
        subject: String,
        channel: ChannelClass,
        condition: String = "",
        priority: Int = CampaignSpec.usualPriority
    ) {
        self.subject = subject
        self.channel = channel
        self.condition = condition
        self.priority = priority
    }

    private enum Key: String, CodingKey {
        case subject, channel, condition, priority
    }

    /// Reads a match; without a condition it holds at any time, without a priority it has the usual one.
    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: Key.self)
        self.init(
            subject: try c.decode(String.self, forKey: .subject),
            channel: try c.decode(ChannelClass.self, forKey: .channel),
            condition: try c.decodeIfPresent(String.self, forKey: .condition) ?? "",
            priority: try c.decodeIfPresent(Int.self, forKey: .priority) ?? CampaignSpec.usualPriority
        )
    }

    /// Writes all fields.
    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: Key.self)
        try c.encode(subject, forKey: .subject)
        try c.encode(channel, forKey: .channel)
        try c.encode(condition, forKey: .condition)
        try c.encode(priority, forKey: .priority)
    }
}
