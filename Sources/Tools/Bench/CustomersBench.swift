// bench customers: one customer found and shown as the console does, over the loaded tables of a synthetic operator.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import Kernel
import Model
import Planning

/// Random subscribers, each found in four ways; then everything on the customer's page, and the contact view.
struct CustomersBench {
    let options: BenchOptions
    private static let repetitions = 20

    func run() async throws -> [String: Double] {
        let world = try BenchOperator(options)
        try await world.prepare()
        let platform = try await world.open()
        let customers = platform.customers
        let today = LocalDay(year: 2026, month: 9, day: 16) ?? platform.clock.now.day
        var random = SeededRandom(seed: options.seed)
        var times: [String: [Double]] = [:]
        func timed<T>(_ key: String, _ body: () async throws -> T) async rethrows -> T {
            let (result, ms) = try await milliseconds(body)
            times[key, default: []].append(ms)
            return result
        }
        for repetition in 0..<Self.repetitions {
            let index = SubscriberIndex(UInt32.random(in: 0..<UInt32(options.subscribers), using: &random))
            let identity = try await customers.profile(of: index).identity
            guard let number = identity.msisdn, let imsi = identity.imsi, let customer = identity.customer else {
                continue
            }
            let found = try await timed("number_ms") { try await customers.find(.number(number.national), in: .all) }
            let place = found.lines[0]
            let questions: [(String, CustomerQuestion)] = [
                ("imsi_ms", .imsi("\(imsi)")), ("customer_ms", .customer("\(customer)")),
                ("fragment_ms", .fragment(number.masked, province: place.province ?? "", city: place.city ?? "")),
            ]
            for (key, question) in questions {
                let found = try await timed(key) { try await customers.find(question, in: .all) }
                guard found.hasMore || found.lines.contains(where: { $0.index == index }) else {
                    throw BenchError.answersDiffer("\(key): subscriber \(index.number) is not found")
                }
            }
            _ = try await timed("page_ms") { try await customers.view(of: index, in: .all, today: today) }
            let contacts = try await timed("contacts_ms") {
                try await customers.contacts(of: index) { LocalTime(instant: $0, offsetSeconds: 28_800) }
            }
            options.note("\(repetition): \(contacts.count) contacts")
        }
        await platform.close()
        var results: [String: Double] = [:]
        for (key, all) in times {
            results[key] = all.median
            results[key.replacingOccurrences(of: "_ms", with: "_p95_ms")] = all.percentile(0.95)
        }
        results["repetitions"] = Double(times["page_ms"]?.count ?? 0)
        results["seed"] = Double(options.seed)
        return results
    }
}
