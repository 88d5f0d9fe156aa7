// Audiences that other systems get as files, after a second person agreed (SEG-22, SEG-32).
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Where an approved export goes by itself, instead of being fetched by whoever asked for it.
public struct SegmentDelivery: Hashable, Sendable {
    /// The system that gets it: the name of its folder.
    public var system: String
    /// Last local day on which each new audience of the segment follows; nil = this audience only.
    public var until: LocalDay?

    /// Joins all.
    public init(to system: String, until: LocalDay? = nil) {
        (self.system, self.until) = (system, until)
    }

    /// Whether a name may be that of a folder: 1 to 32 of `a-z`, `0-9`, `-` and `_`, the first a letter.
    public static func isSystem(_ name: String) -> Bool {
        guard (1...32).contains(name.utf8.count), let first = name.utf8.first, (0x61...0x7A).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
        }
    }
}

/// A file that was put where its system fetches it.
public struct DeliveredFile: Hashable, Sendable {
    /// The export that was agreed to.
    public var export: Int64
    /// The audience.
    public var audience: Int64
    /// Its name.
    public var name: String
    /// Rows in it.
    public var count: Int64
    /// Members of the audience that were left out: a list that the segment excludes had got them meanwhile, or they have
    /// no number any more (LST-20).
    public var removed: Int64
    /// When.
    public var at: Instant

    /// Joins all.
    public init(export: Int64, audience: Int64, name: String, count: Int64, removed: Int64, at: Instant) {
        self.export = export
        self.audience = audience
        self.name = name
        self.count = count
        self.removed = removed
        self.at = at
    }
}
