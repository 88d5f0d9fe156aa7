// Schema step 9: exports of segments. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let segmentExports = Step(
        name: "0009-segment-exports",
        sql: """
            CREATE TABLE segment_export (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                segment INTEGER NOT NULL,
                name TEXT NOT NULL CHECK (name <> ''),
                audience INTEGER NOT NULL,
                count INTEGER NOT NULL CHECK (count >= 0),
                attributes TEXT NOT NULL CHECK (json_valid(attributes)),
                reason TEXT NOT NULL CHECK (reason <> ''),
                province TEXT,
                city TEXT,
                county TEXT,
                requested_by TEXT NOT NULL CHECK (requested_by <> ''),
                requested_ms INTEGER NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'refused')),
                decided_by TEXT CHECK (decided_by <> requested_by),
                decided_ms INTEGER,
                CHECK ((state = 'waiting') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_ms IS NULL))
            ) STRICT;
            CREATE TRIGGER segment_export_never_changes_once_decided BEFORE UPDATE ON segment_export
            WHEN OLD.state <> 'waiting' BEGIN
                SELECT RAISE(ABORT, 'decided exports never change');
            END;
            CREATE TRIGGER segment_export_is_never_removed BEFORE DELETE ON segment_export BEGIN
                SELECT RAISE(ABORT, 'exports are never removed');
            END;
            """
    )
}
