// Profile tags, segment templates and lists filled by rules to begin with.
// SPDX-License-Identifier: Apache-2.0

import Files
public import Kernel
import Ports
public import Model
public import Planning

/// What a starter file added; what was there already stays as it is.
public struct StarterSummary: Hashable, Sendable, Encodable {
    /// Codes of derived attributes.
    public var tags: [String] = []
    /// Names of templates.
    public var templates: [String] = []
    /// Codes of special lists that a rule fills now.
    public var lists: [String] = []
    /// Codes and names that were taken, and lists for which something was said.
    public var known: [String] = []
}

/// A starter file whose templates do not fit; those before it were added.
public enum StarterError: CodedError {
    /// A template and what is wrong with it.
    case badTemplate(name: String, PlanningError)

    public var code: String {
        switch self {
        case .badTemplate: "starter.bad_template"
        }
    }

    public var description: String {
        switch self {
        case .badTemplate(let name, let error): "template \(name): \(error)"
        }
    }
}

extension Platform {
    /// Adds the tags and templates of a starter file that are not there yet, and the rules of lists nothing is said about.
    ///
    /// - Parameters:
    ///   - file: The file's path.
    ///   - named: Chooses the language of templates' names.
    ///   - reason: Why; kept with the revision of the catalogue.
    ///   - staff: Who adds them, and owns the templates.
    /// - Returns: What was added.
    /// - Throws: `DocumentError`, `CatalogueError` before anything is added, `StarterError` with a template that does
    ///   not fit, `SpecialListError` with a list's; those before it are there.
    public func addStarter(
        file: String,
        named: (BilingualText) -> String,
        reason: String,
        by staff: Staff
    ) async throws -> StarterSummary {
        let (content, now) = (try StarterFile.read(path: file), clock.now)
        var summary = StarterSummary()
        let last = try await catalogues.last()
        let known = try await segments.catalogue()
        let tags = content.tags.filter { known[$0.code] == nil }
        if !tags.isEmpty {
            let base = last?.number ?? 0
            _ = try await catalogues.add(tags, base: base, reason: reason, by: staff, at: now.instant)
        }
        summary.tags = tags.map(\.code)
        summary.known = content.tags.map(\.code).filter { known[$0] != nil }
        for template in content.templates {
            let name = named(template.name)
            guard try await store.segment(named: name) == nil else {
                summary.known.append(name)
                continue
            }
            var segment = Segment(
                name: name,
                rule: template.rule,
                owner: staff.login,
                scope: .all,
                updatedAt: now.instant
            )
            (segment.purpose, segment.isTemplate, segment.sharing) = (named(template.purpose), true, .everyone)
            do {
                _ = try await segments.save(segment, by: staff, today: now.day, at: now.instant)
            } catch let error as PlanningError {
                throw StarterError.badTemplate(name: name, error)
            }
            summary.templates.append(name)
        }
        for filling in content.lists {
            guard try await lists.setting(of: filling.list) == nil else {
                summary.known.append(filling.list)
                continue
            }
            let setting = ListSetting(
                list: filling.list,
                rule: filling.rule,
                reason: named(filling.reason),
                who: staff.login,
                at: now.instant
            )
            _ = try await lists.say(setting, by: staff, at: now.instant)
            summary.lists.append(filling.list)
        }
        return summary
    }
}
