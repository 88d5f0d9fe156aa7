// The name somebody probably meant.
// SPDX-License-Identifier: Apache-2.0

enum NearName {
    /// The candidate that differs in the fewest letters, if it is near enough to be a slip of the pen: names that are
    /// equal but for case, `_`, `-` and spaces, else one edit in three letters.
    static func of(_ name: String, among candidates: [String]) -> String? {
        let wanted = folded(name)
        let limit = max(1, wanted.count / 3)
        let near = candidates.map { ($0, distance(wanted, folded($0))) }.filter { $0.1 <= limit && $0.1 < wanted.count }
        return near.min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
    }

    private static func folded(_ name: String) -> [Unicode.Scalar] {
        name.lowercased().unicodeScalars.filter { !" _-".unicodeScalars.contains($0) }
    }

    /// Insertions, deletions and replacements that turn `a` into `b`.
    ///
    /// Source: R. Wagner, M. Fischer, "The string-to-string correction problem", JACM 21(1), 1974.
    private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices { row.append(min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))) }
            last = row
        }
        return last[b.count]
    }
}
