// Explains decisions from the log, as of the position at which they were made.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
public import Ports

/// Answers why and why not, from the log alone.
public struct Explainer: Sendable {
    private let log: any DecisionLog
    private let inputs: any DecisionInputs

    /// Reads from a log and the files it names.
    public init(log: any DecisionLog, inputs: any DecisionInputs) {
        self.log = log
        self.inputs = inputs
    }

    /// Explains the last decision of a campaign on a subscriber; without a wave, what the checks give now.
    ///
    /// - Throws: ``DecisionError/unknownCampaign(_:)``.
    public func explain(_ campaign: CampaignID, _ index: SubscriberIndex) throws -> Explanation {
        let end = try log.position().sequence
        let fold = try SubscriberFold(index: index, log: log, inputs: inputs, upTo: end)
        guard let state = fold.campaigns[campaign] else { throw DecisionError.unknownCampaign(campaign) }
        guard let touch = fold.touches.last(where: { $0.wave.campaign == campaign }) else {
            let checks = try fold.checks(state.spec, on: fold.now, isMember: nil, cuts: nil)
            return Explanation(
                wave: nil,
                at: fold.now,
                outcome: checks.first { !$0.isPassed }?.outcome ?? .contact,
                position: end,
                checks: checks,
                aftermath: []
            )
        }
        return try explain(touch, index)
    }

    /// Explains every decision on a subscriber, newest first.
    public func explainAll(_ index: SubscriberIndex) throws -> [Explanation] {
        let fold = try SubscriberFold(index: index, log: log, inputs: inputs, upTo: try log.position().sequence)
        return try fold.touches.reversed().map { try explain($0, index) }
    }

    private func explain(_ touch: SubscriberFold.Touch, _ index: SubscriberIndex) throws -> Explanation {
        let before = try SubscriberFold(index: index, log: log, inputs: inputs, upTo: touch.openedAt - 1)
        let checks = try before.checks(
            touch.spec,
            on: touch.planned,
            isMember: before.isMember(ofAudience: touch.audience),
            cuts: touch.cuts,
            except: touch.wave
        )
        return Explanation(
            wave: touch.wave,
            at: touch.planned,
            outcome: touch.outcome ?? .notInSegment,
            position: touch.openedAt,
            checks: checks,
            aftermath: Self.aftermath(of: touch)
        )
    }

    private static func aftermath(of touch: SubscriberFold.Touch) -> [Evidence] {
        var result: [Evidence] = []
        if touch.isHandedOff { result.append(Evidence("handed_off", "yes")) }
        if let drop = touch.drop { result.append(Evidence("dropped", drop.code)) }
        for entry in touch.feedback { result.append(Evidence(entry.kind.code, entry.at.isoLocal)) }
        if touch.isSettled { result.append(Evidence("settled", "yes")) }
        if touch.isReleased { result.append(Evidence("released", "yes")) }
        return result
    }
}
