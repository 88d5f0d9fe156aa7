// Where subscribers are named in the log: the port's promises on each adapter.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import InMemory
import Kernel
import ObjectFiles
import Ports
import SQLiteStore
import Testing
import TestSupport

struct SubscriberPostingsTests {
    @Test func `postings in memory keep the port's promises`() throws {
        let postings = InMemoryPostings()
        try SubscriberPostingsConformance { postings }.whatWasAddedIsFound()
    }

    @Test func `postings in a file keep the port's promises`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/explain.sqlite"
        try SubscriberPostingsConformance { try SQLitePostings(path: path) }.whatWasAddedIsFound()
        withExtendedLifetime(folder) {}
    }

    @Test func `a file that is no database is replaced by an empty one`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/explain.sqlite"
        try Data(repeating: 65, count: 9_000).write(to: URL(filePath: path))
        #expect(try SQLitePostings(path: path).end() == 0)
        withExtendedLifetime(folder) {}
    }

    @Test func `rows of waves in memory keep the port's promises`() throws {
        let rows = InMemoryWaveRows()
        try WaveRowsConformance { rows }.groupsAreThereWhole()
    }

    @Test func `rows of waves in files keep the port's promises`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/explain"
        try WaveRowsConformance { try RowFiles(folder: path) }.groupsAreThereWhole()
        // A file that was cut off in its key is none.
        try Data([1, 2, 3]).write(to: URL(filePath: path + "/waves-9"))
        #expect(try RowFiles(folder: path).group(9) == nil)
        withExtendedLifetime(folder) {}
    }
}
