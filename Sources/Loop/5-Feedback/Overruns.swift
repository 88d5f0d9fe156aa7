// Overruns: who has more contacts than his cap allows, and which facts from outside did that.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
public import Decisioning
import Dispatch
public import Kernel

/// Finds overruns over the whole base and explains them.
public struct Overruns: Sendable {
    /// Blocks between two chances for requests to be served.
    private static let blocksAtOnce = 16

    private let host: DecisionHost
    private let explainer: Explainer
    private let threads: Int

    /// Works on a host and the explainer of its log.
    public init(host: DecisionHost, explainer: Explainer, threads: Int) {
        (self.host, self.explainer, self.threads) = (host, explainer, threads)
    }

    /// Everybody whose counters are above a cap in force, by the tiers of a day.
    ///
    /// Requests are served between portions of blocks, so counts of different portions may be a moment apart.
    ///
    /// - Parameters:
    ///   - day: The day whose tiers hold.
    ///   - members: Who is looked at; nil = everybody.
    ///   - isWanted: Which kinds of overruns are asked for.
    /// - Returns: Who they are, and how many by tier, cap and window; nobody when there is no policy.
    /// - Throws: What a tier's rule that cannot be evaluated throws.
    public func report(
        on day: LocalDay,
        among members: Bitset? = nil,
        where isWanted: @escaping @Sendable (OverrunGroup) -> Bool = { _ in true }
    ) async throws -> OverrunReport {
        let (scan, subscribers) = try await host.read { state in
            (try state.overrunScan(on: day, among: members, where: isWanted), state.subscribers)
        }
        guard let scan else { return OverrunReport(nothingOn: day, subscribers: members?.count ?? subscribers) }
        var counts: [OverrunScan.Counts] = []
        for first in stride(from: 0, to: scan.blocks.count, by: Self.blocksAtOnce) {
            try Task.checkCancellation()
            let portion = first..<min(first + Self.blocksAtOnce, scan.blocks.count)
            counts.append(try await host.read { [threads] in scan.count(portion, $0.ledger, threads: threads) })
        }
        return scan.report(counts)
    }

    /// A page of a report's subscribers, by index, with what is exceeded now and the facts behind it.
    ///
    /// `limit`: Each subscriber's part of the log is read, which takes milliseconds.
    public func explained(
        _ report: OverrunReport,
        offset: Int,
        limit: Int,
        isDescending: Bool = false
    ) async throws -> [OverrunSubscriber] {
        let page = report.page(offset: offset, limit: limit, isDescending: isDescending)
        guard !page.isEmpty else { return [] }
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { [explainer] in
                continuation.resume(with: Result { try explainer.overruns(of: page, on: report.day) })
            }
        }
    }
}
