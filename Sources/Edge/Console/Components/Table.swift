// Tables: searched, ordered, paged and exported by their address.
// SPDX-License-Identifier: Apache-2.0

import HTTPAPI
import Kernel
import Ports
import Texts

/// What the address asks of a table: text to search, order, page.
struct TableQuery: Hashable, Sendable {
    /// Goes before the parameter names, for pages with several tables.
    var prefix = ""
    var search = ""
    /// Key of the column to order by; empty = the table's own order.
    var order = ""
    var isDescending = false
    /// From 1.
    var page = 1
    var size = 20

    static let sizes = [10, 20, 50, 100]

    init() {}

    /// Reads the parameters; values out of range become the nearest sensible ones.
    init(_ frame: Frame, prefix: String = "") {
        self.prefix = prefix
        search = String(frame.parameter(prefix + "q").prefix(100))
        let sort = frame.parameter(prefix + "sort")
        isDescending = sort.hasPrefix("-")
        order = isDescending ? String(sort.dropFirst()) : sort
        page = min(max(1, Int(frame.parameter(prefix + "page")) ?? 1), 1_000_000)
        let wanted = Int(frame.parameter(prefix + "size")) ?? 20
        size = Self.sizes.contains(wanted) ? wanted : 20
    }

    var isPlain: Bool { search.isEmpty && page == 1 }

    /// The same, as the store is asked.
    var list: ListQuery {
        ListQuery(search: search, order: order, isDescending: isDescending, offset: (page - 1) * size, limit: size)
    }

    fileprivate var items: [Frame.QueryItem] {
        var items: [Frame.QueryItem] = []
        if !search.isEmpty { items.append(.init(prefix + "q", search)) }
        if !order.isEmpty { items.append(.init(prefix + "sort", (isDescending ? "-" : "") + order)) }
        if page > 1 { items.append(.init(prefix + "page", "\(page)")) }
        if size != 20 { items.append(.init(prefix + "size", "\(size)")) }
        return items
    }
}

/// A column: heading, what stands in a cell, and the same as plain text for exports.
struct Column<Row> {
    var title: String
    /// Key to order by; nil = cannot be ordered.
    var key: String?
    var isNumber = false
    /// The cell as plain text.
    var plain: (Row) -> String
    /// The cell on the page; nil = the plain text.
    var cell: ((Row) -> HTML)?
    /// A value to order rows in memory by; nil = the plain text.
    var rank: ((Row) -> Int64)?

    init(
        _ title: String,
        key: String? = nil,
        isNumber: Bool = false,
        rank: ((Row) -> Int64)? = nil,
        plain: @escaping (Row) -> String,
        cell: ((Row) -> HTML)? = nil
    ) {
        self.title = title
        self.key = key
        self.isNumber = isNumber
        self.plain = plain
        self.cell = cell
        self.rank = rank
    }
}

/// A small table of texts, for example the numbers behind a chart; all but its first column are numbers.
struct TextTable {
    var head: [String]
    /// Each as long as ``head``.
    var rows: [[String]]

    init(head: [String], rows: [[String]]) { (self.head, self.rows) = (head, rows) }

    /// The texts of some rows.
    init<Row>(_ columns: [Column<Row>], _ all: [Row]) {
        self.init(head: columns.map(\.title), rows: all.map { row in columns.map { $0.plain(row) } })
    }

    var columns: [Column<[String]>] {
        head.enumerated().map { position, title in
            Column(title, isNumber: position > 0, plain: { $0[position] })
        }
    }
}

/// Rows on a page, and how to show them.
struct Table<Row> {
    /// Names the table for assistive technology.
    var caption: String
    var columns: [Column<Row>]
    var rows: [Row]
    /// Rows on all pages.
    var total: Int
    var query: TableQuery
    /// Where the export is.
    var exportPath: String
    /// Placeholder of the search field; nil = no search.
    var searchHint: String?
    /// Shown when there is nothing at all.
    var empty: HTML
    /// Links and buttons of a row.
    var actions: ((Row) -> HTML)?

    init(
        _ caption: String,
        columns: [Column<Row>],
        page: Page<Row>,
        query: TableQuery,
        exportPath: String,
        searchHint: String? = nil,
        empty: HTML,
        actions: ((Row) -> HTML)? = nil
    ) where Row: Sendable {
        self.caption = caption
        self.columns = columns
        rows = page.rows
        total = page.total
        self.query = query
        self.exportPath = exportPath
        self.searchHint = searchHint
        self.empty = empty
        self.actions = actions
    }
}

extension TableQuery {
    /// Searches, orders and cuts rows that are all in memory.
    func page<Row: Sendable>(of all: [Row], _ columns: [Column<Row>], isWhole: Bool = false) -> Page<Row> {
        var rows = all
        if !search.isEmpty {
            let wanted = search.lowercased()
            rows = rows.filter { row in columns.contains { $0.plain(row).lowercased().contains(wanted) } }
        }
        if let column = columns.first(where: { $0.key != nil && $0.key == order }) {
            let ranked: [(row: Row, position: Int, rank: Int64, text: String)] = rows.enumerated().map {
                (
                    $0.element, $0.offset, column.rank?($0.element) ?? 0,
                    column.rank == nil ? column.plain($0.element) : ""
                )
            }
            rows = ranked.sorted {
                let before = ($0.rank, $0.text, $0.position) < ($1.rank, $1.text, $1.position)
                return isDescending ? !before && $0.position != $1.position : before
            }.map(\.row)
        }
        let total = rows.count
        if !isWhole {
            let start = min((page - 1) * size, total)
            rows = Array(rows[start..<min(start + size, total)])
        }
        return Page(rows: rows, total: total)
    }
}

extension Frame {
    /// The address of this page with another state of one table.
    private func address(_ query: TableQuery, path: String? = nil) -> String {
        let names = Set(["q", "sort", "page", "size"].map { query.prefix + $0 })
        let others = self.query.filter { !names.contains($0.name) && !$0.value.isEmpty }
        return (path ?? self.path) + Self.encoded(others + query.items)
    }

    /// Parameters that a search must keep.
    private func kept(_ query: TableQuery) -> HTML {
        let names = Set(["q", "page"].map { query.prefix + $0 })
        return
            "\(each: self.query.filter { !names.contains($0.name) && !$0.value.isEmpty }, { "<input type=\"hidden\" name=\"\($0.name)\" value=\"\($0.value)\">" })"
    }

    /// A link that downloads a table.
    func exportLink(_ path: String) -> HTML {
        "<a class=\"button small\" href=\"\(path)\" download>\(Icon.download.markup)\(t(.exportCSV))</a>"
    }

    /// A table without toolbar and pager: the rows as they are; its export stands beside it.
    func plainTable<Row>(_ columns: [Column<Row>], _ rows: [Row]) -> HTML {
        """
        <table><thead><tr>\(each: columns, {
            "<th scope=\"col\"\(attribute: "class", $0.isNumber ? "number" : nil)>\($0.title)</th>"
        })</tr></thead>
        <tbody>\(each: rows, { row in "<tr>\(cells(columns, row))</tr>\n" })</tbody></table>
        """
    }

    private func cells<Row>(_ columns: [Column<Row>], _ row: Row) -> HTML {
        "\(each: columns, { "<td\(attribute: "class", $0.isNumber ? "number" : nil)>\($0.cell?(row) ?? HTML(escaping: $0.plain(row)))</td>" })"
    }

    /// A table with its toolbar and pager.
    func table<Row>(_ table: Table<Row>) -> HTML {
        if table.total == 0, table.query.isPlain { return table.empty }
        return """
            <div class="tools">\(when: table.searchHint != nil, search(table))\
            <span class="total">\(t(.rowsTotal, number(table.total)))</span>\
            \(exportLink(address(table.query, path: table.exportPath)))</div>
            <div class="scroll" tabindex="0" role="region" aria-label="\(table.caption)"><table>\
            <caption class="hidden">\(table.caption)</caption>
            <thead><tr>\(each: table.columns, { heading($0, table.query) })\(when: table.actions != nil, "<th scope=\"col\" class=\"acts\">\(t(.actions))</th>")</tr></thead>
            <tbody>
            \(each: table.rows, { row(table, $0) })\(when: table.rows.isEmpty, "<tr><td colspan=\"\(table.columns.count + 1)\" class=\"none\">\(t(.nothingFound))</td></tr>")</tbody></table></div>
            \(pager(table))
            """
    }

    /// A table of rows that are all in memory, as the address wants them.
    func table<Row: Sendable>(
        _ caption: String,
        _ columns: [Column<Row>],
        of rows: [Row],
        prefix: String = "",
        exportPath: String,
        searchHint: String? = nil,
        empty: HTML,
        actions: ((Row) -> HTML)? = nil
    ) -> HTML {
        let query = TableQuery(self, prefix: prefix)
        return table(
            Table(
                caption,
                columns: columns,
                page: query.page(of: rows, columns),
                query: query,
                exportPath: exportPath,
                searchHint: searchHint,
                empty: empty,
                actions: actions
            )
        )
    }

    private func search<Row>(_ table: Table<Row>) -> HTML {
        let name = table.query.prefix + "q"
        return """
            <form method="get" action="\(path)" class="search" role="search">\(kept(table.query))\
            <input type="search" name="\(name)" value="\(table.query.search)" placeholder="\(table.searchHint ?? "")" \
            aria-label="\(table.searchHint ?? "")" maxlength="100">\
            <button class="button" type="submit">\(Icon.search.markup)\(t(.search))</button>\
            \(when: !table.query.search.isEmpty, resetLink(table.query))</form>
            """
    }

    private func resetLink(_ query: TableQuery) -> HTML {
        var plain = query
        plain.search = ""
        plain.page = 1
        return "<a class=\"quiet\" href=\"\(address(plain))\">\(t(.reset))</a>"
    }

    private func heading<Row>(_ column: Column<Row>, _ query: TableQuery) -> HTML {
        let kind = column.isNumber ? "number" : nil
        guard let key = column.key else { return "<th scope=\"col\"\(attribute: "class", kind)>\(column.title)</th>" }
        let isOrdered = query.order == key
        var next = query
        next.order = key
        next.isDescending = isOrdered && !query.isDescending
        next.page = 1
        let state = isOrdered ? (query.isDescending ? "descending" : "ascending") : nil
        return """
            <th scope="col"\(attribute: "class", kind)\(attribute: "aria-sort", state)><a href="\(address(next))">\
            \(column.title)\
            <span class="order" aria-hidden="true">\(isOrdered ? (query.isDescending ? "▼" : "▲") : "⇅")</span></a></th>
            """
    }

    private func row<Row>(_ table: Table<Row>, _ row: Row) -> HTML {
        """
        <tr>\(cells(table.columns, row))\(when: table.actions != nil, "<td class=\"acts\">\(table.actions?(row))</td>")</tr>

        """
    }

    private func pager<Row>(_ table: Table<Row>) -> HTML {
        let query = table.query
        let pages = max(1, (table.total + query.size - 1) / query.size)
        guard table.total > TableQuery.sizes[0] else { return .empty }
        func link(_ page: Int, _ text: String, _ relation: String?) -> HTML {
            var other = query
            other.page = page
            return page == query.page
                ? "<li><a href=\"\(address(other))\" aria-current=\"page\">\(text)</a></li>"
                : "<li><a href=\"\(address(other))\"\(attribute: "rel", relation)>\(text)</a></li>"
        }
        func sized(_ size: Int) -> HTML {
            var other = query
            other.size = size
            other.page = 1
            return
                "<li><a href=\"\(address(other))\"\(attribute: "aria-current", size == query.size ? "true" : nil)>\(size)</a></li>"
        }
        let near = Set([1, pages] + ((query.page - 1)...(query.page + 1)).filter { (1...pages).contains($0) }).sorted()
        var items: [HTML] = []
        for (position, page) in near.enumerated() {
            if position > 0, near[position - 1] + 1 < page { items.append("<li aria-hidden=\"true\">…</li>") }
            items.append(link(page, "\(page)", page == query.page - 1 ? "prev" : page == query.page + 1 ? "next" : nil))
        }
        return """
            <nav class="pager" aria-label="\(t(.pages))">\(when: pages > 1, "<ul>\(items)</ul>")\
            <span>\(t(.perPage))</span><ul>\(each: TableQuery.sizes, sized)</ul></nav>

            """
    }
}

/// An export of a small table.
func csv(_ table: TextTable) -> String { csv(table.columns, table.rows) }

/// An export: what stands in the cells as plain text, under the headings of the page.
func csv<Row>(_ columns: [Column<Row>], _ rows: [Row]) -> String {
    CSV.text([columns.map(\.title)] + rows.map { row in columns.map { $0.plain(row) } })
}
