// API: running campaigns: start, pause, resume, stop, test sends, live progress.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Model
import NIOCore
import Ports
import ServiceLifecycle

extension Site {
    private struct TestSend: Decodable {
        var numbers: [String]
    }

    private struct TestSent: Encodable {
        var accepted: Int
        var refused: Int
        var unknown: Int
    }

    func addRunRoutes() {
        post("\(Self.api)/campaigns/{id}/run", .runCampaigns) { [self] request, context in
            try await keys.once(request, context, isNeeded: true) { _ in
                let staff = try context.user()
                let campaign = try await campaign(try context.id(), for: staff)
                try await runner.start(campaign, by: staff.login)
                return try Response.json(JSONObject(campaign), status: .accepted)
            }
        }
        post("\(Self.api)/campaigns/{id}/pause", .runCampaigns) { [self] _, context in
            let staff = try context.user()
            let campaign = try await campaign(try context.id(), for: staff)
            return try await Response.json(JSONObject(runner.pause(campaign, by: staff.login)))
        }
        post("\(Self.api)/campaigns/{id}/resume", .runCampaigns) { [self] _, context in
            let staff = try context.user()
            let campaign = try await campaign(try context.id(), for: staff)
            return try await Response.json(JSONObject(runner.resume(campaign, by: staff.login)))
        }
        post("\(Self.api)/campaigns/{id}/stop", .runCampaigns) { [self] _, context in
            let staff = try context.user()
            let campaign = try await campaign(try context.id(), for: staff)
            return try await Response.json(JSONObject(runner.stop(campaign, by: staff.login)))
        }
        post("\(Self.api)/campaigns/{id}/test-send", .editCampaigns) { [self] request, context in
            try await keys.once(request, context, isNeeded: true) { request in
                let staff = try context.user()
                let campaign = try await campaign(try context.id(), for: staff)
                let input = try await request.json(TestSend.self, context)
                guard (1...20).contains(input.numbers.count) else {
                    throw EdgeError.badRequest(field: "numbers", why: "a test goes to 1 to 20 numbers")
                }
                let numbers = try Self.numbers(input.numbers)
                let results = try await runner.testSend(campaign, to: numbers, by: staff.login)
                let count = { (wanted: SubmitResult) in results.count { $0 == wanted } }
                return try Response.json(
                    TestSent(accepted: count(.accepted), refused: count(.refused), unknown: count(.unknown))
                )
            }
        }
        get("\(Self.api)/campaigns/{id}/progress", .viewCampaigns) { [self] request, context in
            let campaign = try await campaign(try context.id(), for: try context.user())
            if (request.headers[.accept] ?? "").contains("text/event-stream") {
                return await events(of: campaign, request)
            }
            guard let update = try await runner.progress(of: campaign) else {
                throw EdgeError.notFound("progress of campaign \(campaign.id.number)")
            }
            return try Response.json(JSONObject(update))
        }
    }

    /// Numbers as people write them.
    static func numbers(_ texts: [String]) throws(EdgeError) -> [MSISDN] {
        var numbers: [MSISDN] = []
        for (place, text) in texts.enumerated() {
            guard let number = MSISDN(normalising: text) else {
                throw .badRequest(field: "numbers[\(place)]", why: "this is no telephone number")
            }
            numbers.append(number)
        }
        return numbers
    }

    /// Progress as server-sent events until the campaign ends; a reader that comes back gets what it has not seen.
    private func events(of campaign: Campaign, _ request: Request) async -> Response {
        let seen = request.headers[.lastEventID].flatMap { Int($0) } ?? 0
        // What the log says now is the first event, when it is news.
        _ = try? await runner.progress(of: campaign)
        let updates = await runner.updates(of: campaign.id, after: seen)
        let heartbeat = settings.heartbeat
        var headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-cache"]
        headers[.noBuffering] = "no"
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody { writer in
                try await request.body.consumeWithCancellationOnInboundClose { _ in
                    try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
                    for try await part in Self.parts(of: updates, heartbeat: heartbeat) {
                        try await writer.write(ByteBuffer(string: part))
                    }
                }
                try await writer.finish(nil)
            }
        )
    }

    /// Events until the campaign ends, and between them a comment at each heartbeat.
    private static func parts(
        of updates: AsyncStream<RunUpdate>,
        heartbeat: Duration
    ) -> AsyncThrowingStream<String, any Error> {
        // A reader that is slow misses heartbeats and old progress, never the last event.
        let (parts, feed) = AsyncThrowingStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(64))
        let work = Task {
            await withTaskGroup { group in
                group.addTask {
                    while (try? await Task.sleep(for: heartbeat)) != nil { feed.yield(": alive\n\n") }
                }
                do {
                    for await update in updates.cancelOnGracefulShutdown() {
                        feed.yield(try event(update))
                        if update.progress.stage == .finished || update.progress.stage == .stopped { break }
                    }
                    feed.finish()
                } catch {
                    feed.finish(throwing: error)
                }
                group.cancelAll()
            }
        }
        feed.onTermination = { _ in work.cancel() }
        return parts
    }

    private static func event(_ update: RunUpdate) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let data = String(decoding: try encoder.encode(JSONObject(update)), as: UTF8.self)
        return "id: \(update.number)\nevent: progress\ndata: \(data)\n\n"
    }
}
