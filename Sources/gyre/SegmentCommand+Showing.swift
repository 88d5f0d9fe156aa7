// gyre segment show and movement: what a segment says, what became of it, and who came and left.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import HTTPAPI
import Kernel
import Model
import Planning
import Ports
import Texts

extension SegmentCommand {
    struct Show: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a segment: definition, state, the steps of its last audience, and what uses it."
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(help: "Print the result as JSON.")
        var json = false

        func run(on platform: Platform, for caller: Caller) async throws {
            let segment = try await choice.find(platform, caller)
            let use = try await platform.store.use(ofSegment: segment.id)
            var audience: Audience?
            if let number = segment.audience { audience = try await platform.store.audience(number) }
            guard !json else {
                let output: JSONObject = [
                    "segment": JSONObject(segment), "audience": audience.map { JSONObject($0) },
                    "use": JSONObject(use),
                ]
                return try caller.printJSON(output)
            }
            let changed = platform.clock.local(segment.updatedAt).isoLocal
            for line in about(segment, changed: changed, caller.language) { caller.print(line) }
            if let audience { show(audience, of: segment, platform, caller) }
            show(use, caller)
        }

        private func about(_ segment: Segment, changed: String, _ t: Language) -> [String] {
            let definition = segment.definition
            var lines = ["\(segment.id)  \(segment.name)  \(segment.state.text(t))  r\(segment.revision)"]
            if !segment.purpose.isEmpty { lines.append(t("用途：", "Purpose: ") + segment.purpose) }
            lines.append(t("定义：", "Definition: ") + definition.summary)
            lines += definition.exclusions.map { t("  剔除 ", "  without ") + $0.text(t) }
            if let line = definition.customerLine {
                let which =
                    switch line {
                    case .main: ConsoleText.mainLine(t)
                    case .highest(let code): ConsoleText.highestLine(t, [code])
                    }
                lines.append("  " + ConsoleText.stepOnePerCustomer(t) + t("：", ": ") + which)
            }
            switch definition.pick {
            case nil: break
            case .top(let count, let score):
                lines.append("  " + ConsoleText.pickTop(t) + t("：", ": ") + "\(t.number(count)), \(score)")
            case .sample(let count, let draw):
                lines.append("  " + ConsoleText.pickSample(t) + t("：", ": ") + "\(t.number(count)), \(draw)")
            }
            lines.append(t("用户数：", "Subscribers: ") + (segment.count.map { t.number(Int($0)) } ?? "--"))
            lines.append(t("重新计算：", "Computed anew: ") + segment.refresh.text(t))
            lines.append(t("创建人：", "Owner: ") + segment.owner + t("，更新于 ", ", changed ") + changed)
            return lines
        }

        private func show(_ audience: Audience, of segment: Segment, _ platform: Platform, _ caller: Caller) {
            let t = caller.language
            let at = platform.clock.local(audience.at).isoLocal
            caller.print(
                t("最近快照 ", "Last audience ") + "\(audience.id)  r\(audience.revision)  \(at)  \(audience.who)"
            )
            let steps = audience.steps.map { step in
                [
                    "  " + step.kind.text(of: segment.definition, t), t.number(Int(step.removed)),
                    t.number(Int(step.left)),
                ]
            }
            caller.print(table: [["  " + t("步骤", "Step"), t("减少", "Removed"), t("剩余", "Left")]] + steps)
        }

        private func show(_ use: SegmentUse, _ caller: Caller) {
            let t = caller.language
            if use.isEmpty { caller.print(t("未被使用", "Not used")) }
            for user in use.campaigns {
                let product = user.product.map { t("，产品 ", ", product ") + $0 } ?? ""
                caller.print(t("用于活动 ", "Used by campaign ") + "\(user.id) \(user.name)\(product)")
            }
            for user in use.requests { caller.print(t("取数需求 ", "Data request ") + "\(user.id) \(user.name)") }
            for user in use.deliveries { caller.print(t("交付给系统 ", "Delivered to ") + "\(user.name) (E\(user.id))") }
            for user in use.segments { caller.print(t("用于客户群 ", "Used by segment ") + "\(user.id) \(user.name)") }
        }
    }

    struct Movement: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say how many came and left between the two last audiences of a segment."
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Flag(help: "Print the result as JSON.")
        var json = false

        struct Output: Encodable {
            var from: Int64
            var to: Int64
            var came: Int
            var left: Int
            var stayed: Int
        }

        func run(on platform: Platform, for caller: Caller) async throws {
            let (segment, t) = (try await choice.find(platform, caller), caller.language)
            guard
                let last = try await platform.segments.lastMovement(
                    of: segment,
                    in: SegmentCommand.staff.scope,
                    today: platform.clock.now.day
                )
            else {
                caller.note(
                    t(
                        "客户群 \(segment.name) 的快照不足两次，请先再次计算",
                        "segment \(segment.name) has fewer than two audiences; compute it again first"
                    )
                )
                throw ExitCode(1)
            }
            let counts = last.counts
            guard !json else {
                return try caller.printJSON(
                    Output(
                        from: last.earlier.id,
                        to: last.later.id,
                        came: counts.came,
                        left: counts.left,
                        stayed: counts.stayed
                    )
                )
            }
            let (came, left, stayed) = (t.number(counts.came), t.number(counts.left), t.number(counts.stayed))
            caller.print(
                t(
                    "快照 \(last.earlier.id) → \(last.later.id)：新进入 \(came)，离开 \(left)，保留 \(stayed)",
                    "Audience \(last.earlier.id) → \(last.later.id): came \(came), left \(left), stayed \(stayed)"
                )
            )
        }
    }
}
