// The console's own style and scripts, compiled in, and where the browser finds them and the fetched ones.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel

/// Files of the console.
enum ConsoleAssets {
    /// The console's own files: name, content type, bytes.
    static let own: [String: (type: String, bytes: [UInt8])] = [
        "console.css": ("text/css; charset=utf-8", PackageResources.console_css),
        "console.js": ("text/javascript; charset=utf-8", PackageResources.console_js),
        "charts.js": ("text/javascript; charset=utf-8", PackageResources.charts_js),
        "icon.svg": ("image/svg+xml", PackageResources.icon_svg),
    ]

    /// Changes with the contents, so that browsers may keep files for long.
    static let version: String = {
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        for (_, file) in own.sorted(by: { $0.key < $1.key }) {
            for byte in file.bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        return String(sum, radix: 36)
    }()

    /// The address of a file: the console's own, or one that bin/setup fetched.
    static func path(_ name: String) -> String {
        own[name] == nil ? "/assets/\(name)" : "/console/\(version)/\(name)"
    }
}
