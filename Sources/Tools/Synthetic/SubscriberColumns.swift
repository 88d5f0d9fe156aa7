// Table `subscriber`: its columns, in the order of Examples/operator/catalogue.yaml.
// SPDX-License-Identifier: Apache-2.0

extension SyntheticOperator {
    var subscriberColumns: [Column<Profile>] {
        identityColumns + basicColumns + tariffColumns + feeColumns + usageColumns + terminalColumns + serviceColumns
            + scoreColumns
    }

    private var identityColumns: [Column<Profile>] {
        [
            .count("idx") { $0.pointee.t.index },
            .integer("line_id") { $0.pointee.t.line },
            .integer("msisdn") { $0.pointee.t.msisdn },
            .integer("imsi") { $0.pointee.imsi },
            .integer("customer_id") { $0.pointee.customer },
            .integer("account_id") { $0.pointee.account },
            .text("name", Domains.customerNames) { $0.pointee.name },
        ]
    }

    private var basicColumns: [Column<Profile>] {
        let cities = numbers.cityCodes
        let provinces = Set(cities.map { $0 / 100 }).sorted()
        let provinceOfCity = cities.map { code in provinces.firstIndex(of: code / 100) ?? Null.code }
        let fullMonths = tables.fullMonths
        let today = tables.today
        return [
            .text("brand", Domains.brand) { $0.pointee.t.brand },
            .text("vip_level", Domains.vipLevel) { $0.pointee.vipLevel },
            .text("province", provinces.map(String.init)) { provinceOfCity[$0.pointee.t.city] },
            .text("city", cities.map(String.init)) { $0.pointee.t.city },
            .text("sex", Domains.sex) { $0.pointee.sex },
            .count("age") { $0.pointee.isAgeKnown ? $0.pointee.t.age : Int(Null.number) },
            .day("birthday") { $0.pointee.isAgeKnown ? $0.pointee.t.birthday : Null.day },
            .text("occupation", Domains.occupation) { $0.pointee.occupation },
            .text("customer_type", Domains.customerType) {
                $0.pointee.t.isOrganisation ? 2 : $0.pointee.t.isGroupMember ? 1 : 0
            },
            .flag("group_member") { $0.pointee.t.isGroupMember },
            .text("status", Domains.status) { $0.pointee.t.isCancelled ? 2 : $0.pointee.t.isSuspended ? 1 : 0 },
            .day("join_day") { today - Int32($0.pointee.t.tenureDays) },
            .integer("tenure_months") { Int64(fullMonths[$0.pointee.t.tenureDays]) },
            .text("life_stage", Domains.lifeStage) {
                $0.pointee.t.decline >= 15
                    ? 3 : $0.pointee.t.tenureDays < 180 ? 0 : $0.pointee.t.tenureDays < 730 ? 1 : 2
            },
            .text("value_tier", Domains.valueTier) {
                $0.pointee.fees >= 36_000 ? 2 : $0.pointee.t.complaints > 0 || $0.pointee.t.trouble > 800 ? 0 : 1
            },
        ]
    }

    private var tariffColumns: [Column<Profile>] {
        let plans = tables.plans
        let today = tables.today
        return [
            .text("tariff_plan", plans.map(\.name)) { $0.pointee.t.plan },
            .decimal("plan_fee", scale: 2) { plans[$0.pointee.t.plan].feeCents },
            .day("plan_since") { $0.pointee.t.planSince },
            .flag("is_5g_plan") { plans[$0.pointee.t.plan].is5G },
            .flag("has_contract") { $0.pointee.t.hasContract },
            .day("contract_end") { $0.pointee.t.contractDays.map { today + Int32($0) } ?? Null.day },
            .flag("has_broadband") { $0.pointee.t.hasBroadband },
            .flag("has_iptv") { $0.pointee.t.hasIPTV },
            .flag("family_plan") { $0.pointee.t.hasFamilyPlan },
            .flag("international_roaming") { $0.pointee.t.roams },
            .flag("ring_back_tone") { $0.pointee.t.hasRingBackTone },
        ]
    }

    private var feeColumns: [Column<Profile>] {
        [
            .text("payment_type", Domains.paymentType) { $0.pointee.isPostpaid ? 1 : 0 },
            .decimal("arpu_avg_3m", scale: 2) { $0.pointee.fees / 3 },
            .decimal("fee_last_month", scale: 2) { $0.pointee.lastFees },
            .decimal("fee_voice_avg_3m", scale: 2) { $0.pointee.voiceFees / 3 },
            .decimal("fee_data_avg_3m", scale: 2) { $0.pointee.dataFees / 3 },
            .decimal("fee_sms_avg_3m", scale: 2) { $0.pointee.messageFees / 3 },
            .decimal("fee_value_added_avg_3m", scale: 2) { $0.pointee.valueAddedFees / 3 },
            .decimal("fee_forwarding_3m", scale: 2) { $0.pointee.use.forwardedCalls * 12 },
            .decimal("fee_roaming_3m", scale: 2) { $0.pointee.roamingFees },
            .decimal("discount_avg_3m", scale: 2) { $0.pointee.discounts / 3 },
            .decimal("balance", scale: 2) { $0.pointee.balance },
            .decimal("arrears", scale: 2) { $0.pointee.arrears },
            .decimal("new_arrears", scale: 2) { $0.pointee.newArrears },
            .text("consumption_level", Domains.level) {
                $0.pointee.fees < 12_000 ? 0 : $0.pointee.fees < 36_000 ? 1 : 2
            },
            .text("new_service_level", Domains.level) {
                $0.pointee.valueAddedFees == 0 ? 0 : $0.pointee.valueAddedFees < 3_000 ? 1 : 2
            },
            .count("points") { $0.pointee.points },
            .day("last_topup_day") { $0.pointee.lastTopUp },
            .flag("auto_topup") { $0.pointee.hasAutoTopUp },
            .flag("e_bill") { $0.pointee.hasElectronicBill },
        ]
    }

    private var usageColumns: [Column<Profile>] {
        let plans = tables.plans
        return [
            .decimal("data_gb_avg_3m", scale: 3) { $0.pointee.dataMB * 1_000 / 3_072 },
            .decimal("data_use_ratio", scale: 2) {
                $0.pointee.dataUseRatio(plans[$0.pointee.t.plan]) ?? Int(Null.number)
            },
            .count("voice_minutes_avg_3m") { $0.pointee.minutes / 3 },
            .count("sms_count_avg_3m") { $0.pointee.messages / 3 },
            .flag("video_user") { $0.pointee.t.hasVideo },
            .flag("game_user") { $0.pointee.t.hasGame },
            .flag("app_user") { $0.pointee.isAppUser },
            .day("last_app_day") { $0.pointee.lastAppDay },
            .count("info_calls_3m") { $0.pointee.use.informationCalls },
            .count("forwarded_calls_3m") { $0.pointee.use.forwardedCalls },
            .count("channel_uses_3m") { $0.pointee.use.channelUses },
        ] + DataService.allCases.map { service in .flag(service.column) { $0.pointee.use.uses(service) } }
    }

    private var terminalColumns: [Column<Profile>] {
        [
            .text("terminal_type", Domains.terminalType) { $0.pointee.terminalType },
            .text("terminal_brand", Domains.terminalBrand) { $0.pointee.terminalBrand },
            .text("terminal_model", Domains.terminalModels) { $0.pointee.terminalModel },
            .day("terminal_since") { $0.pointee.terminalSince },
            .flag("is_5g_terminal") { $0.pointee.terminalType == 2 },
            .flag("dual_sim") { $0.pointee.isDualSIM },
        ]
    }

    private var serviceColumns: [Column<Profile>] {
        [
            .count("complaints_6m") { $0.pointee.t.complaints },
            .day("last_complaint_day") { $0.pointee.lastComplaint },
            .count("enquiries_3m") { $0.pointee.enquiries },
            .text("preferred_channel", Domains.preferredChannel) { $0.pointee.preferredChannel },
        ]
    }

    private var scoreColumns: [Column<Profile>] {
        [
            .decimal("churn_risk", scale: 6) { $0.pointee.churnPPM },
            .decimal("propensity_5g", scale: 6) { $0.pointee.upgradePPM },
            .decimal("propensity_data_pack", scale: 6) { $0.pointee.dataPackPPM },
        ]
    }
}
