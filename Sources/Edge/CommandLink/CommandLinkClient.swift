// The client's end of the link: has a running server do a command.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix

/// Has commands run by the process that owns a data directory.
public enum CommandLinkClient {
    /// Sends a command to the server of a data directory and passes on what it says.
    ///
    /// Ending the calling process ends the command.
    ///
    /// - Parameters:
    ///   - request: The command.
    ///   - directory: The data directory.
    ///   - output: Gets what the command writes.
    /// - Returns: The command's exit code; nil when nobody listens in the directory.
    /// - Throws: ``LinkError``.
    public static func run(
        _ request: LinkRequest,
        in directory: String,
        output: some CommandOutput
    ) async throws -> Int32? {
        let place = try SocketPlace(directory: directory)
        let asked = try request.encoded()
        guard asked.count <= LinkRequest.maximumBytes else { throw LinkError.tooLong(bytes: asked.count) }
        guard let server = try await connect(place) else { return nil }
        do {
            return try await server.executeThenClose { answers, _ in
                try await server.channel.send(asked).get()
                return try await pass(answers, to: output)
            }
        } catch is IOError {
            throw LinkError.serverGone
        }
    }

    /// Passes on output until the end; returns the exit code.
    private static func pass(
        _ answers: NIOAsyncChannelInboundStream<ByteBuffer>,
        to output: some CommandOutput
    ) async throws -> Int32 {
        let decoder = JSONDecoder()
        for try await frame in answers {
            let answer = try decoder.decode(LinkAnswer.self, from: Data(frame.readableBytesView))
            if let text = answer.out { output.write(text, to: .out) }
            if let text = answer.err { output.write(text, to: .err) }
            if let code = answer.exit { return code }
        }
        throw LinkError.serverGone
    }

    private static func connect(_ place: SocketPlace) async throws -> LinkChannel? {
        do {
            return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(unixDomainSocketPath: place.shortPath) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try LinkChannel.frames(over: channel, maximumBytes: .max)
                    }
                }
        } catch let error as IOError where [ENOENT, ECONNREFUSED].contains(error.errnoCode) {
            return nil
        } catch {
            throw LinkError.unreachable(path: place.path, cause: "\(error)")
        }
    }
}
