// gyre starter: profile tags, segment templates and rules of lists to begin with.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import Kernel
import Model
import Texts

struct StarterCommand: PlatformCommand {
    static let configuration = CommandConfiguration(
        commandName: "starter",
        abstract:
            "Add the profile tags, segment templates and rules of lists of a file that are not there yet; see docs/formats.md."
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The file, for example Examples/operator/starter.yaml.")
    var file: String

    @Option(help: "Why; kept with the catalogue's revision.")
    var reason = "starter"

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run(on platform: Platform, for caller: Caller) async throws {
        let t = caller.language
        let summary = try await platform.addStarter(
            file: caller.path(file),
            named: { t($0) },
            reason: reason,
            by: Staff(login: "cli", name: "cli", role: .administrator)
        )
        guard !json else { return try caller.printJSON(summary) }
        caller.print(t("已增加画像标签：", "Profile tags added: ") + list(summary.tags))
        caller.print(t("已增加客户群模板：", "Segment templates added: ") + list(summary.templates))
        caller.print(t("已由规则填充的名单：", "Lists filled by a rule now: ") + list(summary.lists))
        if !summary.known.isEmpty { caller.print(t("已存在，未改动：", "Already there, unchanged: ") + list(summary.known)) }
    }

    private func list(_ names: [String]) -> String { names.isEmpty ? "--" : names.joined(separator: ", ") }
}
