// gyre catalogue: attributes shown; derived ones defined and removed, others held in memory or not, each a revision.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import HTTPAPI
import Kernel
import Model
import Planning
import Ports
import Texts

struct CatalogueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalogue",
        abstract: "Work with the attribute catalogue. Each change has a reason and is a revision.",
        subcommands: [
            List.self, Show.self, Define.self, Remove.self, Hot.self, Cold.self, History.self,
        ]
    )

    /// Who changes the catalogue from the command line.
    private static let staff = Staff(login: "cli", name: "cli", role: .administrator)

    struct List: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "List the attributes.")

        @OptionGroup var common: CommonOptions

        @Option(help: "Only this group.")
        var group: String?

        @Flag(help: "Print the result as JSON.")
        var json = false

        struct Output: Encodable {
            var revision: Int
            var groups: [AttributeGroup]
            var attributes: [Attribute]
        }

        func run(on platform: Platform, for caller: Caller) async throws {
            let (catalogue, t) = (try await platform.segments.catalogue(), caller.language)
            if let group, !catalogue.groups.contains(where: { $0.code == group }) {
                let known = catalogue.groups.map(\.code).joined(separator: ", ")
                caller.note(t("没有分组 \(group)，有：\(known)", "there is no group \(group); there are \(known)"))
                throw ExitCode(1)
            }
            let shown = catalogue.attributes.filter { group == nil || $0.group == group }
            guard !json else {
                return try caller.printJSON(
                    Output(revision: catalogue.revision ?? 0, groups: catalogue.groups, attributes: shown)
                )
            }
            let heads = [
                t("代码", "Code"), t("分组", "Group"), t("类型", "Type"), t("存放", "Storage"), t("名称", "Name"),
                t("表达式", "Expression"),
            ]
            let rows = shown.map {
                [$0.code, $0.group, $0.type.name, $0.isHot ? "hot" : "cold", t($0.name), $0.expression ?? "--"]
            }
            caller.print(table: [heads] + rows)
        }
    }

    struct Show: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "Show one attribute, and everything that names it.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "Code of the attribute.")
        var code: String

        @Flag(help: "Print the result as JSON.")
        var json = false

        struct Output: Encodable {
            struct Use: Encodable {
                var kind: String
                var id: Int64?
                var name: String
                var part: String?
            }

            var revision: Int
            var attribute: Attribute
            var uses: [Use]
        }

        func run(on platform: Platform, for caller: Caller) async throws {
            let (catalogue, t) = (try await platform.segments.catalogue(), caller.language)
            guard let attribute = catalogue[code] else {
                caller.note(t("没有属性 \(code.prefix(63))", "there is no attribute \(code.prefix(63))"))
                throw ExitCode(1)
            }
            let uses = try await platform.catalogues.uses(of: attribute)
            guard !json else {
                let output = Output(
                    revision: catalogue.revision ?? 0,
                    attribute: attribute,
                    uses: uses.map {
                        Output.Use(
                            kind: $0.kind.rawValue,
                            id: $0.id == 0 ? nil : $0.id,
                            name: $0.name,
                            part: $0.part.isEmpty ? nil : $0.part
                        )
                    }
                )
                return try caller.printJSON(output)
            }
            for line in about(attribute, catalogue, t) { caller.print(line) }
            guard !uses.isEmpty else { return caller.print(t("未被使用", "Not used")) }
            for use in uses { caller.print(t("用于 ", "Used by ") + use.description) }
        }

        private func about(_ attribute: Attribute, _ catalogue: AttributeCatalogue, _ t: Language) -> [String] {
            let group = catalogue.groups.first { $0.code == attribute.group }
            let storage = ConsoleText.self
            var lines = [
                "\(attribute.code)  \(attribute.name.zh) / \(attribute.name.en)",
                t("分组：", "Group: ") + (group.map { t($0.name) } ?? attribute.group),
                t("类型：", "Type: ") + attribute.type.name + (attribute.unit.map { " (\($0))" } ?? ""),
                t("存放：", "Storage: ") + (attribute.isHot ? storage.hotStorage(t) : storage.coldStorage(t)),
            ]
            if attribute.sensitivity == .masked { lines.append(t("脱敏", "Masked")) }
            if let expression = attribute.expression { lines.append(t("表达式：", "Expression: ") + expression) }
            lines += attribute.domain.map { "  \($0.value)  \(t($0.label))" }
            return lines
        }
    }

    struct Define: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a derived attribute, or give one that there is another definition."
        )

        @OptionGroup var common: CommonOptions

        @Argument(help: "Its code: lower-case letters, digits and _.")
        var code: String

        @Argument(help: "A number or a day in the rule language, such as \"monthly_charges * 12\".")
        var expression: String

        @Option(help: "Its name in Chinese.")
        var zh: String

        @Option(help: "Its name in English.")
        var en: String

        @Option(help: "The group it is listed under.")
        var group: String

        @Option(help: "Digits after the point of a number; else as many as the expression has.")
        var decimals: Int?

        @Option(help: "Unit of a number.")
        var unit: String?

        @OptionGroup var change: Change

        func run(on platform: Platform, for caller: Caller) async throws {
            let derived = DerivedAttribute(
                code: code,
                name: BilingualText(zh: zh, en: en),
                group: group,
                expression: expression,
                decimals: decimals,
                unit: unit
            )
            try await change.run(on: platform, for: caller, pointingInto: [code: expression]) { catalogues, last in
                try await catalogues.define(
                    derived,
                    replacing: last?.content[code]?.code,
                    base: last?.number ?? 0,
                    reason: change.reason,
                    by: CatalogueCommand.staff,
                    at: platform.clock.now.instant
                )
            }
        }
    }

    struct Remove: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a derived attribute that nothing uses.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "Code of the attribute.")
        var code: String

        @OptionGroup var change: Change

        func run(on platform: Platform, for caller: Caller) async throws {
            try await change.run(on: platform, for: caller) { catalogues, last in
                try await catalogues.remove(
                    code,
                    base: last?.number ?? 0,
                    reason: change.reason,
                    by: CatalogueCommand.staff,
                    at: platform.clock.now.instant
                )
            }
        }
    }

    struct Hot: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "Hold an attribute in memory.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "Code of the attribute.")
        var code: String

        @OptionGroup var change: Change

        func run(on platform: Platform, for caller: Caller) async throws {
            try await change.hold(code, hot: true, on: platform, for: caller)
        }
    }

    struct Cold: PlatformCommand {
        static let configuration = CommandConfiguration(abstract: "Hold an attribute in the warehouse only.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "Code of the attribute.")
        var code: String

        @OptionGroup var change: Change

        func run(on platform: Platform, for caller: Caller) async throws {
            try await change.hold(code, hot: false, on: platform, for: caller)
        }
    }

    struct History: PlatformCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the revisions, newest first: who changed what, when and why."
        )

        @OptionGroup var common: CommonOptions

        @Flag(help: "Print the result as JSON.")
        var json = false

        func run(on platform: Platform, for caller: Caller) async throws {
            let query = ListQuery(order: CatalogueRevisionColumn.number.rawValue)
            let all = try await Site.everything(query) { try await platform.store.catalogueRevisions($0) }
            var rows: [(revision: CatalogueRevision, changes: [CatalogueChange])] = []
            for revision in all { rows.append((revision, try await platform.catalogues.changes(by: revision))) }
            guard !json else { return try caller.printJSON(rows.map { JSONObject($0.revision, changes: $0.changes) }) }
            for (revision, changes) in rows {
                let at = platform.clock.local(revision.at).isoLocal
                caller.print("\(revision.number)  \(at)  \(revision.who)  \(revision.reason)")
                for change in changes { caller.print("  " + change.sentence(caller.language)) }
            }
        }
    }

    /// Why the catalogue is changed, and what came of it.
    struct Change: ParsableArguments {
        @Option(help: "Why, so that others understand it later.")
        var reason: String

        @Flag(help: "Print the result as JSON.")
        var json = false

        /// Makes a change that is based on the last revision, and prints the new one.
        fileprivate func run(
            on platform: Platform,
            for caller: Caller,
            pointingInto texts: [String: String] = [:],
            _ body: (Catalogues, CatalogueRevision?) async throws -> CatalogueRevision
        ) async throws {
            let catalogues = platform.catalogues
            let revision = try await caller.pointing(into: { texts[$0] }) {
                try await body(catalogues, try await catalogues.last())
            }
            let changes = try await catalogues.changes(by: revision)
            guard !json else { return try caller.printJSON(JSONObject(revision, changes: changes)) }
            caller.print(caller.language("目录版本 ", "Revision ") + "\(revision.number)")
            for change in changes { caller.print("  " + change.sentence(caller.language)) }
        }

        fileprivate func hold(_ code: String, hot: Bool, on platform: Platform, for caller: Caller) async throws {
            try await run(on: platform, for: caller) { catalogues, last in
                try await catalogues.hold(
                    code,
                    hot: hot,
                    base: last?.number ?? 0,
                    reason: reason,
                    by: CatalogueCommand.staff,
                    at: platform.clock.now.instant
                )
            }
        }
    }
}

extension CatalogueChange {
    /// What a revision changed of an attribute, in a line.
    fileprivate func sentence(_ t: Language) -> String {
        func storage(_ isHot: Bool?) -> String {
            isHot.map { ($0 ? ConsoleText.hotStorage : .coldStorage)(t) } ?? ConsoleText.asInFile(t)
        }
        return switch self {
        case .added(let new): t("新增 ", "added ") + "\(new.code) = \(new.expression)"
        case .edited(let old, let new): t("修改 ", "changed ") + "\(new.code) = \(new.expression)  (\(old.expression))"
        case .removed(let old): t("删除 ", "removed ") + old.code
        case .storage(let code, let old, let new):
            t("存放 ", "storage of ") + "\(code): \(storage(old)) → \(storage(new))"
        }
    }
}
