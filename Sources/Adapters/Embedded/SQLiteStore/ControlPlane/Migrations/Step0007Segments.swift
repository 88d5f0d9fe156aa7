// Schema step 7: definitions of segments with their revisions, life, audiences and uses. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let segments = Step(
        name: "0007-segments",
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
                refresh TEXT NOT NULL CHECK (refresh IN ('by_hand', 'on_load', 'daily', 'at_use')),
                valid_to INTEGER,
                count INTEGER CHECK (count >= 0),
                audience INTEGER,
                published INTEGER,
                updated_ms INTEGER NOT NULL,
                CHECK (state <> 'published' OR published IS NOT NULL)
            ) STRICT;
            INSERT INTO new_segment
                SELECT id, version, 1, name, '', json_object('from', json_object('rule', rule)), rule, 'saved', owner,
                    province, city, county, 'scope', 0, 'at_use', NULL, count, NULL, NULL, updated_ms
                FROM segment;

            CREATE TABLE segment_revision (
                segment INTEGER NOT NULL REFERENCES segment (id) ON DELETE CASCADE,
                number INTEGER NOT NULL CHECK (number >= 1),
                name TEXT NOT NULL,
                definition TEXT NOT NULL CHECK (json_valid(definition)),
                who TEXT NOT NULL CHECK (who <> ''),
                at_ms INTEGER NOT NULL,
                PRIMARY KEY (segment, number)
            ) STRICT, WITHOUT ROWID;
            INSERT INTO segment_revision
                SELECT id, 1, name, json_object('from', json_object('rule', rule)), owner, updated_ms FROM segment;

            DROP TABLE segment;
            ALTER TABLE new_segment RENAME TO segment;

            CREATE TRIGGER segment_revision_never_changes BEFORE UPDATE ON segment_revision BEGIN
                SELECT RAISE(ABORT, 'revisions of a segment never change');
            END;

            CREATE TABLE audience (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                segment INTEGER NOT NULL REFERENCES segment (id) ON DELETE CASCADE,
                revision INTEGER NOT NULL,
                file TEXT NOT NULL CHECK (length(file) = 64),
                count INTEGER NOT NULL CHECK (count >= 0),
                universe INTEGER NOT NULL CHECK (universe >= count),
                steps TEXT NOT NULL CHECK (json_valid(steps)),
                load TEXT NOT NULL,
                who TEXT NOT NULL CHECK (who <> ''),
                at_ms INTEGER NOT NULL,
                FOREIGN KEY (segment, revision) REFERENCES segment_revision (segment, number) ON DELETE CASCADE
            ) STRICT;
            CREATE INDEX audience_by_segment ON audience (segment, id);
            CREATE TRIGGER audience_never_changes BEFORE UPDATE ON audience BEGIN
                SELECT RAISE(ABORT, 'audiences never change');
            END;

            CREATE TABLE segment_use (
                used INTEGER NOT NULL REFERENCES segment (id),
                user INTEGER NOT NULL REFERENCES segment (id) ON DELETE CASCADE,
                PRIMARY KEY (used, user)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX segment_use_by_user ON segment_use (user);
            CREATE INDEX campaign_by_segment ON campaign (segment);
            """,
        rebuildsTables: true
    )
}
