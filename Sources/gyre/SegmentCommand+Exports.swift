// gyre segment export, exports and fetch: numbers leave only after a second person agreed.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import CommandLink
import HTTPAPI
import Kernel
import Model
import Planning
import Ports
import Texts

extension SegmentCommand {
    struct Export: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask for the numbers of a segment's last audience; a second person agrees or refuses.",
            discussion: """
                With --to, a file goes to another system once it is agreed to: outbox/segments/SYSTEM/ in the data
                directory. With --each-until, each new audience follows till that day.
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Option(help: "What the numbers are for; recorded.")
        var reason: String

        @Option(help: "An open attribute that goes along; may be given several times.")
        var attribute: [String] = []

        @Option(help: ArgumentHelp("The system that gets a file: 1 to 32 of a-z, 0-9, - and _.", valueName: "system"))
        var to: String?

        @Option(help: ArgumentHelp("Deliver each new audience, until this day (YYYY-MM-DD).", valueName: "day"))
        var eachUntil: String?

        @Flag(help: "Print the result as JSON.")
        var json = false

        func validate() throws {
            guard eachUntil == nil || to != nil else { throw ValidationError("--each-until needs --to") }
        }

        func run(on platform: Platform, for caller: Caller) async throws {
            let until = try eachUntil.map { try LocalDay(day: $0, field: "each-until") }
            let segment = try await choice.find(platform, caller)
            let export = try await caller.pointing(into: { _ in nil }) {
                try await platform.segments.askForExport(
                    of: segment,
                    attributes: attribute,
                    reason: reason,
                    delivery: to.map { SegmentDelivery(to: $0, until: until) },
                    by: SegmentCommand.staff,
                    at: platform.clock.now
                )
            }
            guard !json else { return try caller.printJSON(JSONObject(export)) }
            let t = caller.language
            caller.print(
                t("导出申请 ", "Export ") + "\(export.id)" + t("：", ": ") + "\(export.name), "
                    + t.number(Int(export.count)) + t(" 户，待他人批准", " subscribers, waiting for a second person")
            )
        }
    }

    struct Exports: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "List the exports that were asked for.")

        @OptionGroup var common: CommonOptions

        @Flag(help: "Print the result as JSON.")
        var json = false

        func run(on platform: Platform, for caller: Caller) async throws {
            let all = try await Site.everything(ListQuery()) {
                try await platform.store.segmentExports($0, in: SegmentCommand.staff.scope)
            }
            guard !json else { return try caller.printJSON(all.map { JSONObject($0) }) }
            let t = caller.language
            let headings = [
                t("编号", "Number"), t("客户群", "Segment"), t("用户数", "Subscribers"), t("状态", "State"),
                t("申请人", "Asked by"), t("申请时间", "Asked"), t("审批人", "Decided by"), t("交付", "Delivery"),
                t("原因", "Reason"),
            ]
            caller.print(
                table: [headings]
                    + all.map {
                        [
                            "\($0.id)", $0.name, t.number(Int($0.count)), $0.state.text(t), $0.requestedBy,
                            platform.clock.local($0.requestedAt).isoLocal, $0.decidedBy ?? "--",
                            $0.delivery.map { [$0.system, $0.until?.iso].compactMap(\.self).joined(separator: " ") }
                                ?? "--",
                            $0.reason,
                        ]
                    }
            )
        }
    }

    struct Deliver: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put files of what is due into outbox/segments/ now; a server does so by itself every minute."
        )

        @OptionGroup var common: CommonOptions

        @Flag(help: "Print the result as JSON.")
        var json = false

        func run(on platform: Platform, for caller: Caller) async throws {
            let (files, problems) = try await platform.segmentOutbox.deliver()
            for problem in problems { caller.note("\(problem.export.mark): \(problem.error)") }
            if json {
                try caller.printJSON(files.map { JSONObject($0) })
            } else {
                let t = caller.language
                let headings = [t("文件", "File"), t("行数", "Rows"), t("剔除", "Left out")]
                caller.print(
                    table: [headings] + files.map { [$0.name, t.number(Int($0.count)), t.number(Int($0.removed))] }
                )
            }
            if !problems.isEmpty { throw ExitCode(1) }
        }
    }

    struct EndDelivery: PlatformCommand {
        static let configuration = CommandConfiguration(
            commandName: "end-delivery",
            abstract: "End a delivery that was asked for here."
        )

        @OptionGroup var common: CommonOptions

        @Argument(help: "Number of the export.")
        var export: Int64

        func run(on platform: Platform, for caller: Caller) async throws {
            let staff = SegmentCommand.staff
            let export = try await SegmentCommand.export(export, platform)
            _ = try await platform.segments.endDelivery(of: export, by: staff, at: platform.clock.now.instant)
            caller.print(caller.language("已停止交付", "the delivery has ended"))
        }
    }

    /// An export by its number.
    static func export(_ number: Int64, _ platform: Platform) async throws -> SegmentExport {
        guard let export = try await platform.store.segmentExport(number), staff.scope.covers(export.scope) else {
            throw EdgeError.notFound("export \(number)")
        }
        return export
    }

    struct Fetch: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the rows of an export that was asked for here and agreed to, as CSV. Recorded.",
            discussion: "Each row carries the export's mark. It can be fetched for seven days after the agreement."
        )

        @OptionGroup var common: CommonOptions

        @Argument(help: "Number of the export.")
        var export: Int64

        func run(on platform: Platform, for caller: Caller) async throws {
            let staff = SegmentCommand.staff
            let export = try await SegmentCommand.export(export, platform)
            let rows = try await platform.segments.fetch(export, by: staff, at: platform.clock.now)
            let columns = export.columns(try await platform.segments.catalogue())
            caller.output.write(CSV.text(rows, columns, caller.language), to: .out)
        }
    }
}
