// Schema step 11: data requests, and the upkeep of special lists. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let requests = Step(
        name: "0011-requests",
        sql: """
            CREATE TABLE data_request (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                title TEXT NOT NULL CHECK (title <> ''),
                need TEXT NOT NULL CHECK (need <> ''),
                reason TEXT NOT NULL CHECK (reason <> ''),
                wanted_day INTEGER NOT NULL,
                province TEXT,
                city TEXT,
                county TEXT,
                segment INTEGER,
                requested_by TEXT NOT NULL CHECK (requested_by <> ''),
                requested_ms INTEGER NOT NULL,
                -- What the steps come to, for lists.
                state TEXT NOT NULL
                    CHECK (state IN ('open', 'taken', 'asked', 'answered', 'closed', 'cancelled')),
                worker TEXT CHECK (worker <> requested_by),
                updated_ms INTEGER NOT NULL
            ) STRICT;
            CREATE INDEX data_request_by_state ON data_request (state);
            CREATE TABLE data_request_step (
                id INTEGER PRIMARY KEY,
                request INTEGER NOT NULL REFERENCES data_request (id),
                act TEXT NOT NULL
                    CHECK (act IN ('take', 'release', 'ask', 'reply', 'answer', 'accept', 'reopen', 'cancel')),
                who TEXT NOT NULL CHECK (who <> ''),
                at_ms INTEGER NOT NULL,
                text TEXT NOT NULL,
                segment INTEGER CHECK (segment IS NULL OR act = 'answer')
            ) STRICT;
            CREATE INDEX data_request_step_by_request ON data_request_step (request, id);
            CREATE TRIGGER data_request_is_never_removed BEFORE DELETE ON data_request BEGIN
                SELECT RAISE(ABORT, 'data requests are never removed');
            END;
            CREATE TRIGGER data_request_step_is_never_removed BEFORE DELETE ON data_request_step BEGIN
                SELECT RAISE(ABORT, 'steps of data requests are never removed');
            END;
            -- Who did what and when never changes; what was written about somebody who is erased goes.
            CREATE TRIGGER data_request_step_never_changes BEFORE UPDATE ON data_request_step
            WHEN NEW.text <> 'erased' OR NEW.id <> OLD.id OR NEW.request <> OLD.request OR NEW.act <> OLD.act
                OR NEW.who <> OLD.who OR NEW.at_ms <> OLD.at_ms OR NEW.segment IS NOT OLD.segment BEGIN
                SELECT RAISE(ABORT, 'steps of data requests never change');
            END;

            CREATE TABLE list_setting (
                id INTEGER PRIMARY KEY,
                list TEXT NOT NULL UNIQUE CHECK (list <> ''),
                roles TEXT NOT NULL CHECK (json_valid(roles)),
                logins TEXT NOT NULL CHECK (json_valid(logins)),
                every_days INTEGER CHECK (every_days BETWEEN 1 AND 366),
                reason TEXT NOT NULL CHECK (reason <> ''),
                who TEXT NOT NULL CHECK (who <> ''),
                at_ms INTEGER NOT NULL,
                version INTEGER NOT NULL CHECK (version > 0)
            ) STRICT;
            CREATE INDEX audit_of_lists ON audit (object, at_ms, id)
            WHERE action IN ('list.add', 'list.remove', 'list.plan', 'list.import');
            """
    )
}
