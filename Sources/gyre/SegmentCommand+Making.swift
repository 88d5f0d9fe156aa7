// gyre segment create and split: segments of a rule, a query, a definition, or of the parts of another one.
// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import Assembly
import Foundation
import HTTPAPI
import Kernel
public import Model
import Planning
import Ports
import Texts

extension SegmentCommand {
    struct Create: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a segment of a rule, of a query of your own, or of a whole definition."
        )

        @OptionGroup var common: CommonOptions

        @Argument(help: "Name of the new segment.")
        var name: String

        @Option(help: "The rule that its members meet.")
        var rule: String?

        @Option(help: "A SELECT whose first column names the members: a file, or the text itself.")
        var sql: String?

        @Option(help: "A file with the definition as JSON: source, exclusions, picks.")
        var definition: String?

        @Option(help: "When it is computed anew.")
        var refresh = SegmentRefresh.byHand

        @Option(help: "What it is for.")
        var purpose = ""

        @Flag(help: "Offer it as a model for new segments.")
        var template = false

        @Flag(help: "Print the result as JSON.")
        var json = false

        func validate() throws {
            guard [rule, sql, definition].count(where: { $0 != nil }) == 1 else {
                throw ValidationError("say who is in it by exactly one of --rule, --sql and --definition")
            }
        }

        func run(on platform: Platform, for caller: Caller) async throws {
            let (definition, staff, now) = (try read(caller), SegmentCommand.staff, platform.clock.now)
            var segment = Segment(
                name: name,
                definition: definition,
                owner: staff.login,
                scope: staff.scope,
                updatedAt: now.instant
            )
            (segment.refresh, segment.purpose, segment.isTemplate) = (refresh, purpose, template)
            let new = segment
            let saved = try await caller.pointing(into: definition.text) {
                try await platform.segments.save(new, by: staff, today: now.day, at: now.instant)
            }
            let output = SegmentCommand.Output(saved)
            if json { try caller.printJSON(output) } else { caller.print(output.line(caller.language)) }
        }

        private func read(_ caller: Caller) throws -> SegmentDefinition {
            if let rule { return SegmentDefinition(.rule(rule)) }
            if let sql { return SegmentDefinition(.sql(try query(sql, caller))) }
            let file = definition ?? ""
            let data = Data(try Self.content(file, caller).utf8)
            do {
                return try JSONDecoder().decode(SegmentDefinition.self, from: data)
            } catch let error as DecodingError {
                caller.note("gyre: \(file): " + error.sentence(caller.language))
                throw ExitCode(1)
            }
        }

        /// The text of a query; what is called like a file of SQL is one, and so is what is there.
        private func query(_ typed: String, _ caller: Caller) throws -> String {
            let isFile =
                typed.lowercased().hasSuffix(".sql") || FileManager.default.fileExists(atPath: caller.path(typed))
            return isFile ? try Self.content(typed, caller) : typed
        }

        private static func content(_ file: String, _ caller: Caller) throws -> String {
            do {
                return try String(contentsOfFile: caller.path(file), encoding: .utf8)
            } catch {
                throw LoadingError.unreadable(file: file, cause: error.systemCause)
            }
        }
    }

    struct Split: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Count the parts of a segment, or make segments of them."
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        @Option(
            help: """
                How: random:3 (equal parts), random:1,1,2 (weights), tail:13579,02468 (last digits), value:CODE, \
                bands:CODE:30,50, or rule:RULE, which may be given several times.
                """
        )
        var by: [String]

        @Flag(help: "Save the parts as segments.")
        var save = false

        @Flag(help: "Print the result as JSON.")
        var json = false

        struct Output: Encodable {
            struct Part: Encodable {
                var label: String
                var count: Int
                var segment: Int64?
            }

            var parts: [Part]
        }

        func validate() throws {
            do throws(PlanningError) {
                _ = try SegmentSplit(typed: by)
            } catch {
                guard case .badDefinition(_, let why) = error else { throw error }
                throw ValidationError("--by: " + common.language(why))
            }
        }

        func run(on platform: Platform, for caller: Caller) async throws {
            let segment = try await choice.find(platform, caller)
            let (staff, now, segments) = (SegmentCommand.staff, platform.clock.now, platform.segments)
            let split = try SegmentSplit(typed: by)
            let rules = by.map { String($0.dropFirst("rule:".count)) }
            let parts = try await caller.pointing(into: { part in
                part.split(separator: ".").last.flatMap { Int($0) }.flatMap {
                    rules.indices.contains($0) ? rules[$0] : nil
                }
            }) {
                let members = try await segments.members(of: segment, in: staff.scope, today: now.day)
                return try await segments.split(members, by: split, today: now.day)
            }
            let language = caller.language
            let saved =
                save
                ? try await segments.save(parts, of: segment, name: { language($0) }, by: staff, at: now.instant) : []
            let output = Output(
                parts: parts.enumerated().map { place, part in
                    Output.Part(
                        label: language(part.label),
                        count: part.members.count,
                        segment: saved.isEmpty ? nil : saved[place].id
                    )
                }
            )
            guard !json else { return try caller.printJSON(output) }
            caller.print(
                table: [[language("子群", "Part"), language("用户数", "Subscribers"), language("客户群", "Segment")]]
                    + output.parts.map { [$0.label, language.number($0.count), $0.segment.map { "\($0)" } ?? "--"] }
            )
        }
    }
}

extension SegmentDefinition {
    /// The text of a part that is a rule, a score or a query, by the name that errors give it.
    fileprivate func text(of part: String) -> String? {
        let names = part.split(separator: ".")
        if names.first == "exclude", names.count > 1, let place = Int(names[1]), exclusions.indices.contains(place),
            case .rule(let rule) = exclusions[place]
        {
            return rule
        }
        if part == "pick.top.score", case .top(_, let score) = pick { return score }
        switch source {
        case .rule(let text) where ["from.rule", ""].contains(part): return text
        case .sql(let text) where part == "from.sql": return text
        default: return nil
        }
    }
}

extension DecodingError {
    /// What is wrong with a JSON document, and where in it.
    fileprivate func sentence(_ language: Language) -> String {
        func said(_ context: Context, _ key: (any CodingKey)? = nil) -> String {
            let path = (context.codingPath + (key.map { [$0] } ?? [])).map {
                $0.intValue.map { "\($0)" } ?? $0.stringValue
            }
            return (path.isEmpty ? "" : path.joined(separator: ".") + ": ") + context.debugDescription
        }
        let problem =
            switch self {
            case .keyNotFound(let key, let context): said(context, key)
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                said(context)
            @unknown default: "JSON"
            }
        return language("不是客户群定义：", "this is no definition of a segment: ") + problem
    }
}

extension SegmentRefresh: ExpressibleByArgument {}
