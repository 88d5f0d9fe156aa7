// Object stores against the port's conformance kit.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import InMemory
import ObjectFiles
import TestSupport
import Testing

@Suite struct ObjectStoreTests {
    @Test func `objects in files keep the promises of the port`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gyre-objects-\(UUID().uuidString)")
            .path(percentEncoded: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try ObjectStoreConformance { try ObjectFiles(folder: folder) }.contentsAreKeptListedAndDestroyed()
    }

    @Test func `objects in memory keep the promises of the port`() throws {
        let objects = InMemoryObjects()
        try ObjectStoreConformance { objects }.contentsAreKeptListedAndDestroyed()
    }
}
