// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .unsafeFlags(["-warnings-as-errors"]),
]

/// Engines are optimised in debug builds too: their tests decide millions of cases.
let engine = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "gyre",
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .target(name: "Kernel", swiftSettings: engine),
        .target(name: "Model", dependencies: ["Kernel"], swiftSettings: strict),
        .target(name: "Ports", dependencies: ["Kernel", "Model"], swiftSettings: strict),
        .target(
            name: "CColumns",
            path: "Sources/Engines/CColumns"
        ),
        .target(
            name: "Rules",
            dependencies: ["Kernel", "Model"],
            path: "Sources/Engines/Rules",
            swiftSettings: engine
        ),
        .target(
            name: "Profiles",
            dependencies: ["Kernel", "Model", "Rules", "CColumns"],
            path: "Sources/Engines/Profiles",
            swiftSettings: engine
        ),
        .target(
            name: "Decisioning",
            dependencies: ["Kernel", "Model", "Ports", "Rules", "Profiles", crypto],
            path: "Sources/Engines/Decisioning",
            swiftSettings: engine
        ),
        .target(
            name: "DecisionHost",
            dependencies: ["Kernel", "Model", "Ports", "Profiles", "Decisioning"],
            path: "Sources/Loop/DecisionHost",
            swiftSettings: strict
        ),
        .target(
            name: "Planning",
            dependencies: ["Kernel", "Model", "Ports", "Rules", "Profiles", "Decisioning", "DecisionHost"],
            path: "Sources/Loop/1-Planning",
            swiftSettings: strict
        ),
        .target(
            name: "Approval",
            dependencies: ["Kernel", "Model", "Ports"],
            path: "Sources/Loop/2-Approval",
            swiftSettings: strict
        ),
        .target(
            name: "Dispatching",
            dependencies: ["Kernel", "Model", "Ports", "Decisioning", "DecisionHost"],
            path: "Sources/Loop/3-Dispatching",
            swiftSettings: strict
        ),
        .target(
            name: "Execution",
            dependencies: ["Kernel", "Model", "Ports", "Decisioning", "DecisionHost"],
            path: "Sources/Loop/4-Execution",
            swiftSettings: strict
        ),
        .target(
            name: "Feedback",
            dependencies: ["Kernel", "Model", "Ports", "Decisioning", "DecisionHost"],
            path: "Sources/Loop/5-Feedback",
            swiftSettings: strict
        ),
        .target(
            name: "Evaluation",
            dependencies: ["Kernel", "Model", "Decisioning", "DecisionHost"],
            path: "Sources/Loop/6-Evaluation",
            swiftSettings: strict
        ),
        .target(
            name: "InMemory",
            dependencies: ["Kernel", "Model", "Ports", crypto],
            path: "Sources/Adapters/InMemory",
            swiftSettings: strict
        ),
        .target(
            name: "ObjectFiles",
            dependencies: ["Kernel", "Ports", crypto],
            path: "Sources/Adapters/Embedded/ObjectFiles",
            swiftSettings: strict
        ),
        .target(
            name: "SQLiteStore",
            dependencies: ["Kernel", "Model", "Ports", .product(name: "GRDB", package: "GRDB.swift")],
            path: "Sources/Adapters/Embedded/SQLiteStore",
            swiftSettings: strict
        ),
        .target(
            name: "TestSupport",
            dependencies: ["Kernel", "Model", "Ports", "Decisioning", "DecisionHost", "InMemory"],
            path: "Tests/Support",
            exclude: ["Rules"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "DecisioningTests",
            dependencies: ["Kernel", "Model", "Ports", "Decisioning", "DecisionHost", "InMemory", "TestSupport"],
            path: "Tests/DecisioningTests",
            swiftSettings: strict
        ),
    ]
)
