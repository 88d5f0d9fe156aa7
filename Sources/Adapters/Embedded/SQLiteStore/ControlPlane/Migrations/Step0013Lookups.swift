// Schema step 13: loads in the audit log, and days of a subscriber, are found at once. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let lookups = Step(
        name: "0013-lookups",
        sql: """
            CREATE INDEX audit_of_loads ON audit (id) WHERE action IN ('load', 'load.rollback');
            CREATE INDEX list_dates_of_subscriber ON list_dates (idx);
            """
    )
}
