// What operators of the server look at: liveness, readiness, metrics; and the files of pages.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Hummingbird
import Logging
import NIOCore
import Ports

extension Site {
    func addOperations() {
        get("/healthz", .open) { _, _ in "ok\n" }
        get("/readyz", .open) { [platform] _, context in
            do {
                _ = try await platform.host.read { $0.sequence }
                _ = try await platform.store.loads(table: "subscriber")
                return Response(status: .ok, headers: [.contentType: "text/plain"], body: .text("ready\n"))
            } catch {
                context.logger.error("not ready", metadata: ["error": .string("\(error)")])
                return Response(
                    status: .serviceUnavailable,
                    headers: [.contentType: "text/plain"],
                    body: .text("not ready; see the log\n")
                )
            }
        }
        get("/metrics", .open) { [platform, metrics] _, _ in
            let (position, subscribers) = try await platform.host.read { ($0.sequence, $0.subscribers) }
            metrics.set("gyre_log_batches", Double(position))
            metrics.set("gyre_subscribers", Double(subscribers))
            return Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .text(metrics.text)
            )
        }
        get("/assets/{name}", .open) { [assets] request, context in
            try assets.answer(context.parameters.get("name") ?? "", request)
        }
    }
}

extension ResponseBody {
    static func text(_ text: String) -> ResponseBody { ResponseBody(byteBuffer: ByteBuffer(string: text)) }
}
