// The link between commands and server: who may speak, what may be said, and what becomes of a broken conversation.
// SPDX-License-Identifier: Apache-2.0

import CommandLink
import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing

@Suite struct CommandLinkTests {
    /// Keeps what a command wrote.
    private final class Written: CommandOutput {
        private let texts = Mutex((out: "", err: ""))
        var out: String { texts.withLock { $0.out } }
        var err: String { texts.withLock { $0.err } }

        func write(_ text: String, to stream: CommandStream) {
            texts.withLock { if stream == .out { $0.out += text } else { $0.err += text } }
        }
    }

    private static let request = LinkRequest(arguments: ["a", "b c"], folder: "/tmp", language: "zh-CN")

    /// Says what it was asked, unless it was asked to wait.
    private static let echo: CommandLinkServer.Answer = { request, output in
        if request.arguments == ["wait"] {
            output.write("waiting\n", to: .err)
            do { try await Task.sleep(for: .seconds(60)) } catch { output.write("cancelled\n", to: .err) }
            return 3
        }
        output.write(request.arguments.joined(separator: "|") + "\n", to: .out)
        output.write(request.folder + " " + request.language + "\n", to: .err)
        return 7
    }

    /// Runs a server in a folder of its own while `body` runs; graceful shutdown ends it.
    private func serving(
        _ answer: @escaping CommandLinkServer.Answer = echo,
        in folder: String = FileManager.default.temporaryDirectory.path + "/gyre-link-\(UUID().uuidString)",
        _ body:
            @escaping @Sendable (_ folder: String, _ stop: @escaping @Sendable () async -> Void) async throws -> Void
    ) async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (listening, isListening) = AsyncStream.makeStream(of: Void.self)
        let logger = Logger(label: "link") { _ in SwiftLogNoOpLogHandler() }
        let server = CommandLinkServer(
            directory: folder,
            logger: logger,
            onListening: { isListening.finish() },
            answer: answer
        )
        let group = ServiceGroup(services: [server], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await _ in listening {}
            tasks.addTask {
                try await body(folder) { await group.triggerGracefulShutdown() }
                await group.triggerGracefulShutdown()
            }
            try await tasks.waitForAll()
        }
        #expect(!FileManager.default.fileExists(atPath: folder + "/gyre.sock"), "the socket goes with the server")
    }

    /// Sends bytes as they are and returns everything that comes back.
    private static func say(_ bytes: [UInt8], in folder: String) async throws -> String {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(unixDomainSocketPath: folder + "/gyre.sock") { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, _ in
            try await channel.channel.writeAndFlush(ByteBuffer(bytes: bytes))
            var said = ""
            for try await part in inbound { said += String(buffer: part) }
            return said
        }
    }

    private static func frame(_ text: String) -> [UInt8] {
        withUnsafeBytes(of: UInt32(text.utf8.count).bigEndian) { Array($0) } + Array(text.utf8)
    }

    @Test func `a command's words, both streams and the exit code come through`() async throws {
        try await serving { folder, _ in
            let written = Written()
            let code = try await CommandLinkClient.run(Self.request, in: folder, output: written)
            #expect(code == 7)
            #expect(written.out == "a|b c\n")
            #expect(written.err == "/tmp zh-CN\n")
        }
    }

    @Test func `a path longer than the system's limit for sockets is no obstacle`() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/gyre-link-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await serving(in: folder + "/" + String(repeating: "long", count: 50)) { folder, _ in
            let code = try await CommandLinkClient.run(Self.request, in: folder, output: Written())
            #expect(code == 7)
        }
    }

    @Test func `only the owner can open the socket, and without a server there is no answer`() async throws {
        try await serving { folder, stop in
            let rights = try FileManager.default.attributesOfItem(atPath: folder + "/gyre.sock")[.posixPermissions]
            #expect(rights as? Int == 0o600)
            let elsewhere = FileManager.default.temporaryDirectory.path
            #expect(try await CommandLinkClient.run(Self.request, in: elsewhere, output: Written()) == nil)
        }
    }

    @Test func `what is no request of this version is refused in words, and the server goes on`() async throws {
        try await serving { folder, _ in
            let other = #"{"version":2,"command":{}}"#
            for (bytes, expected) in [
                (Array("GET / HTTP/1.1\r\n\r\n".utf8), "more than 1048576"), ([255, 255, 255, 255, 0], "more than"),
                (Self.frame("garbage"), "no JSON with a version"), (Self.frame(""), "no JSON with a version"),
                (Self.frame(other), "version 2 of the link, the server version 1"),
                (Self.frame(#"{"version":1,"request":{"arguments":3}}"#), "without arguments"),
            ] {
                let said = try await Self.say(bytes, in: folder)
                #expect(said.contains(expected), "\(bytes.prefix(20)): \(said)")
                #expect(said.hasSuffix(#"{"exit":1}"#))
            }
            let long = LinkRequest(arguments: [String(repeating: "x", count: 1 << 20)], folder: "/", language: "en")
            await #expect(throws: LinkError.self) {
                try await CommandLinkClient.run(long, in: folder, output: Written())
            }
            #expect(try await CommandLinkClient.run(Self.request, in: folder, output: Written()) == 7)
        }
    }

    @Test func `a client that goes away cancels its command and nothing else`() async throws {
        let (ended, hasEnded) = AsyncStream.makeStream(of: Bool.self)
        try await serving { request, output in
            let code = await Self.echo(request, output)
            if code == 3 { hasEnded.yield(Task.isCancelled) }
            return code
        } _: { folder, _ in
            let written = Written()
            let client = Task {
                var wait = Self.request
                wait.arguments = ["wait"]
                return try await CommandLinkClient.run(wait, in: folder, output: written)
            }
            while written.err.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
            client.cancel()
            for await isCancelled in ended {
                #expect(isCancelled)
                break
            }
            _ = await client.result
            #expect(try await CommandLinkClient.run(Self.request, in: folder, output: Written()) == 7)
        }
    }

    @Test func `shutting down cancels commands and tells their clients`() async throws {
        try await serving { folder, stop in
            let written = Written()
            async let code = CommandLinkClient.run(
                LinkRequest(arguments: ["wait"], folder: "/", language: "en"),
                in: folder,
                output: written
            )
            while written.err.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
            await stop()
            #expect(try await code == 3)
            #expect(written.err == "waiting\ncancelled\n")
        }
    }

    @Test func `one client too many is told so`() async throws {
        try await serving { folder, _ in
            try await withThrowingTaskGroup(of: (Int32?, String).self) { clients in
                for _ in 0..<40 {
                    clients.addTask {
                        let written = Written()
                        let wait = LinkRequest(arguments: ["wait"], folder: "/", language: "en")
                        return (try await CommandLinkClient.run(wait, in: folder, output: written), written.err)
                    }
                }
                for _ in 0..<8 {
                    let (code, said) = try #require(try await clients.next())
                    #expect(code == 1)
                    #expect(said.contains("runs 32 commands already"))
                }
                clients.cancelAll()
                while (try? await clients.next()) != nil {}
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func `another user is refused even when the socket's mode lets him in`()
        async throws
    {
        try await serving { folder, _ in
            #expect(chmod(folder, 0o777) == 0 && chmod(folder + "/gyre.sock", 0o777) == 0)
            let script = """
                import os, socket, sys
                os.setuid(65534)
                link = socket.socket(socket.AF_UNIX)
                link.connect(sys.argv[1])
                link.sendall(b"\\0\\0\\0\\2{}")
                print(b"".join(iter(lambda: link.recv(4096), b"")).decode())
                """
            let said = try await Program.run("/usr/bin/python3", ["-Ic", script, folder + "/gyre.sock"])
            #expect(said.out.contains("user 65534 may not use this server"), "\(said)")
        }
    }
}
