// 渠道接触分析.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import HTTPAPI
import Kernel
import Model
import Planning
import Ports
import Rules
import Texts

extension Console {
    func addChannels() {
        page(ChannelsPage.path, .viewSegments) { frame, _, context in
            try await channels(frame, for: try context.user()).page(frame)
        }
        export(ChannelsPage.path + ".csv", .viewSegments, columns: ChannelsPage.columns) { frame, context in
            let all = try await channels(frame, for: try context.user()).report.contacts
            return TableQuery(frame).page(of: all, ChannelsPage.columns(frame), isWhole: true).rows
        }
        export(ChannelsPage.path + "/preference.csv", .viewSegments) { frame, context in
            let rows = try await channels(frame, for: try context.user()).report.preferences
            return csv(ChannelsPage.preferenceColumns(frame, all: rows.reduce(0) { $0 + $1.subscribers }), rows)
        }
        export(ChannelsPage.path + "/diversion.csv", .viewSegments) { frame, context in
            let page = try await channels(frame, for: try context.user())
            return csv(ChannelsPage.diversionColumns(frame), page.diversion)
        }
    }

    /// The analysis that an address asks for.
    private func channels(_ frame: Frame, for staff: Staff) async throws -> ChannelsPage {
        var page = ChannelsPage(report: ChannelReport())
        page.rule = String(frame.parameter("rule").prefix(2_000))
        page.kind = frame.parameter("kind")
        page.months = Int(frame.parameter("months")).flatMap { ChannelsPage.spans.contains($0) ? $0 : nil } ?? 6
        let month = frame.now.month
        let question = ChannelQuestion(
            from: LocalMonth(number: month.number - Int32(page.months) + 1),
            to: month,
            rule: page.rule,
            kind: page.kind.isEmpty ? nil : page.kind
        )
        do {
            page.report = try await platform.customers.channels(question, in: staff.scope, today: frame.now.day)
        } catch let error as RuleError {
            page.error = frame.problem(error)
        }
        page.physical =
            frame.parameter("chosen") == "yes"
            ? Set(frame.query.filter { $0.name == "physical" }.map(\.value))
            : Set(page.channels.filter(ChannelReport.isPhysical))
        return page
    }
}
