// gyre erase: a data-protection request.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import Foundation
import Kernel
import Model
import Planning
import Texts

struct EraseCommand: PlatformCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract: "Erase subscribers for good: who they were is destroyed, what was counted stays. Cannot be undone."
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "A file with one number a line.")
    var numbers: String

    @Option(help: "Why, for example the number of the request; nothing about the person.")
    var reason: String

    @Flag(help: "Says that this cannot be undone, and is meant.")
    var yes = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    struct Output: Encodable {
        var subscribers: [UInt32]
    }

    func check(for caller: Caller) throws {
        guard yes else {
            throw ValidationError("erasing cannot be undone: add --yes when that is meant")
        }
    }

    func run(on platform: Platform, for caller: Caller) async throws {
        let content: String
        do {
            content = try String(contentsOfFile: caller.path(numbers), encoding: .utf8)
        } catch {
            throw LoadingError.unreadable(file: numbers, cause: error.systemCause)
        }
        let typed = content.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
        let erased = try await platform.erasing.erase(
            typed,
            reason: reason,
            by: Staff(login: "cli", name: "cli", role: .administrator),
            at: platform.clock.now
        )
        guard !json else { return try caller.printJSON(Output(subscribers: erased.map(\.number))) }
        let t = caller.language
        caller.print(t("已删除用户：", "Subscribers erased: ") + t.number(erased.count))
        for index in erased { caller.print("  \(index.number)") }
    }
}
