// A ZIP archive, read entry by entry; what an entry unpacks to is bounded.
// SPDX-License-Identifier: Apache-2.0

internal import CZip

/// An open ZIP archive, of a file or of bytes in memory.
final class ZipArchive {
    let file: String
    private let archive: OpaquePointer
    /// The bytes of an archive in memory, which libzip reads while it is open.
    private let memory: UnsafeMutableRawBufferPointer?

    /// Opens a file.
    init(file: String, name: String) throws {
        self.file = name
        memory = nil
        guard let opened = zip_open(file, ZIP_RDONLY, nil) else { throw Self.damaged(name) }
        archive = opened
    }

    /// Opens what is in memory.
    init(bytes: [UInt8], name: String) throws {
        file = name
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 16)
        copy.copyBytes(from: bytes)
        let source = zip_source_buffer_create(copy.baseAddress, zip_uint64_t(bytes.count), 0, nil)
        guard let opened = zip_open_from_source(source, ZIP_RDONLY, nil) else {
            zip_source_free(source)
            copy.deallocate()
            throw Self.damaged(name)
        }
        archive = opened
        memory = copy
    }

    deinit {
        zip_discard(archive)
        memory?.deallocate()
    }

    /// Whether the archive has an entry.
    func has(_ name: String) -> Bool { zip_name_locate(archive, name, ZIP_FL_NOCASE) >= 0 }

    /// Opens an entry that unpacks to at most `limit` bytes.
    func entry(_ name: String, limit: Int) throws -> Entry {
        guard let opened = zip_fopen(archive, name, ZIP_FL_NOCASE) else {
            throw LoadError(
                kind: .damaged,
                file: file,
                message: "the workbook's part \(name.prefix(80)) cannot be read; save the list again without a password"
            )
        }
        return Entry(archive: self, entry: opened, limit: limit)
    }

    private static func damaged(_ file: String) -> LoadError {
        LoadError(kind: .damaged, file: file, message: "the XLSX file is damaged or cut off; save it again")
    }

    /// The unpacked bytes of an entry.
    final class Entry {
        private let archive: ZipArchive
        private let entry: OpaquePointer
        private let limit: Int
        private var count = 0
        /// Why reading ended before the end of the entry.
        private(set) var failure: LoadError?

        fileprivate init(archive: ZipArchive, entry: OpaquePointer, limit: Int) {
            self.archive = archive
            self.entry = entry
            self.limit = limit
        }

        deinit { zip_fclose(entry) }

        /// Fills a buffer; returns how many bytes, 0 at the end, -1 with ``failure`` set.
        func read(into buffer: UnsafeMutablePointer<CChar>, room: Int) -> Int {
            let read = Int(zip_fread(entry, buffer, zip_uint64_t(room)))
            guard read >= 0 else {
                failure = ZipArchive.damaged(archive.file)
                return -1
            }
            count += read
            guard count <= limit else {
                failure = LoadError(
                    kind: .tooLarge,
                    file: archive.file,
                    message: "the sheet unpacks to more than \(limit >> 20) MiB; save the column of numbers as CSV"
                )
                return -1
            }
            return read
        }
    }
}
