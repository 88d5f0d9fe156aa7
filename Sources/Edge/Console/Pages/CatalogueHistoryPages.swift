// 目录历史: every change of the catalogue, who made it and why, and the way back.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Ports
import Texts

/// All revisions.
struct CatalogueHistoryPage {
    var revisions: Page<CatalogueRevision>
    var query: TableQuery
    /// The last revision; 0 = none.
    var last: Int

    static func columns(_ f: Frame) -> [Column<CatalogueRevision>] {
        [
            Column(f.t(.revisionWord), key: "number", plain: { "\($0.number)" }) { revision in
                "<a href=\"/catalogue-revisions/\(revision.number)\">\(f.t(.revisionOf, "\(revision.number)"))</a>"
            },
            Column(f.t(.time), key: "at", plain: { f.time($0.at) }), Column(f.t(.who), key: "who", plain: \.who),
            Column(f.t(.reasonWord), key: "reason", plain: \.reason),
        ]
    }

    func page(_ f: Frame) -> Screen {
        let table = Table(
            f.t(.catalogueHistory),
            columns: Self.columns(f),
            page: revisions,
            query: query,
            exportPath: "/catalogue-revisions.csv",
            searchHint: f.t(.searchRevisions),
            empty: emptyState(f.t(.noCatalogueRevisions)),
            actions: { "<a href=\"/catalogue-revisions/\($0.number)\">\(f.t(.whatChanges))</a>" }
        )
        return Screen(
            item: .catalogue,
            title: f.t(.catalogueHistory),
            body: """
                \(card(nil, f.table(table)))
                \(when: f.mayEditCatalogue && last > 0, card(f.t(.restoreCatalogueFile), f.restoring(0, last)))
                """
        )
    }
}

/// One difference between revisions, in words.
struct CatalogueChangeRow: Sendable {
    var code: String
    var kind: ConsoleText
    var before: String
    var after: String

    static func columns(_ f: Frame) -> [Column<CatalogueChangeRow>] {
        [
            Column(f.t(.change), plain: { f.t($0.kind) }),
            Column(f.t(.code), key: "code", plain: \.code, cell: { "<code>\($0.code)</code>" }),
            Column(f.t(.before), plain: \.before), Column(f.t(.after), plain: \.after),
        ]
    }

    init(_ change: CatalogueChange, _ f: Frame) {
        code = change.code
        (before, after) = ("--", "--")
        switch change {
        case .added(let new): (kind, after) = (.added, f.words(new))
        case .edited(let old, let new): (kind, before, after) = (.changeEdited, f.words(old), f.words(new))
        case .removed(let old): (kind, before) = (.changeRemoved, f.words(old))
        case .storage(_, let old, let new):
            kind = .storage
            (before, after) = (f.storage(old), f.storage(new))
        }
    }
}

/// One revision: what it changed, and the way back to it.
struct CatalogueRevisionPage {
    var revision: CatalogueRevision
    var changes: [CatalogueChange]
    /// The last revision.
    var last: Int

    func page(_ f: Frame) -> Screen {
        let rows = changes.map { CatalogueChangeRow($0, f) }
        return Screen(
            item: .catalogue,
            title: f.t(.revisionOf, "\(revision.number)"),
            hint: f.t(.catalogueRevisionHint, revision.who, f.time(revision.at), revision.reason),
            above: [(f.t(.catalogueHistory), "/catalogue-revisions")],
            body: """
                \(card(f.t(.whatChanges), f.table(
                    f.t(.whatChanges), CatalogueChangeRow.columns(f), of: rows,
                    exportPath: "/catalogue-revisions/\(revision.number)/changes.csv",
                    searchHint: f.t(.searchCatalogue), empty: emptyState(f.t(.noCatalogueRevisions)))))
                \(when: f.mayEditCatalogue && revision.number < last, card(f.t(.restoreCatalogue), f.restoring(revision.number, last)))
                """
        )
    }
}

extension Frame {
    /// A definition in one line.
    fileprivate func words(_ derived: DerivedAttribute) -> String {
        let rest = [derived.decimals.map { "\(t(.derivedDecimals)) \($0)" }, derived.unit].compactMap { $0 }
        return ([derived.expression, "\(derived.name.zh) / \(derived.name.en)", derived.group] + rest)
            .joined(separator: language("；", "; "))
    }

    /// Where an attribute is held; nil = as the operator's file says.
    fileprivate func storage(_ isHot: Bool?) -> String {
        isHot.map { t($0 ? .hotStorage : .coldStorage) } ?? t(.asInFile)
    }

    /// The way back to a revision; 0 = the operator's file.
    fileprivate func restoring(_ number: Int, _ last: Int) -> HTML {
        let button = t(number == 0 ? .restoreCatalogueFile : .restoreCatalogue)
        return reasonForm(
            to: "/catalogue-revisions/\(number)/restore",
            button: button,
            base: last,
            help: t(.restoreCatalogueEffect),
            Question(
                title: number == 0 ? button : t(.restoreCatalogueQuestion, "\(number)"),
                effect: t(.restoreCatalogueEffect)
            )
        )
    }
}
