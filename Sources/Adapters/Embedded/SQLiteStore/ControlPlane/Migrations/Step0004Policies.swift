// Schema step 4: drafts and revisions of the contact policy. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let policies = Step(
        name: "0004-policies",
        sql: """
            CREATE TABLE policy_draft (
                id INTEGER PRIMARY KEY,
                version INTEGER NOT NULL CHECK (version >= 1),
                base INTEGER NOT NULL CHECK (base >= 0),
                author TEXT NOT NULL CHECK (author <> ''),
                note TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('draft', 'live', 'discarded')),
                policy TEXT NOT NULL CHECK (json_valid(policy)),
                created_ms INTEGER NOT NULL,
                updated_ms INTEGER NOT NULL
            ) STRICT;

            CREATE TABLE policy_revision (
                number INTEGER PRIMARY KEY CHECK (number >= 1),
                at_ms INTEGER NOT NULL,
                who TEXT NOT NULL CHECK (who <> ''),
                note TEXT NOT NULL,
                draft INTEGER UNIQUE REFERENCES policy_draft (id),
                policy TEXT NOT NULL CHECK (json_valid(policy))
            ) STRICT;
            """
    )
}
