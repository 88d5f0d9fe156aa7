// The catalogue through the API and the console: who may change it, what is answered, what is shown.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPAPI
import HTTPTypes
import Kernel
import Model
import Planning
import Testing

@Suite(.serialized) struct APICatalogueTests {
    /// An operator of its own: its catalogue changes.
    private static let made = Task { try await APIWorld() }
    private var world: APIWorld { get async throws { try await Self.made.value } }

    private func attribute(_ code: String, _ expression: String) -> [String: any Sendable] {
        ["code": code, "name": ["zh": "派生" + code, "en": code], "group": "fees", "expression": expression]
    }

    @Test func `a derived attribute is tried, added, edited and removed, each time a revision`() async throws {
        let world = try await world
        let planner = try await world.signedIn("plan")
        let path = "/api/v1/derived-attributes"
        let wanted = attribute("fee_year", "arpu_avg_3m * 12")
        let tried = try await planner.post("/api/v1/catalogue-preview", ["attribute": wanted])
        #expect(tried.status == 200 && tried.text.contains("\"decimal(2)\"") && tried.text.contains("\"parts\""))
        #expect(try await planner.get("/api/v1/catalogue-revisions").text.contains("\"items\":[]"))

        let base = try await world.platform.catalogues.last()?.number ?? 0
        let added = try await planner.post(path, ["base": base, "reason": "年收入", "attribute": wanted])
        #expect(added.status == 201 && added.text.contains("\"change\":\"added\""))
        let catalogue = try await planner.get("/api/v1/catalogue")
        #expect(catalogue.text.contains("\"expression\":\"arpu_avg_3m * 12\""))
        let spread = try await planner.get("/api/v1/catalogue/fee_year/distribution")
        #expect(spread.status == 200 && spread.text.contains("\"parts\""))
        let count = try await planner.post("/api/v1/segments/count", ["rule": "fee_year >= 0"])
        #expect(count.status == 200)

        let stale = try await planner.put(
            path + "/fee_year",
            ["base": base, "reason": "x", "attribute": attribute("fee_year", "arpu_avg_3m * 11")]
        )
        #expect(stale.status == 409 && stale.text.contains("catalogue.stale"))
        let wrong = try await planner.put(
            path + "/fee_year",
            ["base": base + 1, "reason": "x", "attribute": attribute("fee_year", "arpu_avg_3m * agee")]
        )
        #expect(wrong.status == 422 && wrong.text.contains("\"field\":\"expression\"") && wrong.text.contains("age"))
        let taken = try await planner.post(
            path,
            ["base": base + 1, "reason": "x", "attribute": attribute("brand", "age")]
        )
        #expect(taken.status == 422 && taken.text.contains("\"field\":\"code\""))
        let edited = try await planner.put(
            path + "/fee_year",
            ["base": base + 1, "reason": "x", "attribute": attribute("fee_year", "arpu_avg_3m * 11")]
        )
        #expect(edited.status == 201 && edited.text.contains("\"before\""))
        let hot = try await planner.post(
            "/api/v1/catalogue/balance/storage",
            ["hot": true, "base": base + 2, "reason": "x"]
        )
        #expect(hot.status == 201 && hot.text.contains("\"hot\":true"))
        let removed = try await planner.post(path + "/fee_year/remove", ["base": base + 3, "reason": "x"])
        #expect(removed.status == 201)
        let back = try await planner.post(
            "/api/v1/catalogue-revisions/0/restore",
            ["base": base + 4, "reason": "wie am Anfang"]
        )
        #expect(back.status == 201)
        let csv = try await planner.get("/api/v1/catalogue-revisions?format=csv")
        #expect(csv.text.contains("wie am Anfang"))
        #expect(try await planner.get("/api/v1/catalogue-revisions/1").text.contains("年收入"))
        #expect(try await planner.get("/api/v1/catalogue-revisions/99").status == 404)
    }

    @Test func `approvers, agents and staff of a part do not change it`() async throws {
        let world = try await world
        let body: [String: any Sendable] = ["hot": true, "base": 0, "reason": "x"]
        for login in ["appr", "agent", "lanzhou", "lzadmin"] {
            let answer = try await world.signedIn(login).post("/api/v1/catalogue/balance/storage", body)
            #expect(answer.status == 403, "\(login)")
        }
        for login in ["appr", "lanzhou"] {
            let page = try await console(login).get("/catalogue/balance")
            #expect(page.status == 200 && !page.text.contains("/storage\""), "\(login)")
        }
    }

    /// The same world with the console's pages.
    private func console(_ login: String) async throws -> APIClient {
        try await ConsoleWorld(base: try await world).signedIn(login)
    }

    @Test func `the console's form shows what is wrong beside its field, and what the values are`() async throws {
        let world = try await world
        let planner = try await console("plan")
        let base = try await world.platform.catalogues.last()?.number ?? 0
        let fields = "base=\(base)&code=d_age&zh=%E5%B9%B4&en=Years&group=fees&reason=x&decimals=&unit="
        let wrong = try await planner.form("/derived-attributes", fields + "&expression=agee%2B1")
        #expect(wrong.status == 422 && wrong.text.contains("agee+1") && wrong.text.contains("expression-error"))
        let seen = try await planner.form("/derived-attributes", fields + "&expression=age%2B1&act=preview")
        #expect(seen.status == 200 && seen.text.contains("/catalogue-preview.csv"))
        let csv = try await planner.form("/catalogue-preview.csv", fields + "&expression=age%2B1")
        #expect(csv.status == 200)
        let check = try await planner.form("/catalogue-check", "rule=agee")
        #expect(check.text.contains("data-suggest"))
        let saved = try await planner.form("/derived-attributes", fields + "&expression=age%2B1")
        #expect(saved.headers[.location]?.hasPrefix("/catalogue/d_age") == true)
        for path in [
            "/catalogue?group=fees", "/catalogue/d_age", "/derived-attributes/d_age", "/catalogue-revisions",
            "/catalogue-revisions/\(base + 1)", "/catalogue-revisions/\(base + 1)/changes.csv",
        ] {
            let page = try await planner.get(path)
            #expect(
                page.status == 200 && page.text.contains(path.hasSuffix("revisions") ? "\(base + 1)" : "d_age"),
                "\(path)"
            )
        }
        let again = try await planner.form("/derived-attributes/d_age/remove", "base=\(base)&reason=x")
        #expect(again.status == 422)
        let gone = try await planner.form("/derived-attributes/d_age/remove", "base=\(base + 1)&reason=x")
        #expect(gone.headers[.location]?.hasPrefix("/catalogue") == true)
        #expect(try await planner.get("/catalogue/d_age").status == 404)
    }
}
