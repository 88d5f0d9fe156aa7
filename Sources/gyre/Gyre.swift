// The program: one file per command.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct Gyre: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gyre",
        abstract: "Closed-loop marketing operations for telecom operators.",
        subcommands: []
    )
}
