// The shell around every page: top bar, menu, breadcrumb, heading.
// SPDX-License-Identifier: Apache-2.0

public import Model
import Texts

/// The entries of the menu.
public enum MenuItem: String, CaseIterable, Sendable {
    case home, desk, customers, segments, requests, catalogue, campaigns, arbitrations, pool, approvals, lists, explain,
        policy, loads, staff

    /// Where it leads.
    public var path: String { self == .home ? "/" : "/" + rawValue }

    /// What the reader must be allowed to do to see it; nil = be signed in.
    public var permission: Permission? {
        switch self {
        case .home: nil
        case .desk: .serve
        case .segments, .requests, .catalogue: .viewSegments
        case .campaigns, .arbitrations, .pool: .viewCampaigns
        case .approvals: .approve
        case .lists: .viewLists
        case .customers, .explain: .explain
        case .policy: .viewPolicy
        case .loads: .manageLoads
        case .staff: .viewAudit
        }
    }

    /// Its name.
    var title: ConsoleText {
        switch self {
        case .home: .menuHome
        case .desk: .menuDesk
        case .customers: .menuCustomers
        case .segments: .menuSegments
        case .requests: .menuRequests
        case .catalogue: .menuCatalogue
        case .campaigns: .menuCampaigns
        case .arbitrations: .menuArbitrations
        case .pool: .menuPool
        case .approvals: .menuApprovals
        case .lists: .menuLists
        case .explain: .menuExplain
        case .policy: .menuPolicy
        case .loads: .menuLoads
        case .staff: .menuStaff
        }
    }

    var icon: Icon {
        switch self {
        case .home: .home
        case .desk: .desk
        case .customers: .customers
        case .segments: .segments
        case .requests: .requests
        case .catalogue: .chart
        case .campaigns: .campaigns
        case .arbitrations: .arbitrations
        case .pool: .pool
        case .approvals: .approvals
        case .lists: .lists
        case .explain: .explain
        case .policy: .policy
        case .loads: .upload
        case .staff: .staff
        }
    }
}

/// A page before it gets its shell.
struct Screen {
    /// The menu entry it belongs to; nil for pages outside the menu.
    var item: MenuItem?
    /// Heading and window title.
    var title: String
    /// A short explanation beside the heading.
    var hint: String?
    /// Pages between the menu entry and this one: title and path.
    var above: [(title: String, path: String)] = []
    /// The main actions, at the right of the heading.
    var actions: HTML = .empty
    /// The contents.
    var body: HTML
}

extension Frame {
    /// The whole document of a page.
    func render(_ page: Screen) -> HTML {
        document(
            title: page.title,
            """
            <a class="skip" href="#main">\(t(.skipToContent))</a>
            \(topBar)
            \(menu(page.item))
            <main id="main" tabindex="-1">
            \(breadcrumb(page))
            <div class="pagehead"><div><h1>\(page.title)</h1>\
            \(when: page.hint != nil, "<p class=\"hint\">\(page.hint ?? "")</p>")</div>\
            <div class="actions">\(page.actions)</div></div>
            \(noticeBox)
            \(page.body)
            </main>
            """
        )
    }

    /// A document without shell: sign-in and errors before it.
    func document(title: String, bodyClass: String = "shell", _ body: HTML) -> HTML {
        """
        <!doctype html>
        <html lang="\(language.tag)">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(title) - \(t(.productName))</title>
        <link rel="icon" href="\(ConsoleAssets.path("icon.svg"))" type="image/svg+xml">
        <link rel="stylesheet" href="\(ConsoleAssets.path("console.css"))">
        <script type="module" src="\(ConsoleAssets.path("console.js"))"></script>
        </head>
        <body class="\(bodyClass)" data-confirm="\(t(.confirm))" data-cancel="\(t(.cancel))">
        \(body)
        </body>
        </html>
        """
    }

    var noticeBox: HTML {
        guard let notice else { return .empty }
        return notice.isError
            ? "<div class=\"notice error\" role=\"alert\">\(Icon.error.markup)<p>\(notice.text)</p></div>"
            : "<div class=\"notice done\" role=\"status\" data-done=\"\(notice.done ?? "")\">\(Icon.done.markup)<p>\(notice.text)</p></div>"
    }

    /// Leads to the same page in the other language.
    var languageSwitch: HTML {
        let other: Language = language == .zh ? .en : .zh
        let back = path + Self.encoded(query)
        return """
            <a class="quiet" hreflang="\(other.tag)" lang="\(other.tag)" \
            href="/language/\(other.rawValue)?back=\(Self.encoded(value: back))">\
            \(Icon.language.markup)\(other == .zh ? "中文" : "English")</a>
            """
    }

    private var topBar: HTML {
        """
        <header class="top">
        <button class="plain menubutton" type="button" aria-controls="menu" aria-expanded="false" \
        aria-label="\(t(.menu))">\(Icon.menu.markup)</button>
        <a class="brand" href="/">\(t(.productName))</a>
        <span class="scope">\(staff.map { scope($0.scope) } ?? "")</span>
        <span class="spacer"></span>
        \(when: may(.approve), bell)
        \(languageSwitch)
        <a class="user" href="\(PasswordPage.path)" title="\(t(.changePassword))">\(staff?.name ?? "")\
        <small>\(staff.map { t($0.role.text) } ?? "")<span class="wide"> · \(t(.changePassword))</span></small></a>
        <form method="post" action="/sign-out"><button class="plain" type="submit" title="\(t(.signOut))">\
        \(Icon.signOut.markup)<span class="wide">\(t(.signOut))</span></button></form>
        </header>
        """
    }

    private var bell: HTML {
        """
        <a class="quiet bell" href="/approvals" title="\(t(.menuApprovals))" \
        aria-label="\(t(.waitingApprovals, number(waiting)))">\
        \(Icon.bell.markup)\(when: waiting > 0, "<b>\(waiting)</b>")</a>
        """
    }

    /// The entries the reader may use.
    var menuItems: [MenuItem] { MenuItem.allCases.filter { $0.permission.map(may) ?? (staff != nil) } }

    private func menu(_ current: MenuItem?) -> HTML {
        """
        <nav id="menu" class="menu" aria-label="\(t(.menu))"><ul>
        \(each: menuItems, { item in
            """
            <li><a href="\(item.path)"\(attribute: "aria-current", item == current ? "page" : nil)>\
            \(item.icon.markup)<span>\(t(item.title))</span></a></li>

            """
        })</ul></nav>
        """
    }

    private func breadcrumb(_ page: Screen) -> HTML {
        guard let item = page.item, item != .home else { return .empty }
        var links: [HTML] = ["<li><a href=\"/\">\(t(.menuHome))</a></li>"]
        let isTop = page.above.isEmpty && page.title == t(item.title)
        if !isTop { links.append("<li><a href=\"\(item.path)\">\(t(item.title))</a></li>") }
        links += page.above.map { "<li><a href=\"\($0.path)\">\($0.title)</a></li>" }
        links.append("<li aria-current=\"page\">\(page.title)</li>")
        return "<nav class=\"crumbs\" aria-label=\"\(t(.breadcrumb))\"><ol>\(links)</ol></nav>"
    }
}
