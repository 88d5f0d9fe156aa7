// The real customer table of Examples/telco-churn, loaded through its mapping file like any operator's own.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Assembly
import Foundation
import Kernel
import Model
import Ports
import Synchronization
import Synthetic

/// 7,043 real customers; identities and reactions are simulated.
final class TelcoWorld: DemoWorld {
    let seed: UInt64
    private let examples: String
    private let customers = Mutex<[TelcoChurnCustomer]>([])

    init(seed: UInt64, examples: String) {
        self.seed = seed
        self.examples = examples
    }

    let title = BilingualText(zh: "真实客户表（7,043户）", en: "A real customer table (7,043 customers)")
    let example = "telco-churn"
    var start: LocalDay { LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0) }
    var salt: [UInt8] { (0..<16).map { UInt8(truncatingIfNeeded: SeededRandom.mix(seed &+ 100 &+ $0)) } }

    var campaigns: [DemoCampaign] {
        [
            DemoCampaign(
                segment: BilingualText(zh: "高价值非合约客户", en: "High-value month-to-month customers"),
                rule: "contract = 'Month-to-month' AND monthly_charges >= 70",
                scene: "retention",
                name: BilingualText(zh: "续约保有", en: "Contract retention"),
                day: start.adding(days: 1),
                minute: 10 * 60,
                score: nil,
                limit: nil,
                controlPPM: 300_000
            )
        ]
    }

    func load(
        _ platform: Platform,
        catalogue: AttributeCatalogue,
        step: @Sendable (BilingualText) -> Void
    ) async throws {
        step(BilingualText(zh: "customers.csv", en: "customers.csv"))
        _ = try await platform.load(
            file: "\(examples)/telco-churn/customers.csv",
            mapping: "\(examples)/telco-churn/mapping.yaml",
            catalogue: catalogue,
            by: "demo"
        )
    }

    func prepare(_ platform: Platform) async throws {
        let sql = SQLText(
            """
            SELECT contract, tenure, monthly_charges, internet_service, tech_support = 'Yes', paperless_billing,
                senior_citizen FROM subscriber ORDER BY idx
            """
        )
        let read = try await platform.warehouse.query(sql, into: [TelcoChurnCustomer]()) { customers, batch in
            let (contracts, services) = (try batch.texts(0), try batch.texts(3))
            let (tenures, charges) = (try batch.integers(1), try batch.integers(2))
            let (support, paperless, senior) = (try batch.flags(4), try batch.flags(5), try batch.flags(6))
            for row in 0..<batch.rowCount {
                customers.append(
                    TelcoChurnCustomer(
                        contract: contracts[row],
                        tenureMonths: Int(tenures[row]),
                        monthlyChargesCents: Int(charges[row]),
                        internetService: services[row],
                        hasTechSupport: support[row],
                        isPaperless: paperless[row],
                        isSenior: senior[row]
                    )
                )
            }
        }
        customers.withLock { $0 = read }
    }

    func traits(_ index: SubscriberIndex, category: String) -> ResponseTraits {
        customers.withLock { $0[Int(index.number)].retentionTraits }
    }
}
