// Schema step 6: subscribers who are erased; what was written about them may be taken out. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let erasure = Step(
        name: "0006-erasure",
        sql: """
            CREATE TABLE erased_subscriber (
                idx INTEGER PRIMARY KEY CHECK (idx BETWEEN 0 AND 4294967295)
            ) STRICT;

            DROP TRIGGER audit_never_changes;
            -- Who did what to what and when never changes; what was written about somebody who is erased goes.
            CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
            WHEN NEW.detail <> 'erased' OR NEW.id <> OLD.id OR NEW.at_ms <> OLD.at_ms OR NEW.who <> OLD.who
                OR NEW.action <> OLD.action OR NEW.object <> OLD.object BEGIN
                SELECT RAISE(ABORT, 'audit entries never change');
            END;
            """
    )
}
