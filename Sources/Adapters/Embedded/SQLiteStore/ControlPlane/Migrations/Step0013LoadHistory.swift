// Schema step 13: what the audit log has of loads is found at once. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let loadHistory = Step(
        name: "0013-load-history",
        sql: "CREATE INDEX audit_of_loads ON audit (id) WHERE action IN ('load', 'load.rollback');"
    )
}
