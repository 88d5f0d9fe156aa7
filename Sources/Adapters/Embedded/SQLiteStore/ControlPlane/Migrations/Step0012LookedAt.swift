// Schema step 12: what finding an audience looked at. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let lookedAt = Step(
        name: "0012-looked-at",
        sql: """
            ALTER TABLE audience ADD COLUMN looked_at TEXT CHECK (looked_at IS NULL OR json_valid(looked_at));
            """
    )
}
