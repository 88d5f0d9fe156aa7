// gyre demo: the closed loop on two operators, from customers to a measured campaign.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Demo
import Foundation
import Kernel
import Model
import Texts

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Play the closed loop on a real customer table and a synthetic operator."
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "Size of the synthetic operator, 1,000 to 18,000,000.")
    var subscribers = 200_000

    @Option(help: "Chooses the synthetic operator and all reactions.")
    var seed: UInt64 = 42

    @Option(help: "Folder with the example files; else GYRE_EXAMPLES, else found beside the program.")
    var examples: String?

    @Flag(
        help: "Keep the console running afterwards: on the synthetic operator, or with the word real on the real table."
    )
    var serve = false

    @Argument(help: "With --serve: synthetic or real.")
    var which = "synthetic"

    @OptionGroup var serving: ServeOptions

    func validate() throws {
        guard ["synthetic", "real"].contains(which) else {
            throw ValidationError("say synthetic or real, not \(which)")
        }
        guard (1_000...18_000_000).contains(subscribers) else {
            throw ValidationError("--subscribers is a number from 1,000 to 18,000,000")
        }
    }

    func run() async throws {
        let language = common.language
        let folder = try ExampleFiles.folder(
            setting: examples ?? ProcessInfo.processInfo.environment["GYRE_EXAMPLES"]
        )
        let settings = DemoSettings(
            directory: common.directory,
            examples: folder,
            subscribers: subscribers,
            seed: seed,
            language: language
        )
        let bar = ProgressBar()
        let report = try await Demo(settings) { progress in
            bar.show(progress.done, "\(language(progress.operatorTitle)) · \(language(progress.step))")
        }.run()
        bar.finish()
        for each in Language.allCases {
            let file = URL(filePath: "\(common.directory)/report.\(each.tag).html")
            try Data(report.html(each).utf8).write(to: file, options: .atomic)
        }
        print(report.text(language))
        print(language("网页报告：", "The report as a page: ") + "\(common.directory)/report.\(language.tag).html")
        guard serve else { return }
        let directory = which == "real" ? common.directory + "/real" : common.directory
        var serving = serving
        serving.newPasswords = true
        try await Server(directory: directory, language: language, options: serving).run()
    }
}
