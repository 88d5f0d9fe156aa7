// The REST API below /api/v1, described by openapi.yaml.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Kernel
import Model

extension Site {
    /// Path of the API's version.
    static let api = "/api/v1"

    func addAPI() {
        addSessionRoutes()
        addSegmentRoutes()
        addDataRequestRoutes()
        addCampaignRoutes()
        addApprovalRoutes()
        addRunRoutes()
        addListRoutes()
        addExplainRoutes()
        addCustomerRoutes()
        addContactAnalysis()
        addLoadRoutes()
        addTouchpointRoutes()
        addErasureRoutes()
        addPolicyRoutes()
        addOverrunRoutes()
        addArbitrationRoutes()
        addStaffRoutes()
    }

    /// Now, for records of what people do.
    var now: Instant { platform.clock.now.instant }
    /// Today on the operator's calendar.
    var today: LocalDay { platform.clock.now.day }
}
