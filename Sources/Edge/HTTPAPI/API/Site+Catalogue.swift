// API: changes of the attribute catalogue, each a revision.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Hummingbird
import Kernel
public import Model
import Planning
import Ports
import Profiles
import Texts

extension Site {
    /// A change of something: based on which revision, and why.
    private struct ChangeInput: Decodable {
        var base: Int
        var reason: String
    }

    private struct DefinitionInput: Decodable {
        var base: Int
        var reason: String
        var attribute: DerivedAttribute
    }

    private struct PreviewInput: Decodable {
        var attribute: DerivedAttribute
        /// The code of the definition that it would replace.
        var replaces: String?
    }

    private struct StorageInput: Decodable {
        var hot: Bool
        var base: Int
        var reason: String
    }

    private static let catalogueColumns: [CSVColumn<CatalogueRevision>] = [
        CSVColumn("版本", "Revision") { "\($0.number)" }, CSVColumn("时间", "Time") { $0.at.iso },
        CSVColumn("操作人", "Who") { $0.who }, CSVColumn("原因", "Reason") { $0.reason },
    ]

    func addCatalogueChanges() {
        let revisions = "\(Self.api)/catalogue-revisions"
        get(revisions, .viewSegments) { [self] request, context in
            try await list(
                request,
                context,
                name: "catalogue-revisions",
                order: CatalogueRevisionColumn.self,
                columns: Self.catalogueColumns,
                form: { JSONObject($0) }
            ) { try await platform.store.catalogueRevisions($0) }
        }
        get("\(revisions)/{id}", .viewSegments) { [self] _, context in
            try await answer(try await catalogueRevision(context))
        }
        post("\(revisions)/{id}/restore", .editCatalogue) { [self] request, context in
            try await keys.once(request, context) { request in
                let input = try await request.json(ChangeInput.self, context)
                // 0 is the operator's file.
                let number = context.parameters.get("id").flatMap { Int($0) } ?? -1
                let (staff, catalogues) = (try context.user(), platform.catalogues)
                return try await answer(
                    catalogues.restore(number, base: input.base, reason: input.reason, by: staff, at: now),
                    .created
                )
            }
        }
        post("\(Self.api)/catalogue/{code}/storage", .editCatalogue) { [self] request, context in
            try await keys.once(request, context) { request in
                let (input, code) = (try await request.json(StorageInput.self, context), Self.code(context))
                let (staff, catalogues) = (try context.user(), platform.catalogues)
                return try await answer(
                    catalogues.hold(
                        code,
                        hot: input.hot,
                        base: input.base,
                        reason: input.reason,
                        by: staff,
                        at: now
                    ),
                    .created
                )
            }
        }
        addDerived("\(Self.api)/derived-attributes")
    }

    private func addDerived(_ path: String) {
        post(path, .editCatalogue) { [self] request, context in
            try await keys.once(request, context) { request in try await define(request, context, replacing: nil) }
        }
        on(.put, "\(path)/{code}", .editCatalogue) { [self] request, context in
            try await define(request, context, replacing: Self.code(context))
        }
        post("\(path)/{code}/remove", .editCatalogue) { [self] request, context in
            try await keys.once(request, context) { request in
                let (input, code) = (try await request.json(ChangeInput.self, context), Self.code(context))
                let (staff, catalogues) = (try context.user(), platform.catalogues)
                return try await answer(
                    catalogues.remove(code, base: input.base, reason: input.reason, by: staff, at: now),
                    .created
                )
            }
        }
        post("\(Self.api)/catalogue-preview", .editCatalogue) { [self] request, context in
            let input = try await request.json(PreviewInput.self, context)
            let found = try await platform.catalogues.preview(
                input.attribute,
                replacing: input.replaces,
                for: try context.user(),
                today: today
            )
            let answer: JSONObject = [
                "attribute": found.attribute,
                "distribution": found.distribution.map {
                    JSONObject(ProfiledAttribute(attribute: found.attribute, distribution: $0), hasMembers: false)
                },
            ]
            return try Response.json(answer)
        }
    }

    private func define(_ request: Request, _ context: EdgeContext, replacing old: String?) async throws -> Response {
        let input = try await request.json(DefinitionInput.self, context)
        let revision = try await platform.catalogues.define(
            input.attribute,
            replacing: old,
            base: input.base,
            reason: input.reason,
            by: try context.user(),
            at: now
        )
        return try await answer(revision, .created)
    }

    /// The revision that an address names.
    ///
    /// - Throws: ``EdgeError/notFound(_:)``.
    public func catalogueRevision(_ context: EdgeContext) async throws -> CatalogueRevision {
        let number = Int(try context.id())
        guard let revision = try await platform.store.catalogueRevision(number) else {
            throw EdgeError.notFound("catalogue revision \(number)")
        }
        return revision
    }

    private func answer(_ revision: CatalogueRevision, _ status: HTTPResponse.Status = .ok) async throws -> Response {
        let changes = try await platform.catalogues.changes(by: revision)
        return try Response.json(JSONObject(revision, changes: changes), status: status)
    }

    private static func code(_ context: EdgeContext) -> String { context.parameters.get("code") ?? "" }
}

extension JSONObject {
    /// A revision; with its changes, all that it says as well.
    public init(_ revision: CatalogueRevision, changes: [CatalogueChange]? = nil) {
        self = [
            "number": revision.number, "at": revision.at.iso, "who": revision.who, "reason": revision.reason,
            "content": changes == nil ? nil : revision.content, "changes": changes?.map { JSONObject($0) },
        ]
    }

    private init(_ change: CatalogueChange) {
        switch change {
        case .added(let derived): self = ["change": "added", "code": derived.code, "after": derived]
        case .edited(let before, let after):
            self = ["change": "edited", "code": after.code, "before": before, "after": after]
        case .removed(let derived): self = ["change": "removed", "code": derived.code, "before": derived]
        case .storage(let code, _, let isHot): self = ["change": "storage", "code": code, "hot": isHot]
        }
    }
}
