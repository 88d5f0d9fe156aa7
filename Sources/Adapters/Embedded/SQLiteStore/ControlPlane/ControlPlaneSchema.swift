// The tables of the control plane in SQLite, as the frozen steps that lead to them.
// SPDX-License-Identifier: Apache-2.0

import GRDB

/// The schema of the control plane.
///
/// The database notes the name of each step that ran. A step that shipped never changes, and holds SQL only, so that
/// it means the same in every later release.
enum ControlPlaneSchema {
    /// One step, run once in its own transaction.
    struct Step {
        /// Number and topic; kept in the database.
        let name: String
        /// Statements, each ended by a semicolon.
        let sql: String
        /// Whether a table that others refer to is made anew: references are then checked at the end of the step.
        var rebuildsTables = false
    }

    /// All steps in the order they run.
    static let steps = [
        staff, campaigns, listsAndLoads, policies, arbitrations, erasure, segments, lists, segmentExports,
        catalogue, requests, audiences, listRules, segmentDeliveries, schedules,
    ]

    /// Runs the steps that a database has not seen.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for step in steps {
            migrator.registerMigration(step.name, foreignKeyChecks: step.rebuildsTables ? .deferred : .immediate) {
                try $0.execute(sql: step.sql)
            }
        }
        return migrator
    }
}
