// What every object store must keep, as checks that run on each adapter.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Ports
import Testing

/// The conformance kit of the ``ObjectStore`` port; `open` opens the same store each time it is called.
public struct ObjectStoreConformance: Sendable {
    private let open: @Sendable () throws -> any ObjectStore

    /// Checks an adapter that begins empty.
    public init(open: @escaping @Sendable () throws -> any ObjectStore) {
        self.open = open
    }

    /// Contents are found under their names, listed, and gone once they are removed or destroyed.
    public func contentsAreKeptListedAndDestroyed() throws {
        let store = try open()
        #expect(try store.names().isEmpty)
        let contents = (0..<40).map { number in [UInt8](repeating: UInt8(number), count: number * 3) }
        let names = try contents.map { try store.put($0) }
        #expect(try store.put(contents[3]) == names[3], "the same content is stored once")
        for reader in [store, try open()] {
            #expect(try Set(reader.names()) == Set(names) && reader.names().count == 40)
            for (name, content) in zip(names, contents) {
                #expect(try reader.bytes(name) == content)
                if content.count > 4 { #expect(try reader.bytes(name, offset: 2, count: 3) == Array(content[2..<5])) }
            }
        }
        try store.remove(names[0])
        try store.remove(names[0])
        try store.destroy([])
        try store.destroy(Array(names[..<20]) + [ContentHash(hex: String(repeating: "ab", count: 32)) ?? .zero])
        for reader in [store, try open()] {
            #expect(try Set(reader.names()) == Set(names[20...]))
            for name in names[..<20] {
                #expect(throws: (any Error).self) { try reader.bytes(name) }
                #expect(throws: (any Error).self) { try reader.bytes(name, offset: 0, count: 1) }
            }
        }
        #expect(try store.put(all: []).isEmpty)
        #expect(try store.put(all: [contents[5], contents[5], contents[25]]) == [names[5], names[5], names[25]])
        #expect(try open().bytes(names[5]) == contents[5] && Set(open().names()) == Set(names[20...] + [names[5]]))
        #expect(try store.put(contents[7]) == names[7])
        #expect(try store.bytes(names[7]) == contents[7], "what was destroyed may be stored again")
    }
}
