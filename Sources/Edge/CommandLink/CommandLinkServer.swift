// The server's end of the link: takes command lines, has them run, sends back what they say.
// SPDX-License-Identifier: Apache-2.0

import Glibc
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle
import Synchronization

/// Listens on `gyre.sock` in a data directory that this process has locked.
///
/// Only the user who runs the process, and root, may connect. A command is cancelled when its client goes away and
/// when the server shuts down; shutting down waits for its end. What a client does wrong is told to that client and
/// harms nobody else.
public final class CommandLinkServer: Service {
    /// Runs a command and returns its exit code; cancelled when nobody waits for it any more.
    public typealias Answer = @Sendable (LinkRequest, any CommandOutput) async -> Int32

    /// Clients at once; each further one is refused.
    static let limit = 32
    /// What a client has to say what it wants.
    static let patience = TimeAmount.seconds(10)

    private let directory: String
    private let logger: Logger
    private let onListening: @Sendable () -> Void
    private let answer: Answer
    private let clients = Atomic(0)

    /// Listens once ``run()`` is called.
    ///
    /// - Parameters:
    ///   - directory: The data directory; a socket that a dead server left there is replaced.
    ///   - logger: Told of clients that were refused.
    ///   - onListening: Called when clients can connect.
    ///   - answer: Runs a command; several at once.
    public init(
        directory: String,
        logger: Logger,
        onListening: @escaping @Sendable () -> Void = {},
        answer: @escaping Answer
    ) {
        self.directory = directory
        self.logger = logger
        self.onListening = onListening
        self.answer = answer
    }

    /// Runs until graceful shutdown; then the socket is gone and all commands have ended.
    ///
    /// - Throws: ``LinkError/cannotListen(path:cause:)``.
    public func run() async throws {
        let place = try SocketPlace(directory: directory)
        let listener = try await listen(place)
        defer { place.remove() }
        try await listener.executeThenClose { connections in
            try place.restrict()
            onListening()
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections.cancelOnGracefulShutdown() {
                    group.addTask { await self.serve(connection) }
                }
                group.cancelAll()
            }
        }
    }

    private func listen(_ place: SocketPlace) async throws -> NIOAsyncChannel<LinkChannel, Never> {
        do {
            return try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .bind(unixDomainSocketPath: place.shortPath, cleanupExistingSocketFile: true) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try LinkChannel.frames(over: channel, maximumBytes: LinkRequest.maximumBytes)
                    }
                }
        } catch {
            throw LinkError.cannotListen(path: place.path, cause: "\(error)")
        }
    }

    private func serve(_ client: LinkChannel) async {
        let number = clients.add(1, ordering: .relaxed).newValue
        defer { clients.subtract(1, ordering: .relaxed) }
        do {
            try await client.executeThenClose { requests, _ in
                do {
                    try await converse(client.channel, requests, number: number)
                } catch let error as LinkError {
                    logger.notice("command refused", metadata: ["error": "\(error)"])
                    let output = LinkOutput(channel: client.channel)
                    output.write("gyre: \(error)\n", to: .err)
                    try await output.end(code: 1)
                }
            }
        } catch {
            // The client is gone, and with it all interest in the command.
            logger.debug("client lost", metadata: ["error": "\(error)"])
        }
    }

    /// Lets in the user who runs the server, and root.
    private func admit(_ channel: any Channel, number: Int) async throws {
        guard let socket = channel as? any SocketOptionProvider else { throw LinkError.notAllowed(user: .max) }
        let peer: PeerCredentials = try await socket.unsafeGetSocketOption(
            level: .socket,
            name: .init(rawValue: SO_PEERCRED)
        )
        .get()
        guard peer.uid == geteuid() || peer.uid == 0 else { throw LinkError.notAllowed(user: peer.uid) }
        guard number <= Self.limit else { throw LinkError.busy(limit: Self.limit) }
    }

    /// Runs the one command of a connection until its end or that of the connection.
    private func converse(
        _ channel: any Channel,
        _ requests: NIOAsyncChannelInboundStream<ByteBuffer>,
        number: Int
    ) async throws {
        let deadline = channel.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
        defer { deadline.cancel() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            var isAsked = false
            for try await frame in requests {
                guard !isAsked else { throw LinkError.malformed(why: "a second request on one connection") }
                isAsked = true
                deadline.cancel()
                try await admit(channel, number: number)
                let request = try LinkRequest(decoding: frame)
                group.addTask {
                    let output = LinkOutput(channel: channel)
                    try await output.end(code: self.answer(request, output))
                    try await channel.close()
                }
            }
            group.cancelAll()
        }
    }
}

/// `struct ucred` of unix(7): who is at the other end, said by the system.
private struct PeerCredentials {
    var process: Int32
    var uid: UInt32
    var gid: UInt32
}

/// A command's output on its way to the client.
struct LinkOutput: CommandOutput {
    /// What a client has to take its answer when the server shuts down.
    static let patience = TimeAmount.seconds(2)

    let channel: any Channel

    func write(_ text: String, to stream: CommandStream) {
        let answer = stream == .out ? LinkAnswer(out: text) : LinkAnswer(err: text)
        // A client that is gone misses nothing; the end of its connection cancels the command.
        _ = try? channel.send(answer.encoded())
    }

    /// Ends the conversation; returns when the client has been sent everything.
    func end(code: Int32) async throws {
        let sent = try channel.send(LinkAnswer(exit: code).encoded())
        try await withTaskCancellationHandler {
            try await sent.get()
        } onCancel: {
            channel.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
        }
    }
}
