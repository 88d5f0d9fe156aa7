// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .unsafeFlags(["-warnings-as-errors"]),
]
/// Classes of the decision core belong to one thread: their fields need no check for overlapping access at run time.
let owned = [SwiftSetting.unsafeFlags(["-enforce-exclusivity=unchecked"])]
/// Engines and what moves many rows are optimised in debug builds too: their tests decide millions of cases.
let optimised = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let base: [Target.Dependency] = ["Kernel", "Model", "Ports"]
let core: [Target.Dependency] = base + ["Decisioning", "DecisionHost"]

// Rings from the inside out; an import only ever points inward (docs/architecture.md).
let package = Package(
    name: "gyre",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "gyre", targets: ["gyre"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Base: values, nouns, protocols
        .target(name: "Kernel", swiftSettings: optimised),
        .target(name: "Model", dependencies: ["Kernel"], swiftSettings: strict),
        .target(name: "Ports", dependencies: ["Kernel", "Model"], swiftSettings: strict),

        // Engines: pure
        .target(name: "CColumns", path: "Sources/Engines/CColumns"),
        .target(
            name: "Rules",
            dependencies: ["Kernel", "Model"],
            path: "Sources/Engines/Rules",
            swiftSettings: optimised
        ),
        .target(
            name: "Profiles",
            dependencies: ["CColumns", "Kernel", "Model", "Rules"],
            path: "Sources/Engines/Profiles",
            swiftSettings: optimised
        ),
        .target(
            name: "Decisioning",
            dependencies: base + ["Profiles", "Rules", crypto],
            path: "Sources/Engines/Decisioning",
            swiftSettings: optimised + owned
        ),
        .target(
            name: "Arbitration",
            dependencies: ["Kernel", crypto],
            path: "Sources/Engines/Arbitration",
            swiftSettings: optimised
        ),

        .target(
            name: "Segmentation",
            dependencies: ["Kernel", "Model"],
            path: "Sources/Engines/Segmentation",
            swiftSettings: optimised
        ),

        // The loop: the host of the decision core, and the six stages
        .target(
            name: "DecisionHost",
            dependencies: base + ["Decisioning", "Profiles"],
            path: "Sources/Loop/DecisionHost",
            swiftSettings: optimised
        ),
        .target(
            name: "Planning",
            dependencies: core + ["Arbitration", "Profiles", "Rules", "Segmentation"],
            path: "Sources/Loop/1-Planning",
            swiftSettings: strict
        ),
        .target(name: "Approval", dependencies: base, path: "Sources/Loop/2-Approval", swiftSettings: strict),
        .target(name: "Dispatching", dependencies: core, path: "Sources/Loop/3-Dispatching", swiftSettings: strict),
        .target(name: "Execution", dependencies: core, path: "Sources/Loop/4-Execution", swiftSettings: strict),
        .target(name: "Feedback", dependencies: core, path: "Sources/Loop/5-Feedback", swiftSettings: strict),
        .target(
            name: "Evaluation",
            dependencies: base + ["Arbitration", "Decisioning"],
            path: "Sources/Loop/6-Evaluation",
            swiftSettings: strict
        ),

        // Adapters: I/O
        .systemLibrary(name: "CFileSystem", path: "Sources/Adapters/CFileSystem"),
        .systemLibrary(name: "CZlib", path: "Sources/Adapters/CZlib"),
        .systemLibrary(name: "CZip", path: "Sources/Adapters/CZip"),
        .systemLibrary(name: "CXML", path: "Sources/Adapters/CXML"),
        .target(name: "CADBC", path: "Sources/Adapters/Warehouse/CADBC"),
        .target(
            name: "ADBCWarehouse",
            dependencies: base + ["CADBC"],
            path: "Sources/Adapters/Warehouse/ADBCWarehouse",
            swiftSettings: optimised
        ),
        .target(
            name: "Files",
            dependencies: base + ["CXML", "CZip", "CZlib", .product(name: "Yams", package: "Yams")],
            path: "Sources/Adapters/Files",
            swiftSettings: optimised
        ),
        .target(
            name: "ObjectFiles",
            dependencies: ["CFileSystem", "Kernel", "Ports", crypto],
            path: "Sources/Adapters/Embedded/ObjectFiles",
            swiftSettings: strict
        ),
        .target(
            name: "SQLiteStore",
            dependencies: base + [
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            path: "Sources/Adapters/Embedded/SQLiteStore",
            swiftSettings: strict
        ),
        .target(
            name: "InMemory",
            dependencies: base + [crypto],
            path: "Sources/Adapters/InMemory",
            swiftSettings: strict
        ),
        .target(
            name: "SimulatedChannel",
            dependencies: ["Kernel", "Ports"],
            path: "Sources/Adapters/Channels/Simulated",
            swiftSettings: strict
        ),

        // Tools, wiring, program
        .target(
            name: "Synthetic",
            dependencies: base + ["Arbitration"],
            path: "Sources/Tools/Synthetic",
            swiftSettings: optimised
        ),
        .target(
            name: "Assembly",
            dependencies: core + [
                "ADBCWarehouse", "Approval", "Dispatching", "Evaluation", "Execution", "Feedback", "Files",
                "ObjectFiles", "Planning", "Profiles", "Rules", "SQLiteStore", "SimulatedChannel", "Synthetic", crypto,
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Texts",
            dependencies: ["Kernel", "Model", "Decisioning"],
            path: "Sources/Edge/Texts",
            swiftSettings: strict
        ),
        .target(
            name: "HTTPAPI",
            dependencies: core + [
                "Approval", "Arbitration", "Assembly", "Dispatching", "Evaluation", "Execution", "Feedback", "Planning",
                "Profiles", "Rules", "Segmentation", "Texts", crypto, hummingbird,
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Edge/HTTPAPI",
            exclude: ["openapi.yaml"],
            swiftSettings: strict
        ),
        .target(
            name: "Console",
            dependencies: core + [
                "ADBCWarehouse", "Approval", "Arbitration", "Assembly", "Dispatching", "Evaluation", "Execution",
                "HTTPAPI", "Planning", "Profiles", "Rules", "Segmentation", "Texts", hummingbird,
            ],
            path: "Sources/Edge/Console",
            resources: ["builder.js", "charts.js", "conditions.js", "console.css", "console.js", "icon.svg", "rows.js"]
                .map {
                    .embedInCode("Assets/\($0)")
                },
            swiftSettings: strict
        ),
        .target(
            name: "CommandLink",
            dependencies: [
                "Kernel", .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Edge/CommandLink",
            swiftSettings: strict
        ),
        .target(
            name: "Demo",
            dependencies: core + [
                "Assembly", "Dispatching", "Evaluation", "Execution", "Feedback", "Planning", "Approval",
                "SimulatedChannel", "Synthetic", "Texts", "ADBCWarehouse",
            ],
            path: "Sources/Tools/Demo",
            swiftSettings: strict
        ),
        .target(
            name: "Bench",
            dependencies: core + [
                "ADBCWarehouse", "Arbitration", "Assembly", "Demo", "Execution", "Files", "HTTPAPI", "ObjectFiles",
                "Planning", "Profiles", "Rules", "SQLiteStore", "Segmentation", "SimulatedChannel", "Synthetic",
                hummingbird,
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Tools/Bench",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "gyre",
            dependencies: core + [
                "Arbitration", "Assembly", "Bench", "CommandLink", "Console", "Demo", "Dispatching", "Evaluation",
                "Feedback", "HTTPAPI",
                "Planning", "Rules", "SimulatedChannel", "Synthetic", "Texts", hummingbird,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),

        // Tests
        .target(
            name: "RuleSupport",
            dependencies: ["Kernel", "Model", "Profiles", "Rules"],
            path: "Tests/Support/Rules",
            swiftSettings: optimised
        ),
        .target(
            name: "TestSupport",
            dependencies: core + ["InMemory", .product(name: "GRDB", package: "GRDB.swift")],
            path: "Tests/Support",
            exclude: ["Rules"],
            swiftSettings: optimised
        ),
        .testTarget(
            name: "RulesTests",
            dependencies: ["Kernel", "Model", "RuleSupport", "Rules"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ProfilesTests",
            dependencies: base + ["ADBCWarehouse", "CColumns", "Profiles", "RuleSupport", "Rules"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "DecisioningTests",
            dependencies: core + ["InMemory", "TestSupport"],
            exclude: ["Golden"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ArbitrationTests",
            dependencies: ["Arbitration", "Kernel", "Synthetic", crypto],
            swiftSettings: strict
        ),
        .testTarget(
            name: "SegmentationTests",
            dependencies: ["Kernel", "Model", "Segmentation"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "AdapterTests",
            dependencies: base + [
                "ADBCWarehouse", "CZip", "Files", "InMemory", "SQLiteStore", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "ToolsTests", dependencies: base + ["Files", "Synthetic"], swiftSettings: strict),
        .testTarget(
            name: "LoopTests",
            dependencies: core + [
                "Arbitration", "Dispatching", "Evaluation", "Execution", "InMemory", "Planning", "SimulatedChannel",
                "TestSupport",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ScenarioTests",
            dependencies: core + [
                "ADBCWarehouse", "Approval", "Assembly", "Demo", "Evaluation", "InMemory", "Planning", "Profiles",
                "Rules", "Segmentation", "SimulatedChannel", "Synthetic", "Texts",
            ],
            swiftSettings: strict
        ),
        .target(name: "CPowerCut", path: "Tests/CPowerCut", linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(name: "CSyncTrace", path: "Tests/CSyncTrace"),
        .executableTarget(
            name: "crash-rig",
            dependencies: [
                "CSyncTrace", "DecisionHost", "Decisioning", "Kernel", "ObjectFiles", "Ports", "SQLiteStore",
                "TestSupport",
            ],
            path: "Tests/CrashRig",
            swiftSettings: strict
        ),
        .testTarget(
            name: "DurabilityTests",
            dependencies: core + [
                "CPowerCut", "InMemory", "ObjectFiles", "SQLiteStore", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "EdgeTests",
            dependencies: core + [
                "ADBCWarehouse", "Approval", "Arbitration", "Assembly", "CommandLink", "Console", "Demo", "Dispatching",
                "Evaluation", "Execution", "Feedback", "Files", "HTTPAPI", "Planning", "Profiles", "Rules",
                "SimulatedChannel", "Synthetic", "Texts", hummingbird,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "ConsoleRig",
            dependencies: core + [
                "Assembly", "Console", "Demo", "Feedback", "HTTPAPI", "Planning", "SimulatedChannel", "Texts",
                hummingbird,
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Tests/Browser/Rig",
            swiftSettings: strict
        ),
    ]
)
