// Schema step 14: exports that go to another system as files. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let segmentDeliveries = Step(
        name: "0014-segment-deliveries",
        sql: """
            ALTER TABLE segment_export ADD COLUMN system TEXT CHECK (system <> '');
            ALTER TABLE segment_export ADD COLUMN until_day INTEGER CHECK (until_day IS NULL OR system IS NOT NULL);
            ALTER TABLE segment_export ADD COLUMN ended_by TEXT
                CHECK (ended_by IS NULL OR system IS NOT NULL AND state = 'approved');
            ALTER TABLE segment_export ADD COLUMN ended_ms INTEGER CHECK ((ended_by IS NULL) = (ended_ms IS NULL));
            CREATE INDEX segment_export_delivered ON segment_export (id)
            WHERE system IS NOT NULL AND state = 'approved' AND ended_ms IS NULL;
            DROP TRIGGER segment_export_never_changes_once_decided;
            CREATE TRIGGER segment_export_never_changes_once_decided BEFORE UPDATE OF
                segment, name, audience, count, attributes, province, city, county, requested_by, requested_ms,
                state, decided_by, decided_ms, system, until_day
            ON segment_export WHEN OLD.state <> 'waiting' BEGIN
                SELECT RAISE(ABORT, 'decided exports never change, but for their end and words of people who are erased');
            END;
            CREATE TRIGGER segment_export_ends_once BEFORE UPDATE OF ended_by, ended_ms ON segment_export
            WHEN OLD.ended_ms IS NOT NULL BEGIN
                SELECT RAISE(ABORT, 'a delivery ends once');
            END;
            CREATE TABLE segment_delivery (
                export INTEGER NOT NULL REFERENCES segment_export (id),
                audience INTEGER NOT NULL,
                name TEXT NOT NULL CHECK (name <> ''),
                count INTEGER NOT NULL CHECK (count >= 0),
                removed INTEGER NOT NULL CHECK (removed >= 0),
                at_ms INTEGER NOT NULL,
                PRIMARY KEY (export, audience)
            ) STRICT, WITHOUT ROWID;
            """
    )
}
