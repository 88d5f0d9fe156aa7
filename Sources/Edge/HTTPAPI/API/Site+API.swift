// The REST API below /api/v1, described by openapi.yaml.
// SPDX-License-Identifier: Apache-2.0

import Hummingbird

extension Site {
    /// Path of the API's version.
    static let api = "/api/v1"

    func addAPI() {
    }
}
