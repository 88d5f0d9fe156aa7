// Requests for offers on a connection: what is answered there, what goes on to the router, and in which order.
// SPDX-License-Identifier: Apache-2.0

import Execution
import Foundation
import HTTPTypes
import Kernel
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HTTPAPI

@Suite(.timeLimit(.minutes(10))) struct OffersHandlerTests {
    private static let path = "/api/v1/touchpoints/hotline/offers"

    /// A connection whose router only takes down what it gets.
    private struct Connection {
        let channel: NIOAsyncTestingChannel
        let token: String
        private let accounts: Accounts

        init(_ world: APIWorld, as login: String = "agent") async throws {
            token = try await world.token(login)
            accounts = world.site.accounts
            channel = NIOAsyncTestingChannel()
            let site = world.site
            try await channel.testingEventLoop.executeInContext { [channel] in
                try channel.pipeline.syncOperations.addHandlers([HTTPResponseEncoder(), OffersHandler(site: site)])
            }
        }

        /// Does something on the connection's loop while the session is known, as after a request through the gate.
        ///
        /// It is known for some seconds only, and any change of staff forgets it, so that is seen to on the loop itself.
        func whileSessionIsKnown(_ body: @escaping @Sendable () throws -> Void) async throws {
            for _ in 0..<1_000 {
                _ = try await accounts.staff(token: token)
                let isDone = try await channel.testingEventLoop.executeInContext {
                    guard accounts.keptStaff(token: token) != nil else { return false }
                    try body()
                    return true
                }
                if isDone { return }
            }
            throw EdgeError.notFound("session")
        }

        func ask(
            _ body: String,
            path: String = OffersHandlerTests.path,
            method: NIOHTTP1.HTTPMethod = .POST,
            version: HTTPVersion = .http1_1,
            changing headers: [String: String?] = [:],
            adding header: (name: String, value: String)? = nil
        ) async throws {
            var all = HTTPHeaders([("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")])
            for (name, value) in headers {
                all.remove(name: name)
                if let value { all.add(name: name, value: value) }
            }
            if let header { all.add(name: header.name, value: header.value) }
            let head = HTTPRequestHead(version: version, method: method, uri: path, headers: all)
            let pipeline = channel.pipeline
            try await whileSessionIsKnown {
                pipeline.fireChannelRead(HTTPServerRequestPart.head(head))
                pipeline.fireChannelRead(HTTPServerRequestPart.body(ByteBuffer(string: body)))
                pipeline.fireChannelRead(HTTPServerRequestPart.end(nil))
                pipeline.fireChannelReadComplete()
            }
        }

        /// The next answer that the connection gave itself: head and body.
        func answer() async throws -> (head: [Substring], body: String) {
            guard case .byteBuffer(let bytes) = try await next({ try await channel.readOutbound(as: IOData.self) })
            else { throw EdgeError.notFound("answer") }
            let text = String(buffer: bytes)
            let end = try #require(text.range(of: "\r\n\r\n"))
            return (text[..<end.lowerBound].split(separator: "\r\n"), String(text[end.upperBound...]))
        }

        /// A request that the router got, whole.
        func passedOn() async throws -> (head: HTTPRequestHead, body: String) {
            guard case .head(let head) = try await part() else { throw EdgeError.notFound("head") }
            var body = ByteBuffer()
            while case .body(let part) = try await part() { body.writeImmutableBuffer(part) }
            return (head, String(buffer: body))
        }

        private func part() async throws -> HTTPServerRequestPart {
            try await next { try await channel.readInbound(as: HTTPServerRequestPart.self) }
        }

        /// Waits for what comes out of the connection on one side, but not for ever.
        private func next<Part>(_ read: () async throws -> Part?) async throws -> Part {
            for _ in 0..<30_000 {
                await channel.testingEventLoop.run()
                if let part = try await read() { return part }
                try await Task.sleep(for: .milliseconds(1))
            }
            throw EdgeError.notFound("part")
        }

        /// Answers for the router.
        func answerForRouter() async throws {
            let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Length": "0"])
            try await channel.writeAndFlush(HTTPServerResponsePart.head(head))
            try await channel.writeAndFlush(HTTPServerResponsePart.end(nil))
            // The head, and an end that is empty.
            for _ in 0..<2 { _ = try await next { try await channel.readOutbound(as: IOData.self) } }
        }
    }

    private static func body(_ number: String, _ interaction: String) -> String {
        #"{"number":"\#(number)","interaction":"\#(interaction)"}"#
    }

    @Test func `an ordinary request is answered on the connection as the router would`() async throws {
        let world = try await APIWorld.shared
        let (number, visit) = (try await world.number(11), "handler-\(UUID().uuidString)")
        let connection = try await Connection(world)
        try await connection.ask(Self.body(number, visit))
        let own = try await connection.answer()
        let routed = try await world.signedIn("agent").post(Self.path, ["number": number, "interaction": visit])
        #expect(routed.status == 200 && own.body == routed.text)
        #expect(own.head.first == "HTTP/1.1 200 OK")
        let headers = Dictionary(
            uniqueKeysWithValues: try own.head.dropFirst().map { line in
                let colon = try #require(line.firstIndex(of: ":"))
                return (line[..<colon].lowercased(), line[colon...].dropFirst(2))
            }
        )
        for field in routed.headers where field.name.canonicalName != "x-request-id" {
            #expect(headers[field.name.canonicalName].map(String.init) == field.value, "\(field.name)")
        }
        #expect(headers["content-length"] == "\(own.body.utf8.count)")
        #expect(headers["date"]?.hasSuffix(" GMT") == true && headers["x-request-id"]?.isEmpty == false)
        let line = try #require(world.logs.all.last { $0.contains("\(headers["x-request-id"] ?? "-")") })
        #expect(line.contains("{touchpoint}") && line.contains("agent") && !line.contains(number))

        try await connection.ask(#"{"interaction":"\u0068\#(visit.dropFirst())","number":"\#(number)","limit":3}"#)
        #expect(try await connection.answer().body == own.body, "whatever way it is written")
    }

    @Test func `what is not ordinary goes on to the router as it came`() async throws {
        let world = try await APIWorld.shared
        let number = try await world.number(12)
        let good = Self.body(number, "handler-x")
        let agent = try await Connection(world)
        func expectPassedOn(
            _ connection: Connection,
            _ body: String = good,
            path: String = OffersHandlerTests.path,
            method: NIOHTTP1.HTTPMethod = .POST,
            version: HTTPVersion = .http1_1,
            changing headers: [String: String?] = [:]
        ) async throws {
            try await connection.ask(body, path: path, method: method, version: version, changing: headers)
            let passed = try await connection.passedOn()
            #expect(passed.body == body && passed.head.uri == path && passed.head.method == method)
            try await connection.answerForRouter()
        }
        for body in [
            "", "{", "[]", #"{"number":"\#(number)"}"#, Self.body("12345", "x"), Self.body("13999999999", "x"),
            Self.body(number, ""), Self.body(number, String(repeating: "x", count: 129)),
            Self.body(number, String(repeating: "x", count: 5_000)),
            #"{"number":"\#(number)","interaction":"x","limit":9}"#,
            #"{"number":"\#(number)","interaction":"x","entrance":"wave"}"#,
            #"{"number":"\#(number)","interaction":"x","history":true}"#,
            #"{"number":"\#(number)","interaction":"x","campaigns":[-1,"a"]}"#,
        ] {
            try await expectPassedOn(agent, body)
        }
        for path in [
            "/api/v1/touchpoints/fax/offers", "/api/v1/touchpoints/hotline/results", Self.path + "?x=1",
            Self.path + "/", "/api/v1/touchpoints/offers", "/",
        ] {
            try await expectPassedOn(agent, path: path)
        }
        try await expectPassedOn(agent, method: .PUT)
        try await expectPassedOn(try await Connection(world), version: .http1_0)
        for headers: [String: String?] in [
            ["Authorization": nil], ["Authorization": "Bearer x"], ["Authorization": "Basic x"],
            ["Content-Type": "text/plain"], ["Content-Type": nil], ["Expect": "100-continue"],
        ] {
            try await expectPassedOn(agent, changing: headers)
        }
        for (name, value) in [("Authorization", "Bearer \(agent.token)"), ("Content-Type", "application/json")] {
            try await agent.ask(good, adding: (name, value))
            #expect(try await agent.passedOn().body == good, "\(name) twice")
            try await agent.answerForRouter()
        }
        // Who may not serve, or not serve everybody.
        try await expectPassedOn(try await Connection(world, as: "plan"))
        try await expectPassedOn(try await Connection(world, as: "lanzhou"))
        // The connection goes on as before.
        try await agent.ask(Self.body(number, "handler-after-\(UUID().uuidString)"))
        #expect(try await agent.answer().body.contains("handler-after"))
        // Behind a last request nothing is answered.
        try await expectPassedOn(agent, changing: ["Connection": "close"])
        try await expectPassedOn(agent)
    }

    @Test func `answers keep the order of the requests, and the end of the connection waits for them`() async throws {
        let world = try await APIWorld.shared
        let (number, run) = (try await world.number(13), UUID().uuidString)
        let connection = try await Connection(world)
        try await connection.ask(Self.body(number, "first-\(run)"))
        try await connection.ask("", path: "/metrics", method: .GET)
        try await connection.ask(Self.body(number, "third-\(run)"))
        #expect(try await connection.answer().body.contains("first-"))
        #expect(try await connection.passedOn().head.uri == "/metrics")
        #expect(try await connection.passedOn().body.contains("third-"), "the router answers both in their order")
        try await connection.answerForRouter()
        try await connection.answerForRouter()

        let ends = Ends()
        try await connection.channel.testingEventLoop.executeInContext {
            try connection.channel.pipeline.syncOperations.addHandler(ends.handler)
        }
        let asked = Self.body(number, "last-\(run)")
        // In one go, as a client that half-closes behind its request.
        try await connection.whileSessionIsKnown {
            let pipeline = connection.channel.pipeline
            let head = HTTPRequestHead(
                version: .http1_1,
                method: .POST,
                uri: Self.path,
                headers: ["Authorization": "Bearer \(connection.token)", "Content-Type": "application/json"]
            )
            pipeline.fireChannelRead(HTTPServerRequestPart.head(head))
            pipeline.fireChannelRead(HTTPServerRequestPart.body(ByteBuffer(string: asked)))
            pipeline.fireChannelRead(HTTPServerRequestPart.end(nil))
            pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            #expect(ends.count == 0, "not before the answer")
        }
        #expect(try await connection.answer().body.contains("last-"))
        try await connection.channel.testingEventLoop.executeInContext { #expect(ends.count == 1) }
    }

    /// Counts ends of the input; belongs to the connection's loop.
    private final class Ends: @unchecked Sendable {
        var count = 0
        var handler: Handler { Handler(ends: self) }

        final class Handler: ChannelInboundHandler {
            typealias InboundIn = HTTPServerRequestPart
            private let ends: Ends

            init(ends: Ends) { self.ends = ends }

            func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
                if case ChannelEvent.inputClosed = event { ends.count += 1 }
            }
        }
    }

    @Test(arguments: 0..<8) func `what is read without a decoder is what a decoder reads`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pieces = [
            "{", "}", "\"", ":", ",", " ", "\"number\"", "\"interaction\"", "\"138 0013-8000\"", "\"a\"", "\"\"",
            "\"\\u0061\"", "\"号\"", "null", "1", "\"limit\"", "\t", "[", "{\"number\":\"1\",\"interaction\":\"",
        ]
        var plain = 0
        for round in 0..<4_000 {
            var text = #"{"number":"13800138000","interaction":"visit-1"}"#
            if round % 2 == 0 {
                text = (0..<Int.random(in: 0..<12, using: &random)).map { _ in
                    pieces.randomElement(using: &random) ?? ""
                }.joined()
            } else {
                // One change to a body that is right.
                let place = text.utf8.index(
                    text.startIndex,
                    offsetBy: Int.random(in: 0..<text.utf8.count, using: &random)
                )
                text.replaceSubrange(place...place, with: pieces.randomElement(using: &random) ?? "")
            }
            let bytes = ByteBuffer(string: text)
            guard let read = OffersWanted(plain: bytes.readableBytesView) else { continue }
            plain += 1
            let decoded = try JSONDecoder().decode(OffersWanted.self, from: Data(text.utf8))
            #expect(read == decoded, "\(text)")
        }
        #expect(plain > 100, "the changes leave bodies that can be read")
    }

    @Test func `times are written as HTTP asks for`() {
        #expect(HTTPDate.text(of: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.text(of: 0) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(HTTPDate.text(of: 1_709_251_199) == "Thu, 29 Feb 2024 23:59:59 GMT")
    }
}
