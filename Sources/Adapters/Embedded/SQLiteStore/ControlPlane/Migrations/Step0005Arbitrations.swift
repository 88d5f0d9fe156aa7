// Schema step 5: arbitrations across campaigns. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let arbitrations = Step(
        name: "0005-arbitrations",
        sql: """
            CREATE TABLE arbitration (
                id INTEGER PRIMARY KEY,
                version INTEGER NOT NULL CHECK (version >= 1),
                name TEXT NOT NULL CHECK (name <> ''),
                state TEXT NOT NULL CHECK (state IN
                    ('solving', 'solved', 'infeasible', 'failed', 'adopted', 'withdrawn')),
                setup TEXT NOT NULL CHECK (json_valid(setup)),
                previous INTEGER REFERENCES arbitration (id),
                result TEXT CHECK (length(result) = 64),
                figures TEXT CHECK (figures IS NULL OR json_valid(figures)),
                shortfalls TEXT NOT NULL CHECK (json_valid(shortfalls)),
                problem TEXT,
                owner TEXT NOT NULL CHECK (owner <> ''),
                province TEXT,
                city TEXT,
                county TEXT,
                created_ms INTEGER NOT NULL,
                updated_ms INTEGER NOT NULL,
                adopted_by TEXT,
                adopted_ms INTEGER,
                CHECK ((state IN ('solved', 'adopted', 'withdrawn')) = (result IS NOT NULL)),
                CHECK ((result IS NULL) = (figures IS NULL)),
                CHECK ((adopted_by IS NULL) = (adopted_ms IS NULL))
            ) STRICT;
            """
    )
}
