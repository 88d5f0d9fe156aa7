// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .unsafeFlags(["-warnings-as-errors"]),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "gyre",
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0")
    ],
    targets: [
        .target(name: "Kernel", swiftSettings: strict),
        .target(name: "Model", dependencies: ["Kernel"], swiftSettings: strict),
        .target(name: "Ports", dependencies: ["Kernel", "Model"], swiftSettings: strict),
        .target(
            name: "Decisioning",
            dependencies: ["Kernel", "Model", "Ports", crypto],
            path: "Sources/Engines/Decisioning",
            swiftSettings: strict
        ),
    ]
)
