// Contacts made before the log began, as counters and recent days: the file behind `historyLoaded`.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// Contacts made before Gyre, or by others, summed for the ledger.
public struct ContactHistory: Hashable, Sendable {
    /// Contacts per subscriber for one class and month.
    public struct Column: Hashable, Sendable {
        /// The channel class.
        public var channel: ChannelClass
        /// The calendar month.
        public var month: LocalMonth
        /// Contacts by index, at most 255 each.
        public var counts: [UInt8]

        /// Makes a column; see the properties.
        public init(channel: ChannelClass, month: LocalMonth, counts: [UInt8]) {
            self.channel = channel
            self.month = month
            self.counts = counts
        }
    }

    /// Counters for the caps.
    public var counters: [Column] = []
    var recents: [RecentContacts] = []

    /// An empty history.
    public init() {}

    /// Adds the subscribers contacted on one day, for intervals and similarity.
    public mutating func add(channel: ChannelClass, category: String?, day: LocalDay, indices: [UInt32]) {
        var byBlock: [Int: [UInt16]] = [:]
        for index in indices { byBlock[Int(index >> 16), default: []].append(UInt16(index & 0xFFFF)) }
        recents.append(
            RecentContacts(channel: channel, category: category, day: day, blocks: byBlock.mapValues { BlockSet($0) })
        )
    }

    /// The file's bytes.
    public func encoded() -> [UInt8] {
        var w = ByteWriter(capacity: counters.reduce(1024) { $0 + $1.counts.count + 16 })
        w.write(UInt32(counters.count))
        for column in counters {
            w.write(column.channel.rawValue)
            w.write(column.month.number)
            w.write(counted: column.counts)
        }
        w.write(UInt32(recents.count))
        for recent in recents {
            w.write(recent.channel.rawValue)
            w.write(text: recent.category ?? "")
            w.write(recent.day.number)
            w.write(UInt32(recent.blocks.count))
            for (block, members) in recent.blocks.sorted(by: { $0.key < $1.key }) {
                w.write(UInt32(block))
                members.encode(to: &w)
            }
        }
        return w.bytes
    }

    /// Reads a file written by ``encoded()``.
    public init(decoding bytes: [UInt8]) throws(MalformedBytes) {
        var r = ByteReader(bytes)
        let columns: UInt32 = try r.read()
        for _ in 0..<columns {
            counters.append(
                Column(
                    channel: try r.readRaw(ChannelClass.self, "a channel class"),
                    month: LocalMonth(number: try r.read()),
                    counts: Array(try r.readCounted())
                )
            )
        }
        let count: UInt32 = try r.read()
        for _ in 0..<count {
            let channel = try r.readRaw(ChannelClass.self, "a channel class")
            let category = try r.readText()
            let day = LocalDay(number: try r.read())
            let blockCount: UInt32 = try r.read()
            var blocks: [Int: BlockSet] = [:]
            for _ in 0..<blockCount {
                let block: UInt32 = try r.read()
                blocks[Int(block)] = try BlockSet(from: &r)
            }
            recents.append(
                RecentContacts(
                    channel: channel,
                    category: category.isEmpty ? nil : category,
                    day: day,
                    blocks: blocks
                )
            )
        }
        guard r.isAtEnd else { throw MalformedBytes(offset: r.offset, expected: "the end of the history") }
    }

    /// What the file says of one subscriber.
    struct Excerpt {
        var counts: [(channel: ChannelClass, month: LocalMonth, count: Int)] = []
        var days: [(channel: ChannelClass, category: String?, day: LocalDay)] = []
    }

    /// Where an encoded history keeps what.
    struct Layout: Sendable {
        fileprivate var columns: [(channel: ChannelClass, month: LocalMonth, offset: Int, length: Int)] = []
        fileprivate var recents:
            [(channel: ChannelClass, category: String?, day: LocalDay, blocks: [Int: (offset: Int, length: Int)])] = []

        /// Reads the headers of a file.
        ///
        /// `read`: Gives `count` bytes at an offset of the file.
        init(read: (_ offset: Int, _ count: Int) throws -> [UInt8]) throws {
            var offset = 0
            func take(_ count: Int) throws -> ByteReader {
                defer { offset += count }
                return ByteReader(try read(offset, count))
            }
            func number() throws -> Int {
                var reader = try take(4)
                return Int(try reader.read(UInt32.self))
            }
            for _ in 0..<(try number()) {
                var header = try take(9)
                let channel = try header.readRaw(ChannelClass.self, "a channel class")
                let month = LocalMonth(number: try header.read())
                let length = Int(try header.read(UInt32.self))
                columns.append((channel, month, offset, length))
                offset += length
            }
            for _ in 0..<(try number()) {
                var header = try take(1)
                let channel = try header.readRaw(ChannelClass.self, "a channel class")
                let length = try number()
                let category = String(decoding: try read(offset, length), as: UTF8.self)
                offset += length
                var dayReader = try take(4)
                let day = LocalDay(number: try dayReader.read())
                var blocks: [Int: (offset: Int, length: Int)] = [:]
                for _ in 0..<(try number()) {
                    var block = try take(8)
                    let number = Int(try block.read(UInt32.self))
                    let count = Int(try block.read(UInt32.self))
                    let length = count <= BlockSet.sparseLimit ? count * 2 : Block.words * 8
                    // The set begins with its count.
                    blocks[number] = (offset - 4, length + 4)
                    offset += length
                }
                recents.append((channel, category.isEmpty ? nil : category, day, blocks))
            }
        }

        /// Reads what concerns one subscriber.
        func excerpt(
            of index: SubscriberIndex,
            read: (_ offset: Int, _ count: Int) throws -> [UInt8]
        ) throws -> Excerpt {
            var result = Excerpt()
            for column in columns where Int(index.number) < column.length {
                let count = Int(try read(column.offset + Int(index.number), 1)[0])
                if count > 0 { result.counts.append((column.channel, column.month, count)) }
            }
            for recent in recents {
                guard let block = recent.blocks[index.block] else { continue }
                var members = ByteReader(try read(block.offset, block.length))
                if try BlockSet(from: &members).contains(index.offset) {
                    result.days.append((recent.channel, recent.category, recent.day))
                }
            }
            return result
        }
    }
}
