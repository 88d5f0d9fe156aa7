// Schema step 8: lists of numbers that changed special lists, and the days of entries. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let lists = Step(
        name: "0008-lists",
        sql: """
            CREATE TABLE list_import (
                id INTEGER PRIMARY KEY,
                at_ms INTEGER NOT NULL,
                who TEXT NOT NULL CHECK (who <> ''),
                list TEXT NOT NULL CHECK (list <> ''),
                channel TEXT CHECK (channel IN ('sms', 'outbound', 'inbound', 'website')),
                mode TEXT NOT NULL CHECK (mode IN ('add', 'remove', 'replace')),
                source TEXT NOT NULL CHECK (source <> ''),
                reason TEXT NOT NULL CHECK (reason <> ''),
                read INTEGER NOT NULL CHECK (read >= 0),
                left_out INTEGER NOT NULL CHECK (left_out >= 0),
                added INTEGER NOT NULL CHECK (added >= 0),
                removed INTEGER NOT NULL CHECK (removed >= 0),
                added_file TEXT CHECK (length(added_file) = 64),
                removed_file TEXT CHECK (length(removed_file) = 64)
            ) STRICT;

            CREATE TABLE list_dates (
                id INTEGER PRIMARY KEY,
                list TEXT NOT NULL CHECK (list <> ''),
                channel TEXT NOT NULL CHECK (channel IN ('', 'sms', 'outbound', 'inbound', 'website')),
                idx INTEGER NOT NULL CHECK (idx BETWEEN 0 AND 4294967295),
                from_day INTEGER,
                to_day INTEGER CHECK (to_day >= from_day),
                who TEXT NOT NULL CHECK (who <> ''),
                reason TEXT NOT NULL CHECK (reason <> ''),
                is_entered INTEGER NOT NULL CHECK (is_entered IN (0, 1)),
                UNIQUE (list, channel, idx)
            ) STRICT;
            """
    )
}
