// Files that appear whole and synced, or not at all.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Ports

/// A file written under a temporary name beside its target and renamed over it once it is on the disk.
struct DurableFile {
    let path: String
    let temporaryPath: String

    init(_ path: String) {
        self.path = path
        temporaryPath = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
    }

    /// Syncs the temporary file, renames it and syncs the directory.
    func publish() throws {
        try Self.sync(temporaryPath)
        guard rename(temporaryPath, path) == 0 else { throw Self.failure("cannot rename \(temporaryPath) to \(path)") }
        let slash = path.lastIndex(of: "/")
        try Self.sync(slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".")
    }

    /// Removes the temporary file, if there is one.
    func discard() {
        unlink(temporaryPath)
    }

    private static func sync(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot open \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("cannot sync \(path)") }
    }

    private static func failure(_ what: String) -> WarehouseError {
        let number = errno
        let reason = String(cString: strerror(number))
        return WarehouseError(kind: number == ENOSPC ? .diskFull : .file, phase: .export, message: "\(what): \(reason)")
    }
}
