// Which data services a subscriber uses, and how much of what is counted by the call (CUS-08, CUS-09).
// SPDX-License-Identifier: Apache-2.0

/// Data services beside those that are products with terms of their own.
enum DataService: Int, CaseIterable {
    case spMessages, secretary, globalCall, weather, multimedia, wap, suiexing, voiceMagazine, mailbox, fetion
    case newspaper, wlan

    /// Its column in table `subscriber`.
    var column: String {
        switch self {
        case .spMessages: "sp_sms_user"
        case .secretary: "mobile_secretary"
        case .globalCall: "global_call"
        case .weather: "weather_user"
        case .multimedia: "mms_user"
        case .wap: "wap_user"
        case .suiexing: "suiexing_user"
        case .voiceMagazine: "voice_magazine"
        case .mailbox: "mailbox_user"
        case .fetion: "fetion_user"
        case .newspaper: "newspaper_user"
        case .wlan: "wlan_user"
        }
    }

    /// How many use it, of 65 536, and how many more for each 1/1,000 of skill with data.
    fileprivate var share: (base: Int, digital: Int) {
        switch self {
        case .spMessages: (3_200, 0)
        case .secretary: (900, 0)
        case .globalCall: (500, 2)
        case .weather: (2_600, 2)
        case .multimedia: (2_000, 8)
        case .wap: (4_000, 6)
        case .suiexing: (300, 2)
        case .voiceMagazine: (700, 0)
        case .mailbox: (600, 3)
        case .fetion: (800, 5)
        case .newspaper: (1_100, 2)
        case .wlan: (1_000, 12)
        }
    }
}

/// What a subscriber uses by the service and by the call.
struct ServiceUse {
    /// A bit for each ``DataService``.
    var services = 0
    /// Counts of three months.
    var informationCalls = 0
    var forwardedCalls = 0
    var channelUses = 0

    func uses(_ service: DataService) -> Bool { services >> service.rawValue & 1 == 1 }
}

extension SyntheticOperator {
    /// What a subscriber uses; the same wherever it is asked.
    func serviceUse(_ t: Traits) -> ServiceUse {
        var draw = Draws(key: t.key, purpose: .services)
        var use = ServiceUse()
        for service in DataService.allCases {
            let share = service.share
            if draw.chance(share.base + share.digital * t.digital) { use.services |= 1 << service.rawValue }
        }
        let (asks, forwards, goes) = (draw.chance(2_000), draw.chance(5_000), draw.below(8))
        use.informationCalls = asks ? 1 + draw.below(9) : 0
        use.forwardedCalls = forwards ? 1 + draw.below(40) : 0
        use.channelUses = goes + (t.digital * draw.below(10)) / 1_000
        return use
    }
}
