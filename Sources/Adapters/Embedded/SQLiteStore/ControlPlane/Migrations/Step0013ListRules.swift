// Schema step 13: lists that a rule fills; what is asked often is found by an index. Frozen: a change is a new step.
// SPDX-License-Identifier: Apache-2.0

extension ControlPlaneSchema {
    static let listRules = Step(
        name: "0013-list-rules",
        sql: """
            CREATE INDEX audit_of_loads ON audit (id) WHERE action IN ('load', 'load.rollback');
            ALTER TABLE list_setting ADD COLUMN rule TEXT CHECK (rule <> '');
            CREATE INDEX list_dates_of_subscriber ON list_dates (idx);
            """
    )
}
