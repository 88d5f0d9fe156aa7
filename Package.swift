// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .unsafeFlags(["-warnings-as-errors"]),
]

let package = Package(
    name: "gyre",
    targets: [
        .target(name: "Kernel", swiftSettings: strict),
        .target(name: "Model", dependencies: ["Kernel"], swiftSettings: strict),
    ]
)
