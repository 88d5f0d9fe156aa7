// Schema step 12: what audiences were made of, and what segments are matched with. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let audiences = Step(
        name: "0012-audiences",
        sql: """
            ALTER TABLE audience ADD COLUMN looked_at TEXT CHECK (looked_at IS NULL OR json_valid(looked_at));
            ALTER TABLE audience ADD COLUMN facts TEXT CHECK (facts IS NULL OR length(facts) = 64);
            ALTER TABLE segment ADD COLUMN matches TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(matches));
            """
    )
}
