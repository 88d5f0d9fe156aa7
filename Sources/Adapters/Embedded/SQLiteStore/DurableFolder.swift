// Folders that survive a power cut.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

enum DurableFolder {
    /// Makes a folder and those above it where they are missing, and syncs the folder that holds it.
    static func make(_ path: String) throws {
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
        if mkdir(path, 0o750) != 0 {
            switch errno {
            case EEXIST: break
            case ENOENT where parent != path:
                try make(parent)
                guard mkdir(path, 0o750) == 0 else { throw failure("create", path) }
            default: throw failure("create", path)
            }
        }
        try sync(parent)
    }

    private static func sync(_ path: String) throws {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("open", path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure("sync", path) }
    }

    private static func failure(_ operation: String, _ path: String) -> SQLiteDecisionLogError {
        .io(operation: operation, path: path, cause: String(cString: strerror(errno)))
    }
}
