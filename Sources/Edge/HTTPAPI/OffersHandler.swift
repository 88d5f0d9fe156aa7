// Offers at touchpoints, answered on the connection itself: the one route that customers wait for by the thousand.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Execution
import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Logging
import Model
import NIOCore
import NIOHTTP1
import Planning

/// Answers ordinary requests for offers without a task, a router and a gate, which cost more than the decision.
///
/// Ordinary is: a bearer token that was seen within the last seconds, of somebody who may serve every customer of the
/// operator; a short JSON body that is right; offers whose texts are known. Everything else, all errors among it, goes on
/// to the router as it came. That is safe at any time, since the same interaction gets the same answer again.
///
/// Answers keep the order of the requests (RFC 9112 section 9.3.2): nothing is answered here while the router owes an
/// answer on the connection, and what comes while an answer is on its way here waits.
final class OffersHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// A request that may be ordinary.
    private struct Asked {
        var head: HTTPRequestHead
        var touchpoint: Touchpoint
        var staff: Staff
        var body = ByteBuffer()
        let begin = ContinuousClock.now
    }

    private enum Waiting {
        case part(NIOAny)
        case event(Any)
        case error(any Error)
    }

    private let site: Site
    /// The request that is being read.
    private var asked: Asked?
    private var isAnswering = false
    /// What came while an answer was on its way.
    private var waiting = CircularBuffer<Waiting>()
    private var isReadWaiting = false
    /// Answers that the router owes.
    private var owed = 0
    /// Whether the client said that it asks nothing more (RFC 9112 section 9.6).
    private var isLast = false
    /// Where bytes are written as they are.
    private var wire: ChannelHandlerContext?
    /// The time of the last answer in seconds and as HTTP writes it.
    private var date: (second: Int64, text: String) = (0, "")

    /// Longer bodies go to the router.
    private static let longestBody = 4096
    /// With so many parts waiting nothing more is read.
    private static let mostWaiting = 64
    private static let path = Site.offersPath.split(separator: "{touchpoint}").map { Array($0.utf8) }
    /// The head of every answer, up to what differs.
    private static let head =
        "HTTP/1.1 200 OK\r\nContent-Type: \(Response.jsonType)\r\nCache-Control: \(Gate.notKept)\r\n"
        + Gate.headers.map { "\($0.name?.canonicalName ?? ""): \($0.value)\r\n" }.joined()

    init(site: Site) { self.site = site }

    func handlerAdded(context: ChannelHandlerContext) {
        wire = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { wire = nil }

    // MARK: What comes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isAnswering else { return waiting.append(.part(data)) }
        take(data, context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The end of the connection must not overtake an answer.
        guard !isAnswering else { return waiting.append(.event(event)) }
        giveUp(context)
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isAnswering else { return waiting.append(.error(error)) }
        giveUp(context)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        asked = nil
        waiting.removeAll()
        context.fireChannelInactive()
    }

    func read(context: ChannelHandlerContext) {
        isReadWaiting = waiting.count > Self.mostWaiting
        if !isReadWaiting { context.read() }
    }

    private func take(_ data: NIOAny, _ context: ChannelHandlerContext) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            asked = owed == 0 && !isLast ? ordinary(head) : nil
            guard asked == nil else { return }
            owed += 1
            if !head.isKeepAlive { isLast = true }
        case .body(let part):
            guard let read = asked?.body.readableBytes else { break }
            if read + part.readableBytes <= Self.longestBody {
                asked?.body.writeImmutableBuffer(part)
                return
            }
            giveUp(context)
        case .end(let trailers):
            guard let whole = asked else { break }
            if trailers == nil, answer(whole, context) {
                asked = nil
                isAnswering = true
                return
            }
            giveUp(context)
        }
        context.fireChannelRead(data)
    }

    /// Lets the router have the request that is being read.
    private func giveUp(_ context: ChannelHandlerContext) {
        guard let asked else { return }
        self.asked = nil
        owed += 1
        context.fireChannelRead(wrapInboundOut(.head(asked.head)))
        if asked.body.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(.body(asked.body))) }
    }

    /// Goes on with what waited for the answer.
    private func goOn(_ context: ChannelHandlerContext) {
        isAnswering = false
        guard !waiting.isEmpty || isReadWaiting else { return }
        while !isAnswering, let next = waiting.popFirst() {
            switch next {
            case .part(let part): take(part, context)
            case .event(let event): userInboundEventTriggered(context: context, event: event)
            case .error(let error): errorCaught(context: context, error: error)
            }
        }
        context.fireChannelReadComplete()
        if isReadWaiting { read(context: context) }
    }

    // MARK: What goes out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { owed = max(0, owed - 1) }
        context.write(data, promise: promise)
    }

    /// A request whose head is ordinary.
    private func ordinary(_ head: HTTPRequestHead) -> Asked? {
        let uri = head.uri.utf8
        guard wire != nil, head.method == .POST, head.version == .http1_1, head.isKeepAlive,
            uri.starts(with: Self.path[0]),
            uri.suffix(Self.path[1].count).elementsEqual(Self.path[1]),
            let code = String(uri.dropFirst(Self.path[0].count).dropLast(Self.path[1].count)),
            let touchpoint = Touchpoint(code: code)
        else { return nil }
        var (isJSON, token): (Bool, String?) = (false, nil)
        // A field that comes twice is none of ours to interpret.
        for (name, value) in head.headers {
            switch name.utf8.count {
            case 6 where name.lowercased() == "expect": return nil
            case 12 where name.lowercased() == "content-type":
                guard !isJSON, value == "application/json" else { return nil }
                isJSON = true
            case 13 where name.lowercased() == "authorization":
                guard token == nil, value.utf8.starts(with: "Bearer ".utf8) else { return nil }
                token = String(value.utf8.dropFirst(7))
            default: break
            }
        }
        guard isJSON, let token, let staff = site.accounts.keptStaff(token: token), staff.may(.serve),
            staff.scope == .all
        else { return nil }
        return Asked(head: head, touchpoint: touchpoint, staff: staff)
    }

    /// Asks the decision core; false when the request is not ordinary.
    private func answer(_ asked: Asked, _ context: ChannelHandlerContext) -> Bool {
        guard
            let wanted = OffersWanted(plain: asked.body.readableBytesView)
                ?? (try? JSONDecoder().decode(OffersWanted.self, from: Data(asked.body.readableBytesView))),
            !wanted.wantsHistory, let limit = try? wanted.mostOffers(), let cause = try? wanted.cause(),
            let index = try? site.lists.subscriber(wanted.number)
        else { return false }
        let (loop, here) = (context.eventLoop, NIOLoopBound((self, context), eventLoop: context.eventLoop))
        site.platform.touchpoints.decide(
            interaction: wanted.interaction,
            of: index,
            at: asked.touchpoint,
            entrance: cause,
            limit: limit,
            campaigns: wanted.onlyCampaigns,
            now: site.platform.clock.now
        ) { decision in
            loop.execute {
                let (handler, context) = here.value
                if let answer = decision.flatMap(handler.site.platform.touchpoints.presented) {
                    // Goes on when the socket took it: who does not read his answers gets no more of them.
                    let written = context.eventLoop.makePromise(of: Void.self)
                    written.futureResult.whenComplete { _ in here.value.0.goOn(here.value.1) }
                    handler.write(Site.text(of: answer, in: wanted.interaction), to: asked, written)
                } else {
                    handler.asked = asked
                    handler.giveUp(context)
                    context.fireChannelRead(handler.wrapInboundOut(.end(nil)))
                    context.fireChannelReadComplete()
                    handler.goOn(context)
                }
            }
        }
        return true
    }

    private func write(_ body: ByteBuffer, to asked: Asked, _ written: EventLoopPromise<Void>) {
        let id = RequestID().description
        var bytes = ByteBuffer()
        bytes.reserveCapacity(Self.head.utf8.count + 160 + body.readableBytes)
        bytes.writeString(Self.head)
        bytes.writeString("Content-Length: \(body.readableBytes)\r\nDate: \(dateText())\r\nX-Request-Id: \(id)\r\n\r\n")
        bytes.writeImmutableBuffer(body)
        if let wire {
            wire.writeAndFlush(NIOAny(IOData.byteBuffer(bytes)), promise: written)
        } else {
            written.fail(ChannelError.ioOnClosedChannel)
        }
        var logger = site.logger
        logger[metadataKey: "hb.request.id"] = .string(id)
        site.record(
            Answered(
                method: "POST",
                route: Site.offersPath,
                status: 200,
                who: asked.staff,
                elapsed: ContinuousClock.now - asked.begin
            ),
            logger
        )
    }

    private func dateText() -> String {
        let second = Int64(Date.now.timeIntervalSince1970)
        if second != date.second { date = (second, HTTPDate.text(of: second)) }
        return date.text
    }
}

/// Times as HTTP writes them (RFC 9110 section 5.6.7).
enum HTTPDate {
    private static let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// For example `Sun, 06 Nov 1994 08:49:37 GMT`; `second` counts from 1970 on.
    static func text(of second: Int64) -> String {
        let day = LocalDay(number: Int32(second / 86_400))
        let (year, month, number) = day.components
        let time = [second / 3600 % 24, second / 60 % 60, second % 60].map(padded).joined(separator: ":")
        return "\(days[day.weekday - 1]), \(padded(Int64(number))) \(months[month - 1]) \(year) \(time) GMT"
    }

    private static func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
