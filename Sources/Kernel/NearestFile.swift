// Where a file that comes with the program is looked for.
// SPDX-License-Identifier: Apache-2.0

/// The first path for a name that `exists`: in each of the folders, in order, and in those above it up to the root.
///
/// Folders that are not absolute are passed over.
public func nearestFile(_ name: String, from folders: [String], where exists: (String) -> Bool) -> String? {
    for start in folders where start.hasPrefix("/") {
        var folder = start[...]
        while true {
            let path = "\(folder)/\(name)"
            if exists(path) { return path }
            guard let slash = folder.lastIndex(of: "/") else { break }
            folder = folder[..<slash]
        }
    }
    return nil
}
