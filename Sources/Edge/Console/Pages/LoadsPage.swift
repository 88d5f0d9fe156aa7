// 数据装载: loads of the operator's tables, and taking one out again.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Texts

/// The list of loads.
struct LoadsPage {
    static let path = "/loads"

    /// The newest first.
    var loads: [ListedLoad]

    static func columns(_ f: Frame) -> [Column<ListedLoad>] {
        func count(_ title: ConsoleText, _ key: String, _ value: @escaping (ListedLoad) -> Int?) -> Column<ListedLoad> {
            Column(
                f.t(title),
                key: key,
                isNumber: true,
                rank: { Int64(value($0) ?? -1) },
                plain: { value($0).map { f.number($0) } ?? "--" }
            )
        }
        return [
            Column(f.t(.loadTable), key: "table", plain: { f.table(of: $0) }),
            Column(
                f.t(.loadFile),
                key: "file",
                plain: \.file,
                cell: { "<span class=\"clip\" title=\"\($0.file)\">\($0.file)</span>" }
            ),
            Column(
                f.t(.loadNumber),
                plain: \.id,
                cell: { "<code title=\"\($0.id)\">\(String($0.id.prefix(16)))</code>" }
            ),
            Column(f.t(.time), key: "at", rank: \.at.epochMs, plain: { f.time($0.at) }),
            Column(f.t(.who), key: "who", plain: \.who),
            count(.loadRows, "rows", \.rows), count(.loadLoaded, "loaded", \.loaded),
            count(.loadRejected, "rejected", \.rejected),
            Column(f.t(.state), key: "state", plain: { state($0, f) }) { load in
                load.removal == nil
                    ? tag(state(load, f), .good) : "\(tag(f.t(.loadRemoved)))<br><small>\(removal(load, f))</small>"
            },
        ]
    }

    private static func state(_ load: ListedLoad, _ f: Frame) -> String {
        load.removal == nil ? f.t(.loadLive) : "\(f.t(.loadRemoved)) \(removal(load, f))"
    }

    private static func removal(_ load: ListedLoad, _ f: Frame) -> String {
        load.removal.map { "\(f.time($0.at)) \($0.who)" } ?? ""
    }

    func page(_ f: Frame) -> Screen {
        let live = loads.filter { $0.removal == nil }
        let rejected = live.reduce(0) { $0 + ($1.rejected ?? 0) }
        return Screen(
            item: .loads,
            title: f.t(.menuLoads),
            hint: f.t(.loadsHint),
            actions: f.staff?.scope == .all ? linkButton(f.t(.feedsTitle), to: FeedsPage.path) : .empty,
            body: """
                \(figures([
                    (f.t(.loadsLive), f.number(live.count), nil),
                    (f.t(.loadRemoved), f.number(loads.count - live.count), nil),
                    (f.t(.loadRejected), f.number(rejected), rejected > 0 ? f.t(.loadRejectedHelp) : nil),
                ]))
                \(card(nil, f.table(
                    f.t(.menuLoads), Self.columns(f), of: loads, exportPath: Self.path + ".csv",
                    searchHint: f.t(.searchLoads), empty: emptyState(f.t(.noLoads)), actions: { rollback($0, f) })))
                """
        )
    }

    /// What is different once a load is gone.
    private func effect(_ load: ListedLoad, _ f: Frame) -> String {
        guard load.table != "subscriber" else { return f.t(.takeOutSubscribersEffect) }
        let follows: ConsoleText? =
            switch load.table {
            case "contact": .takeOutContactsFollow
            case "subscription": .takeOutProductsFollow
            default: nil
            }
        return [
            f.t(.takeOutEffect, f.number(load.loaded ?? 0), f.table(of: load)), follows.map { f.t($0) },
            f.t(.takeOutAgain),
        ]
        .compactMap { $0 }.joined(separator: f.language("；", "; ")) + f.language("。", ".")
    }

    /// A load is of the whole operator, and so are those who take one out.
    private func rollback(_ load: ListedLoad, _ f: Frame) -> HTML {
        guard load.removal == nil, f.staff?.scope == .all else { return .empty }
        return actionButton(
            f.t(.takeOut),
            to: "\(Self.path)/\(Frame.encoded(value: load.id))/rollback",
            question: Question(
                title: f.t(.takeOutQuestion, load.file),
                effect: effect(load, f),
                isDangerous: true
            )
        )
    }
}

extension Frame {
    /// The table of a load: its name, and what mappings and rules call it.
    fileprivate func table(of load: ListedLoad) -> String {
        guard let table = load.table else { return "--" }
        let names: [String: ConsoleText] = [
            "subscriber": .tableSubscriber, "subscriber_month": .tableMonth, "contact": .tableContact,
            "complaint": .tableComplaint, "subscription": .tableSubscription, "visit": .tableVisit,
            "external_behaviour": .tableElsewhere,
        ]
        return names[table].map { "\(t($0)) \(table)" } ?? table
    }
}
