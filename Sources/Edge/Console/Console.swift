// The console on a site: pages, their forms, exports, and errors as pages.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
public import HTTPAPI
import Hummingbird
import Kernel
import Model
import Ports
import Texts

/// The web console.
public struct Console: Sendable {
    let site: Site
    let lookUps = LookUps()
    let imports = Imports<ImportReport>()
    let segmentImports = Imports<SegmentImport>()

    /// Registers all pages of the console on a site, before its router is made.
    public static func add(to site: Site) {
        let console = Console(site: site)
        for file in ConsoleAssets.own { site.assets.add(file.name, file.content) }
        console.addAccess()
        console.addHome()
        console.addDesk()
        console.addCustomers()
        console.addSegments()
        console.addRequests()
        console.addProfiles()
        console.addCatalogueChanges()
        console.addCampaigns()
        console.addArbitrations()
        console.addPool()
        console.addApprovals()
        console.addLists()
        console.addExplain()
        console.addPolicy()
        console.addOverruns()
        console.addStaff()
        console.addErasure()
        console.addLoads()
        site.showErrors { problem, request, context in
            // An error of the error page falls back to the API's form.
            guard let frame = try? await console.frame(request, context) else { return nil }
            let isKnown = frame.language == .en && problem.status < 500 && ![403, 404].contains(problem.status)
            let detail = Frame.texts[problem.code].map { frame.t($0) } ?? (isKnown ? problem.detail : nil)
            let page = ErrorPage(
                status: problem.status,
                detail: problem.status == 404 ? nil : detail,
                request: problem.status >= 500 ? problem.requestId : nil
            )
            return respond(page.html(frame), status: HTTPResponse.Status(code: problem.status))
        }
    }

    var platform: Platform { site.platform }

    // MARK: Requests and answers

    /// The surroundings of a page for a request.
    func frame(_ request: Request, _ context: EdgeContext) async throws -> Frame {
        let clock = platform.clock
        var frame = Frame(
            language: context.language,
            staff: context.staff,
            path: request.uri.path,
            query: FormBody.decode(request.uri.query ?? "").map { Frame.QueryItem($0.name, $0.value) },
            now: clock.now,
            local: { clock.local($0) }
        )
        if let done = Done(rawValue: frame.parameter("done")) {
            frame.notice = Notice(isError: false, text: frame.t(done.text), done: done.rawValue)
            frame.query.removeAll { $0.name == "done" }
        }
        // The page of a form's answer has no address of its own: the language switch goes to where it came from.
        if request.method != .get { frame.path = Self.page(of: frame.path) }
        if let staff = context.staff, staff.may(.approve) {
            let waiting = try await platform.store.pendingApprovals(ListQuery(limit: 100), in: staff.scope)
            frame.waiting = waiting.rows.count {
                $0.campaign.owner != staff.login && $0.approval.submittedBy != staff.login
            }
        }
        return frame
    }

    /// The page a form belongs to.
    private static func page(of action: String) -> String {
        if action.hasPrefix("/policy/drafts/") {
            return action.split(separator: "/").prefix(3).reduce("") { $0 + "/" + $1 }
        }
        if action.hasPrefix("/requests/") {
            return action.split(separator: "/").prefix(2).reduce("") { $0 + "/" + $1 }
        }
        if action.hasPrefix(LoadsPage.path + "/") { return LoadsPage.path }
        for suffix in [
            "/save", "/find", "/result", "/import", "/add", "/remove", "/adopt", "/withdraw", "/check", "/open",
            "/show", "/storage", "/restore",
        ]
        where action.hasSuffix(suffix) { return String(action.dropLast(suffix.count)) }
        return action
    }

    /// What a finished act says on the next page.
    enum Done: String {
        case saved, dryRun, submitted, started, paused, resumed, stopped, tested, passed, returned, rejected, added
        case imported, removed, staff, password, draft, live, discarded, adopted, withdrawn, shadow, shadowEnd
        case erased
        case computed, published, split, deleted, asked, deliveryEnded
        case takenOut
        case raised, requestStep
        case offerAccepted, offerRefused, offerConsidered, offerLater

        /// A decision on what was handed in.
        static func decided(_ result: ApprovalResult) -> Done {
            switch result {
            case .pass: .passed
            case .adjust: .returned
            case .fail: .rejected
            }
        }

        var text: ConsoleText {
            switch self {
            case .saved: .doneSaved
            case .dryRun: .doneDryRun
            case .submitted: .doneSubmitted
            case .started: .doneStarted
            case .paused: .donePaused
            case .resumed: .doneResumed
            case .stopped: .doneStopped
            case .tested: .doneTested
            case .passed: .donePassed
            case .returned: .doneReturned
            case .rejected: .doneRejected
            case .added: .doneAdded
            case .imported: .doneImported
            case .removed: .doneRemoved
            case .staff: .doneStaff
            case .password: .donePassword
            case .draft: .doneDraft
            case .live: .doneLive
            case .discarded: .doneDiscarded
            case .shadow: .doneShadow
            case .shadowEnd: .doneShadowEnd
            case .adopted: .doneAdopted
            case .withdrawn: .doneWithdrawn
            case .erased: .doneErased
            case .computed: .doneComputed
            case .published: .segmentPublished
            case .split: .doneSplit
            case .deleted: .doneDeleted
            case .asked: .doneAsked
            case .deliveryEnded: .doneDeliveryEnded
            case .takenOut: .doneTakenOut
            case .raised: .doneRaised
            case .requestStep: .doneRequestStep
            case .offerAccepted: .doneOfferAccepted
            case .offerRefused: .doneOfferRefused
            case .offerConsidered: .doneOfferConsidered
            case .offerLater: .doneOfferLater
            }
        }
    }

    /// Goes on to a page after an act, which then says what was done.
    func redirect(_ path: String, _ done: Done? = nil) -> Response {
        guard let done else { return .redirect(to: path, type: .normal) }
        // The place on the page stands behind what is asked.
        let parts = path.split(separator: "#", maxSplits: 1).map(String.init)
        let mark = (parts[0].contains("?") ? "&" : "?") + "done=" + done.rawValue
        return .redirect(to: parts[0] + mark + (parts.count > 1 ? "#" + parts[1] : ""), type: .normal)
    }

    /// Registers a page.
    func page(
        _ path: String,
        _ access: Access,
        _ make: @escaping @Sendable (Frame, Request, EdgeContext) async throws -> Screen
    ) {
        site.get(path, access) { request, context in
            let frame = try await self.frame(request, context)
            let page = try await make(frame, request, context)
            return respond(frame.render(page))
        }
    }

    /// Registers a form: either it leads on, or its page is shown again with what is wrong.
    func form(
        _ path: String,
        _ access: Access,
        uploads: Bool = false,
        _ act: @escaping @Sendable (FormBody, Frame, EdgeContext) async throws -> FormAnswer
    ) {
        site.post(path, access) { request, context in
            let folder = uploads ? platform.directory.temporary : nil
            let body = try await FormBody.read(request, context, uploadingTo: folder)
            let frame = try await self.frame(request, context)
            switch try await act(body, frame, context) {
            case .next(let path, let done): return self.redirect(path, done)
            case .page(let page, let notice):
                var frame = frame
                frame.notice = notice
                return respond(frame.render(page), status: notice?.isError == false ? .ok : .unprocessableContent)
            }
        }
    }

    /// What a form leads to.
    enum FormAnswer {
        case next(String, Done?)
        case page(Screen, Notice?)
    }

    /// Registers an export; each is audited.
    func export<Row>(
        _ path: String,
        _ access: Access,
        columns: @escaping @Sendable (Frame) -> [Column<Row>],
        rows: @escaping @Sendable (Frame, EdgeContext) async throws -> [Row]
    ) {
        export(path, access) { frame, context in csv(columns(frame), try await rows(frame, context)) }
    }

    /// Registers an export that makes its CSV itself.
    func export(
        _ path: String,
        _ access: Access,
        csv: @escaping @Sendable (Frame, EdgeContext) async throws -> String
    ) {
        site.get(path, access) { request, context in
            try await self.download(try await csv(self.frame(request, context), context), request, context)
        }
    }

    /// Answers with a CSV file named after its address; on record.
    func download(_ csv: String, _ request: Request, _ context: EdgeContext) async throws -> Response {
        let path = request.uri.path
        try await site.audit(try context.user().login, "export", path)
        let name = path.split(separator: "/").joined(separator: "-")
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/csv; charset=utf-8", .contentDisposition: "attachment; filename=\"\(name)\"",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: csv))
        )
    }

    /// Every row of a list in the store, as a table's address asks for it.
    func everything<Row: Sendable>(
        _ query: TableQuery,
        _ read: (ListQuery) async throws -> Page<Row>
    ) async throws -> [Row] {
        try await Site.everything(query.list, read)
    }
}

/// A document as an answer.
func respond(_ html: HTML, status: HTTPResponse.Status = .ok) -> Response {
    Response(
        status: status,
        headers: [.contentType: "text/html; charset=utf-8"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: html.text))
    )
}

/// A value for the console's scripts as an answer.
func respond(json value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
    Response(
        status: status,
        headers: [.contentType: "application/json; charset=utf-8"],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: try JSONEncoder().encode(value)))
    )
}
