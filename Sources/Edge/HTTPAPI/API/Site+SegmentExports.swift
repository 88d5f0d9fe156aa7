// API: members with full numbers, after a second person agreed.
// SPDX-License-Identifier: Apache-2.0

import Assembly
public import Hummingbird
import Kernel
public import Model
public import Planning
import Ports
public import Texts

extension Site {
    private struct Ask: Decodable {
        var reason: String
        var attributes: [String]?
        var delivery: Delivery?

        struct Delivery: Decodable {
            var system: String
            var until: String?
        }
    }

    private struct Decision: Decodable {
        var isApproved: Bool
    }

    static let segmentExportColumns: [CSVColumn<SegmentExport>] = [
        CSVColumn("编号", "Number") { "\($0.id)" }, CSVColumn("客户群", "Segment") { $0.name },
        CSVColumn("用户数", "Subscribers") { "\($0.count)" }, CSVColumn("原因", "Reason") { $0.reason },
        CSVColumn("申请人", "Asked by") { $0.requestedBy }, CSVColumn("申请时间", "Asked") { $0.requestedAt.iso },
        CSVColumn("状态", "State") { $0.state.rawValue }, CSVColumn("审批人", "Decided by") { $0.decidedBy ?? "" },
        CSVColumn("系统", "System") { $0.delivery?.system ?? "" },
        CSVColumn("交付截止", "Delivered until") { $0.delivery?.until?.iso ?? "" },
        CSVColumn("停止人", "Ended by") { $0.endedBy ?? "" },
    ]

    func addSegmentExports() {
        get("\(Self.api)/segment-exports", .viewSegments) { [self] request, context in
            let staff = try context.user()
            return try await list(
                request,
                context,
                name: "segment-exports",
                order: SegmentExportColumn.self,
                columns: Self.segmentExportColumns,
                form: JSONObject.init
            ) { try await platform.store.segmentExports($0, in: staff.scope) }
        }
        post("\(Self.api)/segments/{id}/exports", .editSegments) { [self] request, context in
            try await keys.once(request, context) { request in
                let staff = try context.user()
                let segment = try await segment(try context.id(), for: staff)
                let ask = try await request.json(Ask.self, context)
                let delivery = try ask.delivery.map {
                    SegmentDelivery(
                        to: $0.system,
                        until: try $0.until.map { try LocalDay(day: $0, field: "delivery.until") }
                    )
                }
                let export = try await platform.segments.askForExport(
                    of: segment,
                    attributes: ask.attributes ?? [],
                    reason: ask.reason,
                    delivery: delivery,
                    by: staff,
                    at: platform.clock.now
                )
                return try Response.json(JSONObject(export), status: .created)
            }
        }
        post("\(Self.api)/segment-exports/{id}/decision", .approve) { [self] request, context in
            let staff = try context.user()
            let export = try await segmentExport(try context.id(), for: staff)
            let isApproved = try await request.json(Decision.self, context).isApproved
            let decided = try await platform.segments.decide(export, isApproved: isApproved, by: staff, at: now)
            return try Response.json(JSONObject(decided))
        }
        get("\(Self.api)/segment-exports/{id}/files", .viewSegments) { [self] _, context in
            let export = try await segmentExport(try context.id(), for: try context.user())
            let files = try await platform.store.deliveredFiles(ofExport: export.id)
            return try Response.json(["files": files.map { JSONObject($0) }] as JSONObject)
        }
        post("\(Self.api)/segment-exports/{id}/end", .viewSegments) { [self] _, context in
            let staff = try context.user()
            let export = try await segmentExport(try context.id(), for: staff)
            return try Response.json(
                JSONObject(try await platform.segments.endDelivery(of: export, by: staff, at: now))
            )
        }
        get("\(Self.api)/segment-exports/{id}/members", .editSegments) { [self] _, context in
            let staff = try context.user()
            let export = try await segmentExport(try context.id(), for: staff)
            return try await segmentExport(export, for: staff, language: context.language)
        }
    }

    /// The export with this number.
    ///
    /// - Throws: ``EdgeError/notFound(_:)`` also when it is outside the scope.
    public func segmentExport(_ id: Int64, for staff: Staff) async throws -> SegmentExport {
        guard let export = try await platform.store.segmentExport(id), staff.scope.covers(export.scope) else {
            throw EdgeError.notFound("export \(id)")
        }
        return export
    }

    /// The file of an approved export, every row with its mark.
    public func segmentExport(
        _ export: SegmentExport,
        for staff: Staff,
        language: Language
    ) async throws -> Response {
        let rows = try await platform.segments.fetch(export, by: staff, at: platform.clock.now)
        let columns = export.columns(try await platform.segments.catalogue())
        return CSV.response(
            name: "segment-\(export.segment)-E\(export.id)",
            rows: rows,
            columns: columns,
            language: language
        )
    }
}

extension SegmentExport {
    /// The columns of its file: the number, the attributes that were asked for, and the mark.
    public func columns(_ catalogue: AttributeCatalogue) -> [CSVColumn<ExportedMember>] {
        var columns: [CSVColumn<ExportedMember>] = [CSVColumn("手机号码", "Number") { $0.number }]
        for (place, code) in attributes.enumerated() {
            let name = catalogue[code]?.name ?? BilingualText(zh: code, en: code)
            columns.append(CSVColumn(name.zh, name.en) { $0.attributes[place] })
        }
        let mark = mark
        columns.append(CSVColumn("导出标记", "Export mark") { _ in mark })
        return columns
    }
}

extension JSONObject {
    /// An export that was asked for, without its rows.
    public init(_ export: SegmentExport) {
        self = [
            "id": export.id, "segment": export.segment, "name": export.name, "audience": export.audience,
            "count": export.count, "attributes": export.attributes, "reason": export.reason, "scope": export.scope,
            "requestedBy": export.requestedBy, "requestedAt": export.requestedAt.iso, "state": export.state,
            "decidedBy": export.decidedBy, "decidedAt": export.decidedAt?.iso,
            "delivery": export.delivery.map { ["system": $0.system, "until": $0.until?.iso] as JSONObject },
            "endedBy": export.endedBy, "endedAt": export.endedAt?.iso,
        ]
    }

    /// A file that was put where its system fetches it.
    public init(_ file: DeliveredFile) {
        self = [
            "export": file.export, "audience": file.audience, "name": file.name, "count": file.count,
            "leftOut": file.removed, "at": file.at.iso,
        ]
    }
}
