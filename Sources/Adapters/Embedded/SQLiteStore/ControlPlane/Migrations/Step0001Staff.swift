// Schema step 1: staff, their sessions, and the audit log. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let staff = Step(
        name: "0001-staff",
        sql: """
            CREATE TABLE staff (
                login TEXT NOT NULL PRIMARY KEY
                    CHECK (length(login) BETWEEN 1 AND 64 AND login NOT GLOB '*[^!-~]*' AND login NOT GLOB '*[A-Z]*'),
                name TEXT NOT NULL CHECK (name <> ''),
                role TEXT NOT NULL CHECK (role IN ('planner', 'approver', 'agent', 'administrator')),
                province TEXT,
                city TEXT,
                county TEXT,
                is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
                password TEXT NOT NULL CHECK (password <> '')
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE session (
                token BLOB NOT NULL PRIMARY KEY CHECK (length(token) = 32),
                login TEXT NOT NULL REFERENCES staff (login),
                expires_ms INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX session_by_login ON session (login);
            CREATE INDEX session_by_expiry ON session (expires_ms);

            CREATE TABLE audit (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                at_ms INTEGER NOT NULL,
                who TEXT NOT NULL CHECK (who <> ''),
                action TEXT NOT NULL CHECK (action <> ''),
                object TEXT NOT NULL,
                detail TEXT NOT NULL
            ) STRICT;
            CREATE INDEX audit_by_time ON audit (at_ms, id);
            CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit BEGIN
                SELECT RAISE(ABORT, 'audit entries never change');
            END;
            CREATE TRIGGER audit_is_never_removed BEFORE DELETE ON audit BEGIN
                SELECT RAISE(ABORT, 'audit entries are never removed');
            END;
            -- INSERT OR REPLACE removes rows without asking the trigger above.
            CREATE TRIGGER audit_is_never_replaced BEFORE INSERT ON audit
            WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) BEGIN
                SELECT RAISE(ABORT, 'audit entries are never replaced');
            END;
            """
    )
}
