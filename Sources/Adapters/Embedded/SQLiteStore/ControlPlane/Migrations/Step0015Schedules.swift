// Schema step 15: segments that are computed anew by the hour, week or month, and that others decide on. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let schedules = Step(
        name: "0015-schedules",
        sql: """
            CREATE TABLE new_segment (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                version INTEGER NOT NULL CHECK (version >= 1),
                revision INTEGER NOT NULL CHECK (revision >= 1),
                name TEXT NOT NULL UNIQUE CHECK (name <> ''),
                purpose TEXT NOT NULL,
                definition TEXT NOT NULL CHECK (json_valid(definition)),
                -- The rule or query, or what the source is called; repeats the definition, for lists.
                summary TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('draft', 'saved', 'computed', 'published', 'expired')),
                owner TEXT NOT NULL CHECK (owner <> ''),
                province TEXT,
                city TEXT,
                county TEXT,
                sharing TEXT NOT NULL CHECK (sharing IN ('owner', 'scope', 'everyone')),
                is_template INTEGER NOT NULL CHECK (is_template IN (0, 1)),
                refresh TEXT NOT NULL
                    CHECK (refresh IN ('by_hand', 'on_load', 'hourly', 'daily', 'weekly', 'monthly', 'at_use')),
                valid_to INTEGER,
                count INTEGER CHECK (count >= 0),
                audience INTEGER,
                published INTEGER,
                updated_ms INTEGER NOT NULL,
                matches TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(matches)),
                review TEXT CHECK (review IS NULL OR json_valid(review)),
                CHECK (state <> 'published' OR published IS NOT NULL)
            ) STRICT;
            INSERT INTO new_segment
                SELECT id, version, revision, name, purpose, definition, summary, state, owner, province, city, county,
                    sharing, is_template, refresh, valid_to, count, audience, published, updated_ms, matches, NULL
                FROM segment;
            -- Numbers of segments that are gone are not given again.
            DELETE FROM sqlite_sequence WHERE name = 'new_segment';
            INSERT INTO sqlite_sequence (name, seq)
                SELECT 'new_segment', seq FROM sqlite_sequence WHERE name = 'segment';
            DROP TABLE segment;
            ALTER TABLE new_segment RENAME TO segment;
            """,
        rebuildsTables: true
    )
}
