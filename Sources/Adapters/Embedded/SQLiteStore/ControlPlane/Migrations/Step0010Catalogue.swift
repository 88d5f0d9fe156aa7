// Schema step 10: revisions of the attribute catalogue. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let catalogue = Step(
        name: "0010-catalogue",
        sql: """
            CREATE TABLE catalogue_revision (
                id INTEGER PRIMARY KEY CHECK (id >= 1),
                at_ms INTEGER NOT NULL,
                who TEXT NOT NULL CHECK (who <> ''),
                reason TEXT NOT NULL CHECK (reason <> ''),
                content TEXT NOT NULL CHECK (json_valid(content))
            ) STRICT;
            CREATE TRIGGER catalogue_revision_is_the_next BEFORE INSERT ON catalogue_revision
            WHEN NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM catalogue_revision) BEGIN
                SELECT RAISE(ABORT, 'catalogue revisions are numbered without gaps and never replaced');
            END;
            CREATE TRIGGER catalogue_revision_never_changes BEFORE UPDATE OF id, at_ms, who, content
            ON catalogue_revision BEGIN
                SELECT RAISE(ABORT, 'catalogue revisions never change');
            END;
            CREATE TRIGGER catalogue_revision_is_never_removed BEFORE DELETE ON catalogue_revision BEGIN
                SELECT RAISE(ABORT, 'catalogue revisions are never removed');
            END;
            """
    )
}
