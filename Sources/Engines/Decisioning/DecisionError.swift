// Why the decision core could not do what it was asked.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// Why the decision core could not do what it was asked.
public enum DecisionError: CodedError, Equatable {
    case unknownCampaign(CampaignID)
    case unknownWave(WaveID)
    /// The slot lies in a month for which no contacts are counted.
    case monthNotHeld(LocalMonth, held: ClosedRange<LocalMonth>)
    case noPolicy
    case noProfile
    case noGenesis
    case waveOpen(WaveID)
    case waveNotClosed(WaveID)
    case brokenChain(sequence: Int64, why: String)
    case badFile(ContentHash, why: String)
    case invalidPolicy(String)
    case different(sequence: Int64, what: String)
    /// A decision raised a counter above the cap in force, which none may.
    case capExceeded(subscriber: SubscriberIndex, sequence: Int64)
    case unknownSubscriber(SubscriberIndex)
    /// Who the subscriber was is destroyed; nothing is told of him any more.
    case erased(SubscriberIndex)

    public var code: String {
        switch self {
        case .unknownCampaign: "decision.unknown_campaign"
        case .unknownWave: "decision.unknown_wave"
        case .monthNotHeld: "decision.month_not_held"
        case .noPolicy: "decision.no_policy"
        case .noProfile: "decision.no_profile"
        case .noGenesis: "decision.no_genesis"
        case .waveOpen: "decision.wave_open"
        case .waveNotClosed: "decision.wave_not_closed"
        case .brokenChain: "decision.broken_chain"
        case .badFile: "decision.bad_file"
        case .invalidPolicy: "decision.invalid_policy"
        case .different: "decision.different"
        case .capExceeded: "decision.cap_exceeded"
        case .unknownSubscriber: "decision.unknown_subscriber"
        case .erased: "decision.erased"
        }
    }

    public var description: String {
        switch self {
        case .unknownCampaign(let id): "campaign \(id.number) is not known to the decision core; approve it first"
        case .unknownWave(let wave):
            "wave \(wave.campaign.number)/\(wave.occurrence) is not in the log; list the campaign's waves"
        case .monthNotHeld(let month, let held):
            "contacts of \(month.iso) are not counted, only those of \(held.lowerBound.iso) to \(held.upperBound.iso); "
                + "choose a slot in these months"
        case .noPolicy: "no contact policy is live; set one before running a wave"
        case .noProfile: "no subscribers are loaded; run gyre load first"
        case .noGenesis: "the log has no first record; it is not a Gyre decision log"
        case .waveOpen(let wave):
            "wave \(wave.campaign.number)/\(wave.occurrence) is still open; it is resumed or aborted first"
        case .waveNotClosed(let wave):
            "wave \(wave.campaign.number)/\(wave.occurrence) is not closed; nothing may be handed off"
        case .brokenChain(let sequence, let why):
            "the decision log is damaged at batch \(sequence): \(why); restore it from a backup"
        case .badFile(let digest, let why): "file \(digest.hex.prefix(12))… named by the log is unusable: \(why)"
        case .invalidPolicy(let why): "the contact policy is not valid: \(why)"
        case .capExceeded(let subscriber, let sequence):
            "a decision of Gyre exceeded a cap of subscriber \(subscriber.number) at batch \(sequence), which none may; "
                + "report it at once and keep the log"
        case .unknownSubscriber(let index): "no subscriber has index \(index.number)"
        case .erased(let index):
            "subscriber \(index.number) was erased on request: nothing is told of him any more, and he is not contacted"
        case .different(let sequence, let what): "re-deciding differs from the log at batch \(sequence): \(what)"
        }
    }
}
