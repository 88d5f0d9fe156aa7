// A small operator behind a site, and a client that talks to its router without a network.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Demo
import Files
import Foundation
import HTTPAPI
import HTTPTypes
import Hummingbird
import Kernel
import Logging
import Model
import NIOCore
import NIOEmbedded
import Planning
import Ports
import SimulatedChannel
import Synchronization
import Synthetic

/// Keeps what was logged.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func logger(_ label: String) -> Logger {
        var logger = Logger(label: label) { _ in Handler(lines: self) }
        logger.logLevel = .debug
        return logger
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .debug

        init(lines: LogLines) { self.lines = lines }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            lines.lines.withLock { $0.append("\(event.level) \(event.message) \(all)") }
        }
    }
}

/// A site over a data directory of its own, with 1 500 subscribers and staff of every role; all tests share one.
final class APIWorld: Sendable {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    static let password = "correct horse battery"
    static let lanzhou = OrganisationScope(province: "62", city: "6201")
    /// Messages per second of the gateway; a portion is half of it.
    static let rate = 40

    private static let made = Task { try await APIWorld() }
    static var shared: APIWorld { get async throws { try await made.value } }

    let platform: Platform
    let runner: CampaignRunner
    let site: Site
    let logs = LogLines()
    let client: APIClient
    let synthetic: SyntheticOperator
    let gateway: SimulatedGateway
    /// The runner at work; a test that ends it has a world of its own.
    let running: Task<Void, any Error>

    /// `isDelivered`: Whether a number gets its messages; the receipt comes at once.
    init(isDelivered: @escaping @Sendable (MSISDN) -> Bool = { _ in true }) async throws {
        gateway = SimulatedGateway(ratePerSecond: Self.rate) {
            SimulatedReaction(isDelivered: isDelivered($0.to), receiptSeconds: 0)
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "gyre-edge-\(UUID().uuidString)")
            .path(percentEncoded: false)
        var settings = PlatformSettings(directory: folder)
        settings.threads = 2
        settings.warehouseMemoryBytes = 256 << 20
        let examples = Self.repository.appending(path: "Examples").path(percentEncoded: false) + "/"
        let numbers = try String(contentsOfFile: examples + "number-ranges.csv", encoding: .utf8)
        // A working day at noon, so that no quiet hours hold the sending back.
        guard let asOf = LocalDay(year: 2026, month: 9, day: 16) else { throw EdgeError.notFound("day") }
        let clock = OperatorClock(zone: settings.timeZone, simulatedFrom: Instant(epochMs: 1_789_531_200_000))
        synthetic = try SyntheticOperator(
            seed: 7,
            subscribers: 1_500,
            asOf: asOf,
            numbers: try NumberPlan(csv: numbers)
        )
        let gateway = gateway
        platform = try await Platform(settings, salt: Array(0..<16), clock: clock) { _ in gateway }
        let catalogue = try CatalogueFile.read(path: examples + "operator/catalogue.yaml")
        _ = try await platform.loading.load(
            SyntheticTableSource(synthetic, .subscriber),
            catalogue: catalogue,
            by: "test",
            at: clock.now.instant
        )
        try await platform.setPolicy(file: examples + "operator/policy.yaml", by: "test")
        runner = CampaignRunner(platform, pace: Self.pace, logger: logs.logger("runner"))
        var site = SiteSettings()
        site.passwordCost = .tests
        site.port = 0
        self.site = try Site(platform: platform, runner: runner, settings: site, logger: logs.logger("site"))
        client = APIClient(router: self.site.router(), logger: logs.logger("request"))
        for (login, role, scope) in [
            ("plan", Role.planner, OrganisationScope.all), ("appr", .approver, .all), ("agent", .agent, .all),
            ("admin", .administrator, .all), ("lanzhou", .planner, Self.lanzhou),
            ("lzadmin", .administrator, Self.lanzhou),
        ] {
            try await platform.store.add(
                Staff(login: login, name: login, role: role, scope: scope),
                password: try Passwords.hash(Self.password, cost: .tests),
                audit: AuditEntry(at: clock.now.instant, who: "test", action: "staff.add", object: "staff/\(login)")
            )
        }
        let runner = runner
        running = Task { try await runner.run() }
    }

    static var pace: CampaignRunner.Pace {
        var pace = CampaignRunner.Pace()
        pace.feedback = .milliseconds(100)
        pace.messagesPerSecond = rate
        return pace
    }

    /// A token of a member of staff.
    func token(_ login: String) async throws -> String {
        try await site.accounts.signIn(login: login, password: Self.password, address: "test").token
    }

    /// The client as a member of staff.
    func signedIn(_ login: String) async throws -> APIClient {
        var client = client
        client.token = try await token(login)
        return client
    }

    /// A subscriber's number as people write it, chosen among those in a city or outside it.
    func number(_ position: Int = 0, inLanzhou: Bool? = nil) async throws -> String {
        let profile = try await platform.host.read { try $0.profileReader() }
        let numbers = platform.numbers.current
        let found = (0..<UInt32(numbers.count)).map { SubscriberIndex($0) }.filter { index in
            numbers.isReachable(index)
                && (inLanzhou.map { (profile.text(of: "city", at: index) == "6201") == $0 } ?? true)
        }
        return numbers.number(of: found[position])?.national ?? ""
    }
}

/// An answer of the site.
struct APIAnswer {
    var status: Int
    var headers: HTTPFields
    var body: ByteBuffer

    var text: String { String(buffer: body) }
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body.readableBytesView))) as? [String: Any] ?? [:]
    }
    var array: [[String: Any]] {
        (try? JSONSerialization.jsonObject(with: Data(body.readableBytesView))) as? [[String: Any]] ?? []
    }
    var code: String { json["code"] as? String ?? "" }
    var id: Int { json["id"] as? Int ?? 0 }
}

/// Sends requests to a router.
struct APIClient: Sendable {
    private let responder: RouterResponder<EdgeContext>
    private let logger: Logger
    var token: String?
    var cookie: String?

    init(router: Router<EdgeContext>, logger: Logger) {
        responder = router.buildResponder()
        self.logger = logger
    }

    func get(_ path: String, _ headers: [String: String] = [:]) async throws -> APIAnswer {
        try await send(.get, path, headers: headers)
    }

    func post(
        _ path: String,
        _ json: [String: any Sendable] = [:],
        _ headers: [String: String] = [:]
    ) async throws
        -> APIAnswer
    {
        try await send(.post, path, json: json, headers: headers)
    }

    func put(_ path: String, _ json: [String: any Sendable]) async throws -> APIAnswer {
        try await send(.put, path, json: json)
    }

    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        json: [String: any Sendable]? = nil,
        text: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> APIAnswer {
        var fields = HTTPFields()
        var body = ByteBuffer()
        if let json {
            fields[.contentType] = "application/json"
            body = ByteBuffer(bytes: try JSONSerialization.data(withJSONObject: json, options: .sortedKeys))
        } else if let text {
            fields[.contentType] = "text/csv"
            body = ByteBuffer(string: text)
        }
        if let token { fields[.authorization] = "Bearer \(token)" }
        if let cookie { fields[.cookie] = "\(Accounts.cookieName)=\(cookie)" }
        for (name, value) in headers { HTTPField.Name(name).map { fields[$0] = value } }
        let head = HTTPRequest(method: method, scheme: "http", authority: "gyre.test", path: path, headerFields: fields)
        var logger = logger
        logger[metadataKey: "hb.request.id"] = .string(UUID().uuidString)
        let context = EdgeContext(source: .init(channel: NIOAsyncTestingChannel(), logger: logger))
        let response = try await responder.respond(
            to: Request(head: head, body: RequestBody(buffer: body)),
            context: context
        )
        let collector = Collector()
        try await response.body.write(collector)
        return APIAnswer(
            status: response.status.code,
            headers: response.headers,
            body: collector.buffer.withLock { $0 }
        )
    }

    private final class Collector: ResponseBodyWriter, Sendable {
        let buffer = Mutex(ByteBuffer())

        func write(_ part: ByteBuffer) async throws {
            buffer.withLock { _ = $0.writeImmutableBuffer(part) }
        }

        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
