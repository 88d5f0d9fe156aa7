// The console's own style and scripts, compiled in, and where the browser finds them and the fetched ones.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Files of the console.
enum ConsoleAssets {
    /// The console's own files by name.
    static let own: [(name: String, content: Data)] = [
        ("builder.js", Data(PackageResources.builder_js)), ("charts.js", Data(PackageResources.charts_js)),
        ("conditions.js", Data(PackageResources.conditions_js)), ("console.css", Data(PackageResources.console_css)),
        ("console.js", Data(PackageResources.console_js)), ("icon.svg", Data(PackageResources.icon_svg)),
        ("rows.js", Data(PackageResources.rows_js)),
    ]

    /// Changes with the contents, so that a browser never keeps the style of another build (FNV-1a).
    private static let version: String = {
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        for file in own {
            for byte in file.content { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        return String(sum, radix: 36)
    }()

    /// The address of a file: the console's own, or one that bin/setup fetched.
    static func path(_ name: String) -> String {
        own.contains { $0.name == name } ? "/assets/\(name)?v=\(version)" : "/assets/\(name)"
    }
}
