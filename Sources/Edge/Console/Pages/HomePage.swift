// 工作台: what waits for me, what is running, where I go most.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Texts

/// The workbench.
struct HomePage {
    /// Something that waits for the reader.
    struct ToDo: Sendable {
        enum Kind: Sendable { case rehearse, submit, run, approve, review }

        var kind: Kind
        /// Number of the campaign or segment.
        var number: Int64
        var name: String
        /// Since when.
        var since: Instant
    }

    /// A campaign that is running or paused.
    struct Running: Sendable {
        var campaign: Campaign
        var contacts: Int
        var sent: Int
        var delivered: Int
    }

    var toDos: [ToDo]
    /// Data requests that wait for the reader; nil for who has nothing to do with them.
    var requests: Page<DataRequest>?
    var running: [Running]
    /// Subscribers loaded.
    var subscribers: Int

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .home,
            title: f.t(.menuHome),
            hint: f.t(.greeting, f.staff?.name ?? "", f.time(f.now).prefix(10).description),
            body: """
                \(figures(keyFigures(f)))
                <div class="columns">
                \(card(f.t(.myToDos), toDoList(f)))
                \(card(f.t(.shortcuts), shortcuts(f)))
                </div>
                \(when: f.may(.viewCampaigns), card(f.t(.runningCampaigns), runningList(f)))
                """
        )
    }

    private func keyFigures(_ f: Frame) -> [(label: String, value: String, hint: String?)] {
        var items: [(String, String, String?)] = [
            (f.t(.toDoCount), f.number(toDos.count + (requests?.total ?? 0)), nil)
        ]
        if let requests { items.append((f.t(.requestsForMe), f.number(requests.total), nil)) }
        if f.may(.viewCampaigns) { items.append((f.t(.runningCount), f.number(running.count), nil)) }
        items.append((f.t(.subscriberCount), f.number(subscribers), nil))
        return items
    }

    private func toDoList(_ f: Frame) -> HTML {
        guard !toDos.isEmpty || requests?.total ?? 0 > 0 else {
            let action: HTML =
                f.may(.editCampaigns)
                ? linkButton(f.t(.newCampaign), to: "/campaigns/new", .add)
                : f.may(.explain) ? linkButton(f.t(.menuExplain), to: "/explain", .explain) : .empty
            return emptyState(f.t(.noToDos), action)
        }
        return """
            <ul class="list">\(each: toDos, { item in
                let (kind, path): (ConsoleText, String) =
                    switch item.kind {
                    case .rehearse: (.toDoRehearse, "/campaigns/\(item.number)?tab=dry-run")
                    case .submit: (.toDoSubmit, "/campaigns/\(item.number)?tab=dry-run")
                    case .run: (.toDoRun, "/campaigns/\(item.number)?tab=run")
                    case .approve: (.toDoApprove, "/approvals/\(item.number)")
                    case .review: (.toDoReview, "/segments/\(item.number)#review")
                    }
                return "<li>\(tag(f.t(kind), [.approve, .review].contains(item.kind) ? .warn : .info)) <a href=\"\(path)\">\(item.name)</a> <time>\(f.time(item.since))</time></li>"
            })\(requestList(f))</ul>
            """
    }

    private func requestList(_ f: Frame) -> HTML {
        guard let requests, requests.total > 0 else { return .empty }
        let more = requests.total - requests.rows.count
        let rest: HTML =
            more > 0 ? "<li><a href=\"/requests?tab=waiting\">\(f.t(.moreRequests, f.number(more)))</a></li>" : .empty
        return """
            \(each: requests.rows, { request in
                let mark = request.isOverdue(on: f.now.day) ? tag(f.t(.overdueWord), .bad) : HTML.empty
                return "<li>\(tag(f.t(.toDoRequest, f.t(request.state.text)), request.state.tone)) <a href=\"/requests/\(request.id)\">\(request.title)</a> \(mark) <time>\(f.time(request.updatedAt))</time></li>"
            })\(rest)
            """
    }

    private func shortcuts(_ f: Frame) -> HTML {
        var links: [HTML] = []
        func add(_ permission: Permission, _ text: ConsoleText, _ path: String, _ icon: Icon) {
            if f.may(permission) { links.append("<li>\(linkButton(f.t(text), to: path, icon))</li>") }
        }
        add(.editCampaigns, .newCampaign, "/campaigns/new", .add)
        add(.editSegments, .newSegment, "/segments/new", .segments)
        add(.viewSegments, .newRequest, "/requests/new", .requests)
        add(.approve, .menuApprovals, "/approvals", .approvals)
        add(.explain, .menuExplain, "/explain", .explain)
        add(.editLists, .registerDND, "/lists", .lists)
        add(.manageStaff, .newStaff, "/staff/new", .staff)
        add(.erase, .menuErasure, ErasurePage.path, .refuse)
        add(.viewAudit, .auditLog, "/staff?tab=audit", .search)
        return "<ul class=\"shortcuts\">\(links)</ul>"
    }

    private func runningList(_ f: Frame) -> HTML {
        guard !running.isEmpty else {
            return emptyState(f.t(.nothingRunning), linkButton(f.t(.allCampaigns), to: "/campaigns"))
        }
        return """
            <ul class="list running">\(each: running, { item in
                """
                <li><a href="/campaigns/\(item.campaign.id.number)?tab=run">\
                \(item.campaign.plan.name)</a> \(f.phase(item.campaign.phase))
                <progress max="\(max(1, item.contacts))" value="\(item.sent)" \
                aria-label="\(f.t(.progressOf, item.campaign.plan.name))"></progress>
                <span>\(f.t(.sentOf, f.number(item.sent), f.number(item.contacts)))</span><span>\
                \(f.t(.deliveredCount, f.number(item.delivered)))</span></li>

                """
            })</ul>
            """
    }
}
