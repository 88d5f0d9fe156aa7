// The program: one file per command.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc

@main
struct Gyre: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gyre",
        abstract: "Closed-loop marketing operations for telecom operators.",
        subcommands: [
            DemoCommand.self, ServeCommand.self, GenerateCommand.self, LoadCommand.self, SegmentCommand.self,
            ListCommand.self, CatalogueCommand.self, StarterCommand.self, ArbitrateCommand.self, WaveCommand.self,
            ExplainCommand.self, CustomerCommand.self, OverrunsCommand.self, EraseCommand.self, ReplayCommand.self,
            ReportCommand.self,
            BenchCommand.self,
        ]
    )

    static func main() async {
        // A full disk or a file-size limit is an error to report, not a reason to be killed.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        raiseFileLimit()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            try Terminal.finish()
        } catch {
            Terminal.exit(withError: error)
        }
    }

    /// As many open files as the system gives: a log of years names thousands, and parts of them are read again and again.
    private static func raiseFileLimit() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        // Fewer files are slower, nothing else.
        setrlimit(resource, &limit)
    }
}
