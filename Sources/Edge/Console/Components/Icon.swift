// Icons: symbols of the sprite that bin/setup fetches (Tabler Icons, MIT); a page without the sprite is complete too.
// SPDX-License-Identifier: Apache-2.0

/// A symbol of the icon sprite.
///
/// Icons only decorate: the words beside them say the same.
enum Icon: String {
    case home = "layout-dashboard"
    case desk = "phone-call"
    case customers = "users"
    case segments = "users-group"
    case requests = "file-text"
    case campaigns = "speakerphone"
    case arbitrations = "adjustments"
    case pool = "filter"
    case approvals = "checklist"
    case lists = "phone-off"
    case explain = "user-question"
    case policy = "shield-check"
    case staff = "settings"
    case menu = "menu-2"
    case bell = "bell"
    case language = "language"
    case signOut = "logout"
    case add = "plus"
    case search = "search"
    case download = "download"
    case upload = "upload"
    case edit = "pencil"
    case play = "player-play"
    case pause = "player-pause"
    case stop = "player-stop"
    case send = "send"
    case done = "circle-check"
    case error = "alert-triangle"
    case refuse = "circle-x"
    case back = "arrow-back-up"
    case chart = "chart-bar"
    case dryRun = "chart-funnel"

    var markup: HTML {
        "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"\(ConsoleAssets.path("icons.svg"))#tabler-\(rawValue)\"/></svg>"
    }
}
