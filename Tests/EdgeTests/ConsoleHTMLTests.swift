// Markup escapes by type; nothing that people type becomes markup, an address elsewhere or a formula.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPAPI
import Kernel
import Model
import NIOCore
import Ports
import Testing
import Texts

@testable import Console

struct ConsoleHTMLTests {
    @Test func `text is escaped and markup is not`() {
        let evil = #"<script>alert("1")</script> & 'x'"#
        let inner: HTML = "<b>\(evil)</b>"
        #expect(
            inner.text == "<b>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;</b>"
        )
        let outer: HTML =
            "<p\(attribute: "title", evil)>\(inner)\(each: [1, 2], { "<i>\($0)</i>" })\(when: false, "no")</p>"
        #expect(outer.text.hasPrefix("<p title=\"&lt;script&gt;"))
        #expect(outer.text.hasSuffix("</b><i>1</i><i>2</i></p>"))
        #expect((("<a\(attribute: "b", nil)>") as HTML).text == "<a>")
    }

    @Test func `names, rules and messages cannot inject markup into any page`() {
        let evil = #"</textarea><script>x</script>"onload="y"#
        for page in ConsoleModels(evil: evil).pages {
            for language in Language.allCases {
                let html = ConsoleModels.frame(language, .planner).render(
                    page.make(ConsoleModels.frame(language, .planner))
                ).text
                #expect(!html.contains("<script>x"), "\(page.name)")
                #expect(!html.contains("\"onload=\""), "\(page.name)")
                #expect(!html.contains(" style=") && !html.contains(" onclick="), "\(page.name)")
            }
        }
    }

    @Test func `the way back never leads to another site`() {
        #expect(Frame.safePath("/campaigns?x=1") == "/campaigns?x=1")
        for path in ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "", "/a\nb", "/ b"] {
            #expect(Frame.safePath(path) == "/")
        }
        #expect(Frame.encoded([.init("q", "a&b=ü\"")]) == "?q=a%26b%3D%C3%BC%22")
    }

    @Test func `an export quotes cells and disarms formulas`() {
        let columns = [Column<String>("A", plain: { $0 }), Column<String>("B,b", plain: { _ in "−1" })]
        let text = csv(columns, ["=1+1", "-12.5", "a\"b", "@x\r\ny"])
        #expect(text == "\u{FEFF}A,\"B,b\"\r\n'=1+1,−1\r\n-12.5,−1\r\n\"a\"\"b\",−1\r\n\"'@x\r\ny\",−1\r\n")
    }

    @Test func `forms are read as browsers send them`() throws {
        let fields = FormBody(fields: FormBody.decode("a=1&b=%E4%BD%A0+%26&b=2&c&=&d=%zz"))
        #expect(fields["a"] == "1")
        #expect(fields.all("b") == ["你 &", "2"])
        #expect(fields["c"] == "")
        #expect(fields["d"] == "%zz")
        let body =
            "--x\r\nContent-Disposition: form-data; name=\"list\"\r\n\r\ndnd_01\r\n--x\r\n"
            + "Content-Disposition: form-data; name=\"file\"; filename=\"号.csv\"\r\nContent-Type: text/csv\r\n\r\n1\r\n2\r\n\r\n--x--\r\n"
        let folder = FileManager.default.temporaryDirectory.path(percentEncoded: false)
        for portion in [1, 3, 7, body.utf8.count] {
            var reader = try MultipartReader(boundary: "x", folder: folder, fieldLimit: 1_000, fileLimit: 1_000)
            for start in stride(from: 0, to: body.utf8.count, by: portion) {
                try reader.take(ByteBuffer(bytes: Array(body.utf8).dropFirst(start).prefix(portion)).readableBytesView)
            }
            #expect(reader.isComplete)
            #expect(reader.fields.map { "\($0.name)=\($0.value)" } == ["list=dnd_01"])
            #expect(reader.file?.name == "号.csv")
            let upload = try #require(reader.file?.writer.finish())
            #expect(FileManager.default.contents(atPath: upload.path) == Data("1\r\n2\r\n".utf8))
        }
        var small = try MultipartReader(boundary: "x", folder: folder, fieldLimit: 1_000, fileLimit: 5)
        #expect(throws: EdgeError.tooLarge(bytes: 5)) { try small.take(ByteBuffer(string: body).readableBytesView) }
        var cut = try MultipartReader(boundary: "x", folder: nil, fieldLimit: 1_000, fileLimit: 5)
        try cut.take(ByteBuffer(string: String(body.dropLast(6))).readableBytesView)
        #expect(!cut.isComplete && cut.file == nil)
        #expect(throws: EdgeError.self) {
            try MultipartReader(boundary: "", folder: nil, fieldLimit: 1, fileLimit: 1)
        }
    }

    @Test func `a table in memory is searched, ordered and cut into pages by its address`() {
        let frame = ConsoleModels.frame(
            .en,
            .planner,
            query: [.init("sort", "-n"), .init("page", "2"), .init("size", "10")]
        )
        let columns = [Column<Int>("N", key: "n", rank: { Int64($0) }, plain: { "row \($0)" })]
        let query = TableQuery(frame)
        let page = query.page(of: Array(0..<25), columns)
        #expect(page.rows == Array((5..<15).reversed()))
        #expect(page.total == 25)
        let found = TableQuery(ConsoleModels.frame(.en, .planner, query: [.init("q", "ROW 2")])).page(
            of: Array(0..<25),
            columns
        )
        #expect(found.rows == [2, 20, 21, 22, 23, 24])
        #expect(
            TableQuery(ConsoleModels.frame(.en, .planner, query: [.init("page", "-3"), .init("size", "7")])).page == 1
        )
    }
}
