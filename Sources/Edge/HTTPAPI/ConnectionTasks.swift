// Where requests are worked on: on the thread that reads their connection, or away from it.
// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// Runs Swift tasks on an event loop (SE-0417).
///
/// A request that does little but wait for the decision core is read, answered and written by one thread; on the global
/// executor it would change threads four times, which costs more than the request itself.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

extension Site {
    /// HTTP/1.1 whose connections are worked on by their event loops, and that answers for offers before the router.
    var server: HTTPServerBuilder { HTTPServerBuilder { LoopedHTTP1(site: self, responder: $0) } }
}

private struct LoopedHTTP1: ServerChildChannel {
    private let site: Site
    private let base: HTTP1Channel

    init(site: Site, responder: @escaping HTTPChannelHandler.Responder) {
        self.site = site
        base = HTTP1Channel(responder: responder)
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(OffersHandler(site: site), position: .after(decoder))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) {
            await base.handle(value: value, logger: logger)
        }
    }
}
