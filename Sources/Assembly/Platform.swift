// The platform put together: adapters behind ports, the decision host, the six stages.
// SPDX-License-Identifier: Apache-2.0

public import ADBCWarehouse
public import Approval
public import DecisionHost
public import Decisioning
public import Dispatching
public import Evaluation
public import Execution
public import Feedback
import Files
public import Foundation
public import Kernel
public import Model
import ObjectFiles
public import Planning
public import Ports
import Rules
import SQLiteStore

/// Settings of a platform; the command line, the environment and a file fill them.
public struct PlatformSettings: Sendable {
    /// The data directory.
    public var directory: String
    /// DuckDB library; nil = found in `.deps/`.
    public var duckDB: String?
    /// Workers for waves, counts and SQL.
    public var threads: Int
    /// Memory SQL may use before it spills, in bytes.
    public var warehouseMemoryBytes: Int
    /// What one query of own SQL may take.
    public var ownQueries = OwnQueryLimits()
    /// The operator's time zone.
    public var timeZone: TimeZone

    /// Settings with the defaults of a small machine.
    public init(directory: String) {
        self.directory = directory
        duckDB = ProcessInfo.processInfo.environment["GYRE_DUCKDB"]
        threads = ProcessInfo.processInfo.activeProcessorCount
        warehouseMemoryBytes = 2 << 30
        timeZone = TimeZone(identifier: "Asia/Shanghai") ?? .gmt
    }

    /// The engine of own SQL: a quarter of the memory and of the workers, and only the loaded files to read.
    func sandbox(spillingTo folder: String, reading files: String) throws -> DuckDBSettings {
        var settings = DuckDBSettings(
            library: try DuckDBSettings.findLibrary(setting: duckDB, from: Self.places),
            memoryLimitBytes: warehouseMemoryBytes / 4,
            threads: max(1, threads / 4),
            temporaryDirectory: folder + "/own-sql",
            allowedDirectories: [files],
            connections: 2
        )
        settings.temporaryLimitBytes = 4 << 30
        return settings
    }

    /// In or above which folders the files are looked for that come with Gyre: the program's and the working directory.
    public static var places: [String] {
        let program = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().path(percentEncoded: false)
        return [(program as NSString).deletingLastPathComponent, FileManager.default.currentDirectoryPath]
    }
}

/// An open data directory with everything that works on it.
public final class Platform: Sendable {
    /// The data directory, locked.
    public let directory: DataDirectory
    /// Time in the operator's zone.
    public let clock: OperatorClock
    /// SQL over loaded tables.
    public let warehouse: DuckDBWarehouse
    /// Where queries of people run.
    private let sandbox: DuckDBSandbox
    /// Staff, segments, campaigns, approvals, audit.
    public let store: any ControlPlaneStore
    /// The decision log.
    public let log: any DecisionLog
    /// The owner of the decision core.
    public let host: DecisionHost
    /// Numbers by subscriber and back.
    public let numbers: LiveNumbers
    /// Files that the log names.
    public let inputs: StoredInputs

    /// Stage 1: loading, segments, campaigns.
    public let loading: SubscriberLoading
    public let facts: FactLoading
    public let segments: Segments
    /// Data that somebody asks somebody else for.
    public let dataRequests: DataRequests
    public let catalogues: Catalogues
    public let campaigns: Campaigns
    public let policies: Policies
    public let arbitrations: Arbitrations
    public let lists: SpecialLists
    /// Members out of lists of numbers.
    public let memberLists: MemberLists
    /// Lists of numbers that other systems put into a folder.
    public let listInbox: ListInbox
    /// Rows that other systems send again and again.
    public let feeds: Feeds
    private let fileLoading: FileLoading
    /// Where audiences wait for other systems.
    public let segmentOutbox: SegmentOutbox
    /// Everything about one customer.
    public let customers: Customers
    /// Data-protection requests.
    public let erasing: Erasing
    /// Stage 2.
    public let approvals: Approvals
    /// Stage 3.
    public let dispatches: Dispatches
    /// Stage 4.
    public let sending: Sending
    /// Stage 5.
    public let receipts: Receipts
    /// Offers to customers who are here now.
    public let touchpoints: Touchpoints
    /// Why and why not.
    public let explainer: Explainer
    /// Counters above their caps.
    public let overruns: Overruns
    /// Workers.
    public let threads: Int
    /// Why something of the loads was not settled when the directory was opened; nil when all was.
    public let notListed: String?
    /// Why decisions do not follow the last revision of the attribute catalogue; nil when they do.
    public let catalogueProblem: String?

    /// Opens a data directory and everything in it; a wave that was open is finished.
    ///
    /// `gateway`: Where SMS go; made with the numbers it may need.
    /// `salt`: Secret of a new directory's draws; nil = random. A demo gives its own, to be repeatable.
    /// `clock`: The real clock unless a demo moves its own.
    /// `loadStep`: Called at each step of a load, which ends there when it throws.
    /// `erasureStep`: Called at each step of an erasure, which ends there when it throws.
    public init(
        _ settings: PlatformSettings,
        isDemo: Bool = false,
        salt: [UInt8]? = nil,
        clock: OperatorClock? = nil,
        loadStep: @escaping @Sendable (LoadStep) throws -> Void = { _ in },
        erasureStep: @escaping @Sendable (ErasureStep) throws -> Void = { _ in },
        gateway: (LiveNumbers) -> any ChannelGateway
    ) async throws {
        directory = try DataDirectory(path: settings.directory, isDemo: isDemo)
        let path = directory.path
        self.clock = clock ?? OperatorClock(zone: settings.timeZone)
        threads = settings.threads
        let (temporary, store) = (path + "/tmp", path + "/store.sqlite")
        do {
            let manager = FileManager.default
            try manager.createDirectory(atPath: path + "/warehouse", withIntermediateDirectories: true)
            // What is in it belonged to a process that was killed.
            if manager.fileExists(atPath: temporary) { try manager.removeItem(atPath: temporary) }
            try manager.createDirectory(atPath: temporary, withIntermediateDirectories: true)
        } catch {
            throw DataDirectoryError.notWritable(path: path, cause: error.systemCause)
        }
        warehouse = try await DuckDBWarehouse.open(
            DuckDBSettings(
                library: try DuckDBSettings.findLibrary(setting: settings.duckDB, from: PlatformSettings.places),
                memoryLimitBytes: settings.warehouseMemoryBytes,
                threads: settings.threads,
                temporaryDirectory: temporary,
                allowedDirectories: [path + "/warehouse", directory.inbox]
            )
        )
        sandbox = DuckDBSandbox(
            warehouse,
            try settings.sandbox(spillingTo: temporary, reading: path + "/warehouse"),
            limits: settings.ownQueries
        )
        let objects = try ObjectFiles(folder: path + "/objects")
        // The log is made before the store: only where neither is there yet may either be begun.
        let log = try SQLiteDecisionLog(
            folder: path + "/log",
            mayBegin: !FileManager.default.fileExists(atPath: store)
        )
        guard try log.position().sequence == 0 || FileManager.default.fileExists(atPath: store) else {
            throw DataDirectoryError.lost(file: store)
        }
        self.log = log
        inputs = StoredInputs(objects: objects, threads: settings.threads)
        host = try DecisionHost(log: log, objects: objects, inputs: inputs, threads: settings.threads)
        self.store = try SQLiteControlPlane(path: store)
        numbers = LiveNumbers()
        loading = SubscriberLoading(
            warehouse: warehouse,
            host: host,
            log: log,
            inputs: inputs,
            store: self.store,
            numbers: numbers,
            folder: path + "/warehouse",
            workers: settings.threads,
            observe: loadStep
        )
        facts = FactLoading(host: host)
        segments = Segments(
            warehouse: warehouse,
            sandbox: sandbox,
            host: host,
            inputs: inputs,
            store: self.store,
            numbers: numbers,
            threads: settings.threads
        )
        dataRequests = DataRequests(store: self.store)
        catalogues = Catalogues(store: self.store, host: host, loading: loading, segments: segments)
        memberLists = MemberLists(host: host, numbers: numbers, segments: segments, loading: loading)
        lists = SpecialLists(
            host: host,
            store: self.store,
            inputs: inputs,
            numbers: numbers,
            segments: segments,
            memberLists: memberLists
        )
        listInbox = try ListInbox(directory: path, lists: lists, clock: self.clock)
        fileLoading = FileLoading(loading: loading, lists: lists, directory: self.directory, clock: self.clock)
        feeds = try Feeds(fileLoading)
        segmentOutbox = SegmentOutbox(folder: path + "/outbox/segments", segments: segments, clock: self.clock)
        erasing = Erasing(
            host: host,
            store: self.store,
            numbers: numbers,
            loading: loading,
            lists: lists,
            forgetFiles: { [listInbox, feeds, segmentOutbox] in
                try listInbox.emptyFiles()
                try feeds.emptyFiles()
                try RejectFolder.forget($0, in: path + "/rejects")
                try await segmentOutbox.forget($0)
            },
            observe: erasureStep
        )
        campaigns = Campaigns(store: self.store, host: host, segments: segments)
        policies = Policies(store: self.store, host: host, segments: segments, threads: settings.threads)
        let (campaigns, now) = (campaigns, self.clock)
        arbitrations = Arbitrations(
            store: self.store,
            host: host,
            inputs: inputs,
            threads: settings.threads,
            now: { now.now },
            audience: { try await campaigns.audience(of: $0) }
        )
        approvals = Approvals(store: self.store)
        dispatches = Dispatches(store: self.store, host: host)
        let gateway = gateway(numbers)
        sending = Sending(host: host, gateway: gateway, numbers: numbers)
        receipts = Receipts(host: host, gateway: gateway, store: self.store)
        touchpoints = Touchpoints(host: host, store: self.store)
        // Makes the folder as well.
        let rows = try RowFiles(folder: path + "/explain")
        explainer = Explainer(
            log: log,
            inputs: inputs,
            postings: try SQLitePostings(path: path + "/explain/postings.sqlite"),
            rows: rows
        )
        customers = Customers(
            warehouse: warehouse,
            host: host,
            store: self.store,
            numbers: numbers,
            segments: segments,
            lists: lists,
            explainer: explainer
        )
        overruns = Overruns(host: host, explainer: explainer, threads: settings.threads)
        if try await host.read({ $0.sequence }) == 0 {
            let salt = salt ?? (0..<16).map { _ in UInt8.random(in: 0 ... .max) }
            try await host.record([.genesis(salt: salt, now: self.clock.now)])
        }
        try await loading.open()
        _ = try await host.resume()
        notListed = await loading.settleAfterOpening(at: self.clock.now.instant)
        try await erasing.settle(at: self.clock.now.instant)
        // After erasing: columns that come into memory are read from what is left.
        catalogueProblem = await catalogues.settle()
        try await policies.settle(at: self.clock.now.instant)
        try await arbitrations.settle()
        try await lists.keepDays(at: self.clock.now.instant)
    }

    /// Batches of the log that are worth a checkpoint.
    static let batchesPerCheckpoint = 4_096

    /// Closes the warehouse and lets the next process have the directory; the log and the store need no closing.
    public func close() async {
        // Without a checkpoint the next start folds the log, which takes longer and gives the same.
        try? await host.keepCheckpoint(after: Self.batchesPerCheckpoint)
        await sandbox.close()
        await warehouse.close()
        directory.unlock()
    }

    // MARK: Policy and files

    /// Makes a policy file live as the next revision.
    public func setPolicy(file: String, by who: String) async throws {
        let checkRule = try await policies.ruleCheck()
        let note = URL(filePath: file).lastPathComponent
        _ = try await policies.set(note: note, by: who, at: clock.now.instant) { revision in
            try PolicyFile.read(path: file, revision: revision, checkRule: checkRule)
        }
    }

    /// Loads a file of the operator's.
    public func load(
        file: String,
        mapping: String,
        catalogue: AttributeCatalogue,
        by who: String
    ) async throws -> (record: LoadRecord, counts: LoadCounts) {
        try await fileLoading.load(file, through: mapping, catalogue, by: who)
    }

    /// A file of numbers as a source of members; `name` is what reports call it.
    public func list(
        file: String,
        name: String? = nil,
        kind: IdentityKind,
        column: IdentityColumn = .found
    ) -> any IdentitySource {
        let name = name ?? URL(filePath: file).lastPathComponent
        return ListSource(file: file, name: name, kind: kind, column: column)
    }

    /// The first rows of a list of numbers, of which the beginning is enough.
    ///
    /// - Throws: What the list's reader says of a file that it cannot read.
    public func preview(
        file: String,
        name: String,
        kind: IdentityKind,
        column: IdentityColumn,
        rows: Int
    ) throws -> ListPreview {
        var list = try IdentityFile(file: file, name: name, kind: kind, column: column)
        return try list.preview(rows: rows)
    }

    /// Numbers that were pasted or sent as a source of members.
    public func list(
        text: String,
        name: String,
        kind: IdentityKind,
        column: IdentityColumn = .found
    ) -> any IdentitySource {
        ListSource(text: Array(text.utf8), name: name, kind: kind, column: column)
    }

    // MARK: Running campaigns

    /// Makes the waves of an arbitration's campaigns go by its result.
    public func adopt(_ id: Int64, version: Int, by staff: Staff) async throws -> Arbitration {
        try await arbitrations.adopt(id, version: version, by: staff) { [dispatches] in try await dispatches.assign($0)
        }
    }

    /// What the waves of an arbitration made of what it gave them; empty while it is not solved.
    public func plannedAndReserved(_ arbitration: Arbitration) async throws -> [PlannedAndReserved] {
        guard let result = try arbitrations.result(of: arbitration) else { return [] }
        let campaigns = Set(arbitration.setup.entries.map(\.campaign))
        let waves = try await host.read { $0.waves.values.filter { campaigns.contains($0.wave.campaign) } }
        return try PlannedAndReserved.all(of: result, in: arbitration.setup, waves: waves, log: log)
    }

    /// Runs the next wave of a campaign over its segment as it is now.
    ///
    /// `slot`: When its contacts are planned; nil = when the plan says.
    public func run(
        _ campaign: Campaign,
        slot: LocalTime? = nil,
        by who: String
    ) async throws -> (Campaign, WaveSummary) {
        let audience = try await campaigns.audience(of: campaign)
        return try await dispatches.run(campaign, slot: slot, audience: audience, by: who, at: clock.now)
    }

    /// Puts a campaign into the offer pool with its segment as it is now.
    public func offer(_ campaign: Campaign, by who: String) async throws -> Campaign {
        try await dispatches.offer(
            campaign,
            audience: campaigns.audience(of: campaign),
            by: who,
            at: clock.now
        )
    }
}

extension AttributeCatalogue {
    /// Reads a catalogue file.
    ///
    /// - Throws: `DocumentError` with all problems found.
    public init(file: String) throws {
        self = try CatalogueFile.read(path: file)
    }
}
