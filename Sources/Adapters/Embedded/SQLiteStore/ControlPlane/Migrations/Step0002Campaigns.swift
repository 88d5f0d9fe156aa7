// Schema step 2: segments, campaigns with all revisions of their plans, and approvals. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let campaigns = Step(
        name: "0002-campaigns",
        sql: """
            CREATE TABLE segment (
                id INTEGER PRIMARY KEY,
                version INTEGER NOT NULL CHECK (version >= 1),
                name TEXT NOT NULL UNIQUE CHECK (name <> ''),
                rule TEXT NOT NULL CHECK (rule <> ''),
                owner TEXT NOT NULL CHECK (owner <> ''),
                province TEXT,
                city TEXT,
                county TEXT,
                count INTEGER CHECK (count >= 0),
                updated_ms INTEGER NOT NULL
            ) STRICT;

            -- name, goal, segment and planned_ms repeat the plan, for lists.
            CREATE TABLE campaign (
                id INTEGER PRIMARY KEY,
                version INTEGER NOT NULL CHECK (version >= 1),
                revision INTEGER NOT NULL CHECK (revision >= 1),
                name TEXT NOT NULL UNIQUE CHECK (name <> ''),
                goal TEXT NOT NULL,
                segment INTEGER NOT NULL REFERENCES segment (id),
                planned_ms INTEGER NOT NULL,
                phase TEXT NOT NULL CHECK (phase IN
                    ('draft', 'submitted', 'approved', 'running', 'paused', 'stopped', 'finished', 'rejected')),
                owner TEXT NOT NULL CHECK (owner <> ''),
                province TEXT,
                city TEXT,
                county TEXT,
                dry_run TEXT CHECK (dry_run IS NULL OR json_valid(dry_run)),
                updated_ms INTEGER NOT NULL,
                FOREIGN KEY (id, revision) REFERENCES campaign_revision (campaign, revision)
                    DEFERRABLE INITIALLY DEFERRED
            ) STRICT;

            CREATE TABLE campaign_revision (
                campaign INTEGER NOT NULL REFERENCES campaign (id),
                revision INTEGER NOT NULL CHECK (revision >= 1),
                plan TEXT NOT NULL CHECK (json_valid(plan)),
                PRIMARY KEY (campaign, revision)
            ) STRICT, WITHOUT ROWID;
            CREATE TRIGGER campaign_revision_never_changes BEFORE UPDATE ON campaign_revision BEGIN
                SELECT RAISE(ABORT, 'revisions of a plan never change');
            END;
            CREATE TRIGGER campaign_revision_is_never_removed BEFORE DELETE ON campaign_revision BEGIN
                SELECT RAISE(ABORT, 'revisions of a plan are never removed');
            END;
            CREATE TRIGGER campaign_revision_is_never_replaced BEFORE INSERT ON campaign_revision
            WHEN EXISTS (SELECT 1 FROM campaign_revision WHERE campaign = NEW.campaign AND revision = NEW.revision) BEGIN
                SELECT RAISE(ABORT, 'revisions of a plan are never replaced');
            END;

            CREATE TABLE approval (
                id INTEGER PRIMARY KEY,
                campaign INTEGER NOT NULL,
                revision INTEGER NOT NULL,
                submitted_by TEXT NOT NULL CHECK (submitted_by <> ''),
                submitted_ms INTEGER NOT NULL,
                result TEXT CHECK (result IN ('pass', 'adjust', 'fail')),
                decided_by TEXT CHECK (decided_by <> submitted_by),
                decided_ms INTEGER,
                reason TEXT,
                FOREIGN KEY (campaign, revision) REFERENCES campaign_revision (campaign, revision),
                CHECK ((result IS NULL) = (decided_by IS NULL) AND (result IS NULL) = (decided_ms IS NULL)),
                CHECK (result IS NULL OR result = 'pass' OR coalesce(reason, '') <> '')
            ) STRICT;
            CREATE INDEX approval_by_campaign ON approval (campaign, id);
            CREATE UNIQUE INDEX approval_waits_once ON approval (campaign) WHERE result IS NULL;
            CREATE TRIGGER approval_never_changes_once_decided BEFORE UPDATE ON approval
            WHEN OLD.result IS NOT NULL BEGIN
                SELECT RAISE(ABORT, 'decided approvals never change');
            END;
            CREATE TRIGGER approval_is_never_removed BEFORE DELETE ON approval BEGIN
                SELECT RAISE(ABORT, 'approvals are never removed');
            END;
            CREATE TRIGGER approval_is_never_replaced BEFORE INSERT ON approval
            WHEN EXISTS (SELECT 1 FROM approval WHERE id = NEW.id) BEGIN
                SELECT RAISE(ABORT, 'approvals are never replaced');
            END;
            """
    )
}
