// API: data-protection requests. Numbers travel in bodies only.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Hummingbird
public import Kernel
public import Model
import Planning

extension Site {
    private struct ErasureWanted: Decodable {
        var numbers: [String]
        var reason: String
    }

    private struct Erased: Encodable {
        var subscribers: [UInt32]
    }

    func addErasureRoutes() {
        post("\(Self.api)/subscribers/erase", .erase) { [self] request, context in
            try await keys.once(request, context) { request in
                let input = try await request.json(ErasureWanted.self, context)
                let erased = try await erase(input.numbers, reason: input.reason, for: context.user())
                return try Response.json(Erased(subscribers: erased.map(\.number)))
            }
        }
    }

    /// Erases the subscribers with these numbers: all or nobody; it cannot be undone, and is recorded without numbers.
    ///
    /// - Throws: `ErasingError`; `DecisionError.waveOpen(_:)`.
    public func erase(_ numbers: [String], reason: String, for staff: Staff) async throws -> [SubscriberIndex] {
        try await platform.erasing.erase(numbers, reason: reason, by: staff, at: platform.clock.now)
    }

    /// Refuses what is asked about a subscriber who is erased, whatever still leads to him.
    ///
    /// - Throws: `DecisionError.erased(_:)`.
    public func requireKept(_ index: SubscriberIndex) async throws {
        if try await platform.host.look({ $0.isErased(index) }) { throw DecisionError.erased(index) }
    }
}
