// The web site and API of one platform: its routes, each behind the one gate.
// SPDX-License-Identifier: Apache-2.0

public import Assembly
public import Hummingbird
public import Logging
import Kernel
import Model
public import NIOCore
public import Planning
import Synchronization
import Ports

/// Settings of the site.
public struct SiteSettings: Sendable {
    /// Address to listen on.
    public var host = "127.0.0.1"
    /// Port to listen on.
    public var port = 8080
    /// Folders with the files of `/assets/`; a file in a later folder replaces one of the same name.
    public var assetFolders: [String] = []
    /// Whether browsers reach the site by HTTPS only (behind a proxy); cookies are marked so.
    public var isSecure = false
    /// Hours after which a session ends.
    public var sessionHours = 12
    /// After this long an event stream says that it is alive, so that proxies keep it open.
    public var heartbeat = Duration.seconds(15)
    /// Cost of password hashes; only tests lower it.
    public var passwordCost = Passwords.Cost.standard

    /// The settings of a machine of one's own.
    public init() {}
}

/// A handler of requests that passed the gate.
public typealias Handler = @Sendable (Request, EdgeContext) async throws -> Response

/// The site: routes are registered once, before it is served.
public final class Site: Sendable {
    /// One address with its method and what it needs.
    public struct Route: Sendable {
        /// Method, for example GET.
        public let method: HTTPRequest.Method
        /// Path with parameters in braces, for example `/api/v1/campaigns/{id}`.
        public let path: String
        /// What it needs.
        public let access: Access
        let handler: Handler
    }

    /// Shows an error as a page; nil = the API's form is shown.
    public typealias ErrorPage = @Sendable (Problem, Request, EdgeContext) async -> Response?

    /// The platform behind the site.
    public let platform: Platform
    /// Runs campaigns in the background.
    public let runner: CampaignRunner
    /// Settings.
    public let settings: SiteSettings
    /// Signs staff in and out.
    public let accounts: Accounts
    /// Files of `/assets/`.
    public let assets: StaticAssets
    /// Counters for `/metrics`.
    public let metrics: PrometheusMetrics
    /// Special lists changed by hand.
    public let lists: SpecialLists
    let keys = IdempotencyKeys()
    let logger: Logger
    private let content = Mutex(Content())

    private struct Content {
        var routes: [Route] = []
        var errorPage: ErrorPage?
    }

    /// Makes a site with the API's routes; the console adds its pages.
    ///
    /// - Throws: when a folder of assets cannot be read.
    public init(
        platform: Platform,
        runner: CampaignRunner,
        settings: SiteSettings = SiteSettings(),
        metrics: PrometheusMetrics = PrometheusMetrics(),
        logger: Logger = Logger(label: "gyre.edge")
    ) throws {
        self.platform = platform
        self.runner = runner
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
        accounts = Accounts(store: platform.store, clock: platform.clock, settings: settings)
        assets = try StaticAssets(folders: settings.assetFolders)
        lists = platform.lists
        addOperations()
        addAPI()
    }

    // MARK: Routes

    /// Registers a route; there is no other way to serve anything.
    ///
    /// - Parameters:
    ///   - method: Method; HEAD comes with GET by itself.
    ///   - path: With parameters in braces.
    ///   - access: What the gate asks for before `handler` is called.
    ///   - handler: Answers requests that passed the gate.
    public func on<Output: ResponseGenerator>(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ access: Access,
        _ handler: @escaping @Sendable (Request, EdgeContext) async throws -> Output
    ) {
        let route = Route(method: method, path: path, access: access) { request, context in
            // What may work for long does it away from the thread that other connections wait for.
            try await withTaskExecutorPreference(access == .serve ? nil : globalConcurrentExecutor) {
                try await handler(request, context).response(from: request, context: context)
            }
        }
        content.withLock { $0.routes.append(route) }
    }

    /// Registers a GET route.
    public func get<Output: ResponseGenerator>(
        _ path: String,
        _ access: Access,
        _ handler: @escaping @Sendable (Request, EdgeContext) async throws -> Output
    ) {
        on(.get, path, access, handler)
    }

    /// Registers a POST route.
    public func post<Output: ResponseGenerator>(
        _ path: String,
        _ access: Access,
        _ handler: @escaping @Sendable (Request, EdgeContext) async throws -> Output
    ) {
        on(.post, path, access, handler)
    }

    /// Everything that is served.
    public var routes: [Route] { content.withLock { $0.routes } }

    /// Shows errors outside `/api/` as pages.
    public func showErrors(_ page: @escaping ErrorPage) {
        content.withLock { $0.errorPage = page }
    }

    var errorPage: ErrorPage? { content.withLock { $0.errorPage } }

    /// The router of all routes: each behind the gate, other methods of known paths answered with 405.
    public func router() -> Router<EdgeContext> {
        let router = Router(context: EdgeContext.self)
        router.add(middleware: Gate(site: self))
        let routes = routes
        for route in routes {
            router.on(RouterPath(route.path), method: route.method) { request, context in
                try route.access.check(context.staff)
                return try await route.handler(request, context)
            }
        }
        for (path, known) in Dictionary(grouping: routes, by: \.path) {
            var methods = Set(known.map(\.method))
            if let get = known.first(where: { $0.method == .get }) {
                methods.insert(.head)
                router.on(RouterPath(path), method: .head) { request, context in
                    try get.access.check(context.staff)
                    return try await get.handler(request, context).createHeadResponse()
                }
            }
            let allowed = methods.map(\.rawValue).sorted().joined(separator: ", ")
            for method in Self.methods where !methods.contains(method) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in
                    throw EdgeError.methodNotAllowed(allowed: allowed)
                }
            }
        }
        return router
    }

    private static let methods: [HTTPRequest.Method] =
        [.get, .head, .post, .put, .patch, .delete, .options, .trace] + [HTTPRequest.Method("QUERY")].compactMap { $0 }

    /// The application that serves the site; run it as a service beside ``runner``.
    public func application(
        onServerRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
        Application(
            router: router(),
            server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port),
                serverName: nil
            ),
            onServerRunning: onServerRunning,
            logger: logger
        )
    }

    /// Records what somebody did that changed nothing in the store: look-ups, exports, sign-ins.
    public func audit(_ who: String, _ action: String, _ object: String, detail: String = "") async throws {
        try await platform.store.append(
            AuditEntry(at: platform.clock.now.instant, who: who, action: action, object: object, detail: detail)
        )
    }
}
