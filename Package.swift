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
            name: "Decisioning",
            dependencies: ["Kernel", "Model", "Ports", crypto],
            path: "Sources/Engines/Decisioning",
            swiftSettings: engine
        ),
        .target(
            name: "DecisionHost",
            dependencies: ["Kernel", "Model", "Ports", "Decisioning"],
            path: "Sources/Loop/DecisionHost",
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
