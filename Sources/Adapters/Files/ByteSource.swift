// Bytes of a file as UTF-8: read in pieces, unpacked when they are gzip, converted when they are GBK.
// SPDX-License-Identifier: Apache-2.0

internal import CZlib
internal import Glibc

/// Gives the bytes of a file piece by piece.
protocol ByteSource: AnyObject {
    /// Fills at least one byte of `buffer`; returns how many, 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

/// What reading a file reports on the side.
struct FileBytesProgress {
    /// Bytes of the file read so far, before unpacking.
    var read = 0
    /// Size of the file.
    var total = 0
}

/// A file as it stands on the disk.
final class FileBytes: ByteSource {
    let file: String
    private let descriptor: Int32
    private(set) var progress = FileBytesProgress()
    private var peeked: ArraySlice<UInt8> = []

    init(_ file: String) throws {
        self.file = file
        descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(file) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure(file) }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw LoadError(kind: .cannotRead, file: file, message: "is a directory; name a file")
        }
        progress.total = Int(status.st_size)
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The first bytes of the file, at most `count`, which are read again afterwards; called once, before all reading.
    func peek(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let more = try bytes.withUnsafeMutableBytes { all in
                try read(into: UnsafeMutableRawBufferPointer(rebasing: all[filled...]))
            }
            if more == 0 { break }
            filled += more
        }
        peeked = bytes.prefix(filled)
        progress.read = 0
        return Array(peeked)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if !peeked.isEmpty {
            let count = min(peeked.count, buffer.count)
            buffer.copyBytes(from: peeked.prefix(count))
            peeked = peeked.dropFirst(count)
            progress.read += count
            return count
        }
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 {
                progress.read += count
                return count
            }
            if errno != EINTR { throw Self.failure(file) }
        }
    }

    private static func failure(_ file: String) -> LoadError {
        LoadError(kind: .cannotRead, file: file, message: "cannot be read: \(String(cString: strerror(errno)))")
    }
}

/// Unpacks gzip, one or more members.
final class GzipBytes: ByteSource {
    private let packed: any ByteSource
    private let file: String
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    private var stream = z_stream()
    private var isMemberOpen = false

    init(_ packed: any ByteSource, file: String) throws {
        self.packed = packed
        self.file = file
        // 15 bits of window, +16: gzip framing.
        let status = inflateInit2_(&stream, 15 + 16, zlibVersion(), Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw LoadError(kind: .damaged, file: file, message: "zlib cannot start") }
    }

    deinit {
        inflateEnd(&stream)
        input.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        stream.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(clamping: buffer.count)
        let room = stream.avail_out
        while stream.avail_out == room {
            if stream.avail_in == 0 {
                let count = try packed.read(into: input)
                guard count > 0 else {
                    if isMemberOpen { throw damaged("ends inside the packed data; it was cut off") }
                    return 0
                }
                stream.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_in = UInt32(count)
            }
            isMemberOpen = true
            switch inflate(&stream, Z_NO_FLUSH) {
            case Z_OK: break
            case Z_STREAM_END:
                isMemberOpen = false
                inflateReset(&stream)
            case Z_BUF_ERROR where stream.avail_in == 0: break
            default: throw damaged("is damaged" + (stream.msg.map { " (\(String(cString: $0)))" } ?? ""))
            }
        }
        return Int(room - stream.avail_out)
    }

    private func damaged(_ what: String) -> LoadError {
        LoadError(kind: .damaged, file: file, message: "the gzip file \(what); fetch it again")
    }
}

/// Converts to UTF-8; a wrong byte becomes 0xFF, which no UTF-8 text holds, so that the value it stands in is refused.
final class ConvertedBytes: ByteSource {
    /// GB 18030, which contains GBK.
    static let gbk = "GB18030"

    private let source: any ByteSource
    private let converter: iconv_t?
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    private var start = 0
    private var end = 0
    private var isAtEnd = false

    /// `encoding`: As the C library names it.
    init(_ source: any ByteSource, from encoding: String, file: String) throws {
        self.source = source
        converter = iconv_open("UTF-8", encoding)
        // iconv_open returns -1 when the C library has no such converter.
        guard let converter, Int(bitPattern: converter) != -1 else {
            throw LoadError(
                kind: .encoding,
                file: file,
                message:
                    "this system's C library cannot convert \(encoding); install its gconv modules (Debian: libc-bin)"
            )
        }
    }

    deinit {
        if let converter, Int(bitPattern: converter) != -1 { iconv_close(converter) }
        input.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var out = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
        var room = buffer.count
        while room == buffer.count {
            if start == end || needsMore { try fill() }
            if start == end { return 0 }
            convert(&out, &room)
        }
        return buffer.count - room
    }

    /// Whether what is left is the beginning of a character.
    private var needsMore = false

    private func fill() throws {
        guard !isAtEnd else { return }
        input.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[start..<end]))
        (start, end) = (0, end - start)
        let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: input[end...]))
        isAtEnd = count == 0
        end += count
        needsMore = false
    }

    private func convert(_ out: inout UnsafeMutablePointer<CChar>?, _ room: inout Int) {
        var from: UnsafeMutablePointer<CChar>? = (input.baseAddress?.assumingMemoryBound(to: CChar.self)).map {
            $0 + start
        }
        var left = end - start
        let status = iconv(converter, &from, &left, &out, &room)
        start = end - left
        guard status == -1 else { return }
        switch errno {
        case EINVAL where !isAtEnd: needsMore = true
        case EINVAL, EILSEQ:
            guard room > 0 else { return }
            out?.pointee = CChar(bitPattern: 0xFF)
            out = out.map { $0 + 1 }
            room -= 1
            start += 1
        default: break  // E2BIG: the buffer is full
        }
    }
}
