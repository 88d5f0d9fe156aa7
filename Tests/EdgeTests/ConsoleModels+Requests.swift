// Pages of data requests with texts that try to be markup.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports

@testable import Console

extension ConsoleModels {
    /// A request after some steps.
    func dataRequest(_ acts: [(DataRequestAct, String)]) -> DataRequest {
        var request = DataRequest(
            title: evil,
            need: evil,
            reason: evil,
            wantedBy: Self.now.day.adding(days: -1),
            scope: OrganisationScope(city: evil),
            segment: 7,
            requestedBy: evil,
            requestedAt: Self.now.instant
        )
        request.id = 5
        let steps = acts.map { act, who in
            DataRequestStep(act, who: who, at: Self.now.instant, text: evil, segment: act == .answer ? 7 : nil)
        }
        request = DataRequest(request, steps: steps)
        return request
    }

    /// The queue, the form, and a request in each state as each of those concerned sees it.
    var requestPages: [Named] {
        let worker = "w" + evil
        let ways: [[(DataRequestAct, String)]] = [
            [], [(.take, worker)], [(.take, worker), (.ask, worker)], [(.take, worker), (.answer, worker)],
            [(.take, worker), (.answer, worker), (.accept, evil)], [(.cancel, evil)],
        ]
        var frozen = segment
        (frozen.state, frozen.audience, frozen.count) = (.computed, 3, 9)
        var pages: [Named] = []
        for way in ways {
            let request = dataRequest(way)
            for who in [evil, worker, "other"] {
                for answer in [frozen, nil] {
                    let page = DataRequestPage(
                        request: request,
                        acts: request.acts(of: who, isWorker: true),
                        segment: answer,
                        answer: answer,
                        choices: [segment],
                        typed: (.answer, evil, "7")
                    )
                    pages.append(("data request \(request.state)", { page.page($0) }))
                }
            }
        }
        let all = Page(rows: ways.map(dataRequest), total: ways.count)
        for tab in RequestsPage.Tab.allCases {
            pages.append(
                (
                    "data requests \(tab)",
                    { RequestsPage(requests: all, query: TableQuery($0), tab: tab, waiting: 2).page($0) }
                )
            )
        }
        pages.append(
            (
                "data requests, empty",
                {
                    let none = Page<DataRequest>(rows: [], total: 0)
                    return RequestsPage(requests: none, query: TableQuery($0), tab: .active, waiting: 0).page($0)
                }
            )
        )
        let names = ["title", "need", "reason", "wantedBy", "province", "city", "county", "segment"]
        let filled = Dictionary(uniqueKeysWithValues: names.map { ($0, evil) })
        for values in [[:], filled] {
            pages.append(
                (
                    "new data request",
                    { RequestFormPage(values: values, errors: values, segments: [segment]).page($0) }
                )
            )
        }
        return pages
    }
}
