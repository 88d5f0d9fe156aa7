// The reject files that loads left, without the rows of people who are erased.
// SPDX-License-Identifier: Apache-2.0

import Foundation
public import Ports

/// A folder of reject files.
public enum RejectFolder {
    /// Removes every rejected row that mentions somebody; each file is replaced as a whole.
    ///
    /// - Throws: A file error.
    public static func forget(_ mentions: Mentions, in folder: String) throws {
        let manager = FileManager.default
        guard manager.fileExists(atPath: folder) else { return }
        for name in try manager.contentsOfDirectory(atPath: folder) where name.hasSuffix(".csv") {
            let url = URL(filePath: "\(folder)/\(name)")
            let content = try Data(contentsOf: url)
            let rows = rows(of: content)
            // The first row says what the columns are.
            let kept = rows.enumerated().filter { place, row in
                place == 0 || !mentions.occur(in: String(decoding: row, as: UTF8.self))
            }
            guard kept.count < rows.count else { continue }
            try Data(kept.flatMap { Array($0.element) }).write(to: url, options: .atomic)
            try manager.setAttributes([.posixPermissions: 0o600], ofItemAtPath: url.path(percentEncoded: false))
            let file = try FileHandle(forUpdating: url)
            try file.synchronize()
            try file.close()
        }
    }

    /// Rows with their line ends; a quoted field may hold some of its own.
    private static func rows(of content: Data) -> [Data.SubSequence] {
        var (rows, start, isQuoted): ([Data.SubSequence], Int, Bool) = ([], content.startIndex, false)
        for place in content.indices {
            if content[place] == UInt8(ascii: "\"") { isQuoted.toggle() }
            guard content[place] == 0x0A, !isQuoted else { continue }
            rows.append(content[start...place])
            start = place + 1
        }
        if start < content.endIndex { rows.append(content[start...]) }
        return rows
    }
}
