// API: how values of attributes are spread, over the base and in a segment beside it.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Hummingbird
import Kernel
public import Model
public import Planning
import Profiles
import Texts

extension Site {
    func addProfiles() {
        get("\(Self.api)/segments/{id}/profile", .viewSegments) { [self] request, context in
            let staff = try context.user()
            let segment = try await segment(try context.id(), for: staff)
            let profile = try await profile(of: segment, for: staff)
            return try await answer(
                request,
                context,
                name: "segments/\(segment.id)/profile",
                rows: profile.attributes,
                columns: Self.profileColumns(context.language),
                json: JSONObject(profile)
            )
        }
        get("\(Self.api)/catalogue/{code}/distribution", .viewSegments) { [self] request, context in
            let staff = try context.user()
            let attribute = try attribute(context, in: try await platform.segments.catalogue())
            guard maySee(attribute, staff) else { throw EdgeError.forbidden(.unmask) }
            guard
                let found = try await platform.segments.distribution(of: attribute, in: staff.scope, today: today)
            else { throw EdgeError.notFound("distribution of \(attribute.code)") }
            return try await answer(
                request,
                context,
                name: "catalogue/\(attribute.code)/distribution",
                rows: found.parts,
                columns: Self.partColumns(attribute),
                json: JSONObject(ProfiledAttribute(attribute: attribute, distribution: found), hasMembers: false)
            )
        }
    }

    /// The attribute that an address names.
    ///
    /// - Throws: ``EdgeError/notFound(_:)``.
    public func attribute(_ context: EdgeContext, in catalogue: AttributeCatalogue) throws(EdgeError) -> Attribute {
        let code = context.parameters.get("code") ?? ""
        guard let attribute = catalogue[code] else { throw .notFound("attribute \(code.prefix(64))") }
        return attribute
    }

    /// Whether somebody may see the values of an attribute.
    public func maySee(_ attribute: Attribute, _ staff: Staff) -> Bool {
        attribute.sensitivity == .open || staff.may(.unmask)
    }

    /// A segment beside everybody of the reader's scope.
    public func profile(of segment: Segment, for staff: Staff) async throws -> SegmentProfile {
        let members = try await platform.segments.members(of: segment, in: staff.scope, today: today)
        return try await platform.segments.profile(
            of: members,
            in: staff.scope,
            showsMasked: staff.may(.unmask),
            today: today
        )
    }

    private static func profileColumns(_ language: Language) -> [CSVColumn<ProfiledAttribute>] {
        [
            CSVColumn("代码", "Code") { $0.attribute.code },
            CSVColumn("名称", "Name") { language($0.attribute.name) },
            CSVColumn("差异度（百万分之一）", "Difference (millionths)") { "\($0.distribution.distancePPM)" },
            CSVColumn("客户群无值用户", "Members without a value") { "\($0.distribution.nulls.members)" },
            CSVColumn("对比用户无值用户", "Base without a value") { "\($0.distribution.nulls.base)" },
        ]
    }

    private static func partColumns(_ attribute: Attribute) -> [CSVColumn<ColumnDistribution.Part>] {
        [
            CSVColumn("最小值", "Lowest") { attribute.text(of: $0, \.lowerBound) },
            CSVColumn("最大值", "Highest") { attribute.text(of: $0, \.upperBound) },
            CSVColumn("用户数", "Subscribers") { "\($0.count.base)" },
        ]
    }
}

extension Attribute {
    /// An end of a part as it is stored.
    fileprivate func text(of part: ColumnDistribution.Part, _ end: KeyPath<ClosedRange<Int64>, Int64>) -> String {
        part.text ?? text(unscaled: part.values[keyPath: end])
    }

    fileprivate func text(unscaled value: Int64) -> String {
        switch type {
        case .decimal(let scale): Scaled(unscaled: value, scale: scale).description
        case .day: LocalDay(number: Int32(truncatingIfNeeded: value)).iso
        case .flag: value == 1 ? "TRUE" : "FALSE"
        default: "\(value)"
        }
    }
}

extension JSONObject {
    init(_ profile: SegmentProfile) {
        self = [
            "members": profile.members, "base": profile.base, "load": profile.load,
            "attributes": profile.attributes.map { JSONObject($0, hasMembers: true) },
        ]
    }

    init(_ profiled: ProfiledAttribute, hasMembers: Bool) {
        let (attribute, found) = (profiled.attribute, profiled.distribution)
        func counts(_ counts: ColumnDistribution.Counts) -> JSONObject {
            ["base": counts.base, "members": hasMembers ? counts.members : nil]
        }
        func quantiles(_ quantiles: ColumnDistribution.Quantiles?) -> [JSONObject]? {
            quantiles.map { quantiles in
                zip(ColumnDistribution.Quantiles.percents, quantiles.values).map {
                    ["percent": $0, "value": attribute.text(unscaled: $1)]
                }
            }
        }
        self = [
            "code": attribute.code, "name": attribute.name, "type": attribute.type,
            "differencePPM": hasMembers ? found.distancePPM : nil, "total": counts(found.total),
            "nulls": counts(found.nulls), "others": counts(found.others),
            "parts": found.parts.map { part -> JSONObject in
                [
                    "from": attribute.text(of: part, \.lowerBound), "to": attribute.text(of: part, \.upperBound),
                    "count": counts(part.count),
                ]
            },
            "step": found.step, "baseQuantiles": quantiles(found.baseQuantiles),
            "memberQuantiles": hasMembers ? quantiles(found.memberQuantiles) : nil,
        ]
    }
}
