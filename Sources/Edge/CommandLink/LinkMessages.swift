// What client and server say to each other: frames of JSON, each behind its length.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
import Foundation
import NIOCore

/// One of the two streams of a command's output.
public enum CommandStream: Sendable {
    /// Results.
    case out
    /// Progress, notes and errors.
    case err
}

/// Where a command writes: its own terminal, or that of a client at the other end of the link.
public protocol CommandOutput: Sendable {
    /// Writes text as it is; pieces appear in the order of the calls.
    func write(_ text: String, to stream: CommandStream)
}

/// A command as it was typed, for a server to run.
public struct LinkRequest: Codable, Equatable, Sendable {
    /// Version of the messages; another one is refused before anything else of a request is read.
    static let version = 1
    /// Longest request, in bytes: a longer one is no command line.
    static let maximumBytes = 1 << 20

    /// The command line without the program's name.
    public var arguments: [String]
    /// Absolute path of the working directory, where relative file names begin.
    public var folder: String
    /// Language of texts as a BCP 47 tag.
    public var language: String

    /// A command line, where it was typed, and the language of whoever typed it.
    public init(arguments: [String], folder: String, language: String) {
        self.arguments = arguments
        self.folder = folder
        self.language = language
    }

    private struct Versioned: Codable {
        var version: Int
        var request: LinkRequest
    }

    private struct Version: Decodable {
        var version: Int
    }

    func encoded() throws -> Data {
        try JSONEncoder().encode(Versioned(version: Self.version, request: self))
    }

    init(decoding frame: ByteBuffer) throws {
        let (data, decoder) = (Data(frame.readableBytesView), JSONDecoder())
        guard let found = try? decoder.decode(Version.self, from: data) else {
            throw LinkError.malformed(why: "a request that is no JSON with a version")
        }
        guard found.version == Self.version else { throw LinkError.otherVersion(found.version) }
        do {
            self = try decoder.decode(Versioned.self, from: data).request
        } catch {
            throw LinkError.malformed(why: "a request without arguments, folder or language")
        }
    }
}

/// What a server says: a piece of output, or the end.
struct LinkAnswer: Codable {
    var out: String?
    var err: String?
    /// Exit code; nothing follows.
    var exit: Int32?

    func encoded() throws -> Data { try JSONEncoder().encode(self) }
}

/// Why a command does not get through to the server, or its answer not back.
public enum LinkError: CodedError, Equatable {
    /// The client runs as a user who may not use the server.
    case notAllowed(user: UInt32)
    /// Something else than a request came in.
    case malformed(why: String)
    /// Client and server are different versions.
    case otherVersion(Int)
    /// A command line longer than the server takes.
    case tooLong(bytes: Int)
    /// Too many commands at once.
    case busy(limit: Int)
    /// The server went away before the command's end.
    case serverGone
    /// The socket cannot be made.
    case cannotListen(path: String, cause: String)
    /// The socket is there and cannot be reached.
    case unreachable(path: String, cause: String)

    public var code: String {
        switch self {
        case .notAllowed: "link.not_allowed"
        case .malformed: "link.malformed"
        case .otherVersion: "link.other_version"
        case .tooLong: "link.too_long"
        case .busy: "link.busy"
        case .serverGone: "link.server_gone"
        case .cannotListen: "link.cannot_listen"
        case .unreachable: "link.unreachable"
        }
    }

    public var description: String {
        switch self {
        case .notAllowed(let user):
            "user \(user) may not use this server; run the command as the user who runs the server, or as root"
        case .malformed(let why): "the server got \(why); only gyre itself speaks on this socket"
        case .otherVersion(let version):
            "the command speaks version \(version) of the link, the server version \(LinkRequest.version); "
                + "use the gyre that runs the server"
        case .tooLong(let bytes):
            "a command line of \(bytes) bytes is longer than the \(LinkRequest.maximumBytes) that the server takes"
        case .busy(let limit): "the server runs \(limit) commands already; try again when one has ended"
        case .serverGone:
            "the server ended before the command did; start it again and look whether the command took effect"
        case .cannotListen(let path, let cause):
            "cannot listen on \(path) (\(cause)); the data directory must be on a file system with Unix sockets"
        case .unreachable(let path, let cause):
            "cannot reach the server through \(path) (\(cause)); run the command as the user who runs the server"
        }
    }
}

/// Takes frames apart: four bytes of length, most significant first, then that many bytes.
struct FrameDecoder: ByteToMessageDecoder {
    typealias InboundOut = ByteBuffer

    /// Longest frame, in bytes.
    let maximumBytes: Int

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        if let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self), length > maximumBytes {
            throw LinkError.malformed(why: "a frame of \(length) bytes, more than \(maximumBytes)")
        }
        guard let frame = buffer.readLengthPrefixedSlice(as: UInt32.self) else { return .needMoreData }
        context.fireChannelRead(wrapInboundOut(frame))
        return .continue
    }
}

/// Frames in both directions.
typealias LinkChannel = NIOAsyncChannel<ByteBuffer, ByteBuffer>

extension LinkChannel {
    /// Frames over a connection that has just been made.
    static func frames(over channel: any Channel, maximumBytes: Int) throws -> LinkChannel {
        try channel.pipeline.syncOperations.addHandler(
            ByteToMessageHandler(FrameDecoder(maximumBytes: maximumBytes))
        )
        return try LinkChannel(wrappingChannelSynchronously: channel)
    }
}

extension Channel {
    /// Writes a frame; the future is done when the system has taken all before it as well.
    func send(_ payload: Data) throws -> EventLoopFuture<Void> {
        var buffer = allocator.buffer(capacity: payload.count + 4)
        try buffer.writeLengthPrefixed(as: UInt32.self) { $0.writeBytes(payload) }
        return writeAndFlush(buffer)
    }
}

/// A data directory held open, so that the socket in it has a short name however long its path is: the system takes
/// at most 107 bytes (unix(7)).
final class SocketPlace: Sendable {
    static let name = "gyre.sock"

    /// The path to tell people.
    let path: String
    private let folder: Int32

    init(directory: String) throws {
        path = "\(directory)/\(Self.name)"
        folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw LinkError.unreachable(path: path, cause: String(cString: strerror(errno))) }
    }

    deinit { close(folder) }

    /// The path to give the system.
    var shortPath: String { "/proc/self/fd/\(folder)/\(Self.name)" }

    /// Lets the owner alone connect.
    func restrict() throws {
        guard fchmodat(folder, Self.name, 0o600, 0) == 0 else {
            throw LinkError.cannotListen(path: path, cause: String(cString: strerror(errno)))
        }
    }

    func remove() { unlinkat(folder, Self.name, 0) }
}
