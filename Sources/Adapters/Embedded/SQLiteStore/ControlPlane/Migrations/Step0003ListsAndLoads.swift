// Schema step 3: special lists changed by hand, and loads. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let listsAndLoads = Step(
        name: "0003-lists-and-loads",
        sql: """
            CREATE TABLE list_change (
                id INTEGER PRIMARY KEY,
                at_ms INTEGER NOT NULL,
                who TEXT NOT NULL CHECK (who <> ''),
                list TEXT NOT NULL CHECK (list <> ''),
                channel TEXT CHECK (channel IN ('sms', 'outbound', 'inbound', 'website')),
                idx INTEGER NOT NULL CHECK (idx BETWEEN 0 AND 4294967295),
                is_added INTEGER NOT NULL CHECK (is_added IN (0, 1)),
                reason TEXT NOT NULL CHECK (reason <> '')
            ) STRICT;
            CREATE INDEX list_change_by_subscriber ON list_change (idx, id);

            CREATE TABLE load (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE CHECK (id <> ''),
                at_ms INTEGER NOT NULL,
                file TEXT NOT NULL CHECK (file <> ''),
                table_name TEXT NOT NULL CHECK (table_name <> ''),
                read INTEGER NOT NULL CHECK (read >= 0),
                loaded INTEGER NOT NULL CHECK (loaded >= 0),
                rejected INTEGER NOT NULL CHECK (rejected >= 0),
                folder TEXT NOT NULL CHECK (folder <> '')
            ) STRICT;
            CREATE INDEX load_by_table ON load (table_name, number);
            """
    )
}
