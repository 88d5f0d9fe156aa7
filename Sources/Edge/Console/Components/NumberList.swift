// A list of numbers in a form: a file, whose first rows are shown before anything is sent, or a box to paste into.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import HTTPAPI
import HTTPTypes
import Kernel
import Model
import Planning
import Texts

/// The fields that bring a list of numbers.
struct NumberListFields {
    var kind = IdentityKind.msisdn.rawValue
    var column = ""

    /// File and box; the first rows of the file come from `action` with `/preview` behind it.
    func content(action: String, error: String?, rows: Int, _ f: Frame) -> HTML {
        """
        \(field(f.t(.file), id: "file", help: f.t(.listFileHelp), error: error, "<input id=\"file\" name=\"file\" type=\"file\" accept=\".xlsx,.csv,.txt,.gz,text/csv,text/plain\" aria-describedby=\"file-help\" data-preview=\"\(action)/preview\" data-failed=\"\(f.t(.previewFailed))\" data-large=\"\(f.t(.previewLarge))\">"))
        <div id="preview" aria-live="polite"></div>
        \(field(f.t(.orPaste), id: "numbers", help: f.t(.pasteHelp), "<textarea id=\"numbers\" name=\"numbers\" rows=\"\(rows)\" autocomplete=\"off\" aria-describedby=\"numbers-help\"></textarea>"))
        """
    }

    /// What the numbers are, and where they stand.
    func choice(_ f: Frame) -> HTML {
        let kinds = IdentityKind.allCases.map { ($0.rawValue, f.t($0.text)) }
        return """
            \(field(f.t(.numbersAre), id: "kind", select("kind", kinds, selected: kind)))
            \(field(f.t(.column), id: "column", help: f.t(.columnHelp), input("column", column, maxLength: 100, hasHelp: true)))
            """
    }
}

extension ListPreview {
    /// The rows as a table whose headings choose a column.
    func table(_ f: Frame) -> HTML {
        let headings: HTML = """
            \(each: columns.enumerated(), { place, column in
                """
                <th scope="col"\(attribute: "class", place + 1 == chosen ? "chosen" : nil)><label><input type="radio" \
                name="previewed" value="\(place + 1)"\(attribute: "checked", place + 1 == chosen ? "" : nil)> \
                \(column.heading.flatMap { $0.isEmpty ? nil : MemberReport.masked($0) } ?? f.t(.previewColumn, "\(place + 1)"))</label></th>
                """
            })
            """
        let body: HTML = """
            \(each: 0..<rows, { row in
                """
                <tr>\(each: columns.enumerated(), { place, column in
                    "<td\(attribute: "class", place + 1 == chosen ? "chosen" : nil)>\(MemberReport.masked(column.cells[row]))</td>"
                })</tr>
                """
            })
            """
        let numbers: HTML = """
            \(each: columns.enumerated(), { place, column in
                "<td\(attribute: "class", place + 1 == chosen ? "chosen" : nil)>\(f.t(.previewNumbers, "\(column.numbers)", "\(rows)"))</td>"
            })
            """
        return """
            <p class="help" id="preview-title">\(f.t(.previewTitle, "\(rows)"))</p>
            <div class="scroll" tabindex="0"><table class="preview" aria-labelledby="preview-title">
            <thead><tr>\(headings)</tr></thead><tbody>\(body)</tbody><tfoot><tr>\(numbers)</tr></tfoot></table></div>
            \(when: rows > 0 && (chosen > columns.count || columns[chosen - 1].numbers == 0), "<p class=\"wrong\" role=\"alert\">\(f.t(.previewNoNumbers))</p>")
            """
    }
}

extension Console {
    /// The first rows of a list whose beginning was sent.
    func addListPreview(_ path: String, _ access: Access) {
        site.post(path, access) { request, context in
            let body = try await FormBody.read(request, context, uploadingTo: platform.directory.temporary)
            let frame = try await frame(request, context)
            guard let file = body.file else { throw EdgeError.badRequest(field: "file", why: "choose a file") }
            do {
                let preview = try platform.preview(
                    file: file.content.path,
                    name: file.name,
                    kind: IdentityKind(rawValue: body["kind"]) ?? .msisdn,
                    column: IdentityColumn(typed: body["column"]),
                    rows: 5
                )
                return respond(preview.table(frame))
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                return respond("<p class=\"wrong\">\(frame.problem(error))</p>")
            }
        }
    }
}
