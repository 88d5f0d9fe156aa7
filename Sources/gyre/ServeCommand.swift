// gyre serve: API, console and commands typed beside it, on a data directory.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import CommandLink
import Console
import DecisionHost
import Demo
import Foundation
import Glibc
import HTTPAPI
import Hummingbird
import Kernel
import Logging
import Model
import ServiceLifecycle
import Texts
import UnixSignals

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the console and the API; in this version SMS go to a simulated gateway."
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: ServeOptions

    func run() async throws {
        guard try DataDirectory.marker(at: common.directory) != nil else {
            throw DataDirectoryError.notThere(path: common.directory)
        }
        try await Server(directory: common.directory, language: common.language, options: options).run()
    }
}

/// Options of a server.
struct ServeOptions: ParsableArguments {
    @Option(help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "Port to listen on.")
    var port = 8080

    @Option(help: "Folder with the fetched web assets; else GYRE_ASSETS, else .deps/web beside the program.")
    var assets: String?

    @Flag(help: "Print URL and one-time passwords as one line of JSON.")
    var printPasswordsJson = false

    @Flag(help: "Give planner, approver, agent and admin new one-time passwords.")
    var newPasswords = false

    func validate() throws {
        guard (1...65_535).contains(port) else { throw ValidationError("--port is a number from 1 to 65535") }
    }
}

/// Why a server does not start.
enum ServeError: CodedError {
    case portBusy(host: String, port: Int, cause: String)
    case unknownHost(host: String, cause: String)

    var code: String {
        switch self {
        case .portBusy: "serve.port_busy"
        case .unknownHost: "serve.unknown_host"
        }
    }

    var description: String {
        switch self {
        case .unknownHost(let host, let cause):
            "there is no address to listen on for \(host) (\(cause)); name an address of this machine with --host"
        case .portBusy(let host, let port, let cause):
            "cannot listen on \(host):\(port) (\(cause)); stop what uses the port or choose another with --port"
        }
    }
}

/// API, console, campaign runner and the link for commands as services of one process.
struct Server {
    let directory: String
    let language: Language
    let options: ServeOptions

    /// Staff of a fresh directory; the passwords are printed once.
    private static let staff = [
        Staff(login: "planner", name: "林晓", role: .planner), Staff(login: "approver", name: "陈立", role: .approver),
        Staff(login: "agent", name: "王芳", role: .agent), Staff(login: "admin", name: "赵敏", role: .administrator),
    ]

    func run() async throws {
        try checkPort()
        let market = LiveMarket(seed: 1)
        let platform = try await Platform(PlatformSettings(directory: directory), gateway: market.gateway)
        var logger = Logger(label: "gyre") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .notice
        for sentence in platform.host.passedOver {
            logger.warning("started from the log", metadata: ["why": "\(sentence)"])
        }
        if let cause = platform.notListed {
            logger.warning("what is loaded is not settled yet", metadata: ["why": "\(cause)"])
        }
        if let cause = platform.catalogueProblem {
            logger.warning("the last revision of the attribute catalogue is not live", metadata: ["why": "\(cause)"])
        }
        let runner = CampaignRunner(platform, logger: logger) { try await market.placeOrders(on: platform) }
        var settings = SiteSettings()
        settings.host = options.host
        settings.port = options.port
        settings.assetFolders = assetFolders()
        let site = try Site(platform: platform, runner: runner, settings: settings, logger: logger)
        Console.add(to: site)
        let passwords = try await site.accounts.ensure(
            Self.staff,
            renewing: options.newPasswords || options.printPasswordsJson
        )
        let desk = CommandDesk(platform: platform, runner: runner)
        let (listening, isListening) = AsyncStream.makeStream(of: Void.self)
        let link = CommandLinkServer(
            directory: platform.directory.path,
            logger: logger,
            onListening: { isListening.finish() },
            answer: { await desk.answer($0, $1) }
        )
        let application = site.application { _ in
            for await _ in listening {}
            if !Task.isCancelled { announce(passwords) }
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: runner), .init(service: link), .init(service: application)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        try await group.run()
        await platform.close()
    }

    private func announce(_ passwords: [(staff: Staff, password: String)]) {
        let url = "http://\(options.host):\(options.port)"
        if options.printPasswordsJson {
            let all = Dictionary(passwords.map { ($0.staff.login, $0.password) }, uniquingKeysWith: { $1 })
            try? Terminal.printJSON(Announcement(url: url, passwords: all))
        } else {
            print(language("控制台：", "Console: ") + url)
            if !passwords.isEmpty { print(language("一次性密码：", "One-time passwords:")) }
            for (staff, password) in passwords {
                print("  \(staff.login.padding(toLength: 10, withPad: " ", startingAt: 0)) \(password)")
            }
            print(language("按 Ctrl-C 停止。", "Press Ctrl-C to stop."))
        }
        fflush(nil)
    }

    private struct Announcement: Encodable {
        var url: String
        var passwords: [String: String]
    }

    /// The fetched assets: the setting, else `.deps/web` beside or above the program or the working directory.
    private func assetFolders() -> [String] {
        if let folder = options.assets ?? ProcessInfo.processInfo.environment["GYRE_ASSETS"] { return [folder] }
        let exists = FileManager.default.fileExists(atPath:)
        return nearestFile(".deps/web", from: PlatformSettings.places, where: exists).map { [$0] } ?? []
    }

    /// Finds out before anything is opened whether the address is ours and the port is free.
    private func checkPort() throws {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(options.host, String(options.port), &hints, &found)
        guard status == 0, let address = found?.pointee else {
            throw ServeError.unknownHost(host: options.host, cause: String(cString: gai_strerror(status)))
        }
        defer { freeaddrinfo(found) }
        let socket = Glibc.socket(address.ai_family, address.ai_socktype, 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        var reuse: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        guard bind(socket, address.ai_addr, address.ai_addrlen) != 0 else { return }
        let cause = String(cString: strerror(errno))
        throw errno == EADDRNOTAVAIL
            ? ServeError.unknownHost(host: options.host, cause: cause)
            : ServeError.portBusy(host: options.host, port: options.port, cause: cause)
    }
}
