// A file of the operator's where the warehouse engine may read it.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A file under another name in a folder that SQL may read: a hard link, or a copy where no link can be made.
struct InboxFile {
    /// The file's name in the folder.
    let path: String
    private let folder: String

    /// Makes the folder, which may be missing, and the link or copy in it.
    ///
    /// - Throws: ``LoadError``, of kind `cannotRead` or `cannotCopy`.
    init(_ file: String, in folder: String) throws {
        self.folder = folder
        path = "\(folder)/\(UInt64.random(in: 0 ... .max)).parquet"
        let source = try FileBytes(file)
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw Self.failure(file, folder) }
        // Another file system, another owner or a file system without links: the content is copied.
        guard linkat(AT_FDCWD, file, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0 else { return }
        do {
            try Self.copy(source, to: path, folder: folder)
        } catch {
            remove()
            throw error
        }
    }

    /// Removes the link or copy, and the folder once it is empty.
    func remove() {
        unlink(path)
        rmdir(folder)
    }

    private static func copy(_ source: FileBytes, to path: String, folder: String) throws {
        let target = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard target >= 0 else { throw failure(source.file, folder) }
        defer { close(target) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            try Task.checkCancellation()
            var rest = UnsafeRawBufferPointer(rebasing: buffer[..<(try source.read(into: buffer))])
            guard !rest.isEmpty else { return }
            while !rest.isEmpty {
                let count = write(target, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure(source.file, folder) }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }

    private static func failure(_ file: String, _ folder: String) -> LoadError {
        let cause = String(cString: strerror(errno))
        return LoadError(
            kind: .cannotCopy,
            file: file,
            message:
                "cannot be linked or copied to \(folder): \(cause). The folder must be writable and have free space"
        )
    }
}
