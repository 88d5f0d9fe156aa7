// One segment: what it says, what became of it, who uses it, and what can be done with it.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Ports
import Texts

/// The page of a segment.
struct SegmentDetailPage {
    var segment: Segment
    var audiences: [Audience]
    var revisions: [SegmentRevision]
    var use: SegmentUse
    /// Whether the reader may change it.
    var isEditable: Bool
    /// What changed between the two last audiences.
    var movement: AudienceMovement?
    /// Parts of a split that was tried, and how it was asked for.
    var parts: (by: String, detail: String, parts: [SegmentPart])?
    var splitError: String?
    /// The import that made it, in this session, and the number it is asked for by.
    var imported: (id: Int, report: SegmentImport)?
    /// Attributes a split may go by.
    var attributes: [Attribute]
    /// The reason that was typed with a refused decision, and what is wrong with it.
    var decision: (reason: String, error: String)?

    static func audienceColumns(_ f: Frame) -> [Column<Audience>] {
        [
            Column(f.t(.idWord), key: "id", isNumber: true, rank: \.id, plain: { "\($0.id)" }),
            Column(f.t(.revision), isNumber: true, plain: { "\($0.revision)" }),
            Column(f.t(.memberCount), key: "count", isNumber: true, rank: \.count, plain: { f.number(Int($0.count)) }),
            Column(f.t(.shareOfBaseWord), isNumber: true, plain: { f.share(Int($0.count), of: Int($0.universe)) }),
            Column(f.t(.who), plain: \.who),
            Column(f.t(.time), key: "at", rank: \.at.epochMs, plain: { f.time($0.at) }),
            Column(
                "SHA-256",
                plain: \.file.hex,
                cell: { "<code title=\"\($0.file.hex)\">\(String($0.file.hex.prefix(12)))…</code>" }
            ),
        ]
    }

    static func revisionColumns(_ f: Frame) -> [Column<SegmentRevision>] {
        [
            Column(
                f.t(.revision),
                key: "number",
                isNumber: true,
                rank: { Int64($0.number) },
                plain: { "\($0.number)" }
            ),
            Column(f.t(.name), plain: \.name),
            Column(f.t(.definition), plain: \.definition.json) {
                "<code class=\"clip\" title=\"\($0.definition.json)\">\($0.definition.summary)</code>"
            },
            Column(f.t(.who), plain: \.who), Column(f.t(.time), plain: { f.time($0.at) }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .segments,
            title: segment.name,
            hint: segment.purpose.isEmpty ? nil : segment.purpose,
            actions: actions(f),
            body: """
                \(imported.map { $0.report.reportCard(id: $0.id, f) })
                \(reviewCard?.html(f))
                <div class="columns">
                \(card(f.t(.definition), definition(f)))
                \(card(f.t(.segmentUse), usage(f)))
                </div>
                \(card(f.t(.matchTitle), id: "match", matching(f)))
                \(when: !audiences.isEmpty, last(f))
                \(when: f.may(.editSegments) && segment.state != .draft, card(f.t(.splitSegment), id: "split", splitting(f)))
                \(when: f.may(.editSegments) && segment.audience != nil, card(f.t(.exportMembers), exporting(f)))
                \(card(f.t(.audiences), """
                    \(SegmentMovementPage.chooser(segment, audiences, f))
                    \(f.table(
                        f.t(.audiences), Self.audienceColumns(f), of: audiences, prefix: "a.",
                        exportPath: "/segments/\(segment.id)/audiences.csv", empty: emptyState(f.t(.noAudience))))
                    """))
                \(card(f.t(.revisions), f.table(
                    f.t(.revisions), Self.revisionColumns(f), of: revisions, prefix: "r.",
                    exportPath: "/segments/\(segment.id)/revisions.csv", empty: .empty)))
                """
        )
    }

    private var reviewCard: SegmentReviewCard? {
        guard let review = segment.review else { return nil }
        return SegmentReviewCard(
            segment: segment,
            review: review,
            members: audiences.first { $0.id == review.audience }?.count ?? 0,
            reason: decision?.reason ?? "",
            error: decision?.error
        )
    }

    // MARK: What can be done

    private func actions(_ f: Frame) -> HTML {
        let path = "/segments/\(segment.id)"
        let hidden = [("version", "\(segment.version)")]
        func act(
            _ text: ConsoleText,
            _ name: String,
            _ icon: Icon?,
            isPrimary: Bool = false,
            _ question: Question? = nil
        )
            -> HTML
        {
            actionButton(
                f.t(text),
                to: "\(path)/\(name)",
                icon,
                isPrimary: isPrimary,
                question: question,
                hidden: hidden
            )
        }
        let (state, may) = (segment.state, isEditable && f.may(.editSegments))
        return """
            \(when: state != .draft, linkButton(f.t(.segmentProfile), to: "\(path)/profile", .chart))
            \(when: may, linkButton(f.t(.edit), to: "\(path)/edit", .edit))
            \(when: may && [.saved, .computed, .published].contains(state), act(.computeSegment, "compute", .play))
            \(when: may && state == .computed && !segment.isWaiting && segment.sharing != .owner, act(.submitSegment, "submit", .approvals, isPrimary: segment.needsDecision, Question(title: f.t(.submitSegmentQuestion, segment.name), effect: f.t(.submitSegmentEffect, f.number(Int(segment.count ?? 0))))))
            \(when: may && state == .computed && !segment.needsDecision, act(.publishSegment, "publish", .done, isPrimary: true, Question(title: f.t(.publishQuestion, segment.name), effect: f.t(.publishEffect, f.number(Int(segment.count ?? 0))))))
            \(when: may && state.next.contains(.expired), act(.expireSegment, "expire", nil, Question(title: f.t(.expireQuestion, segment.name), effect: f.t(.expireEffect))))
            \(when: may && state == .expired, act(.reopenSegment, "reopen", nil))
            \(when: may && use.isEmpty && segment.published == nil, act(.deleteWord, "delete", nil, Question(title: f.t(.deleteQuestion, segment.name), effect: f.t(.deleteEffect), isDangerous: true)))
            \(when: f.may(.editCampaigns) && segment.isUsable, linkButton(f.t(.useInCampaign), to: "/campaigns/new?segment=\(segment.id)", .add, isPrimary: state == .published))
            """
    }

    private func definition(_ f: Frame) -> HTML {
        let definition = segment.definition
        var items: [(label: String, value: HTML)] = [
            (f.t(.state), tag(f.t(segment.state.text), segment.state.tone)),
            (f.t(.kindOfSegment), "\(f.t(SegmentKind(definition.source).text))"),
            (f.t(.definition), "<code>\(definition.summary)</code>"),
        ]
        if !segment.purpose.isEmpty { items.insert((f.t(.purpose), "\(segment.purpose)"), at: 0) }
        if !definition.exclusions.isEmpty {
            items.append(
                (f.t(.exclusions), "<ol>\(each: definition.exclusions, { "<li>\(f.exclusion($0))</li>" })</ol>")
            )
        }
        switch definition.customerLine {
        case nil: break
        case .main: items.append((f.t(.stepOnePerCustomer), "\(f.t(.mainLine))"))
        case .highest(let code): items.append((f.t(.stepOnePerCustomer), "\(f.t(.highestLine, code))"))
        }
        switch definition.pick {
        case nil: break
        case .top(let count, let score): items.append((f.t(.pickTop), "\(f.number(count)) · <code>\(score)</code>"))
        case .sample(let count, let draw):
            items.append((f.t(.pickSample), "\(f.number(count)) · \(f.t(.draw)) \(draw)"))
        }
        items += [
            (f.t(.memberCount), "\(segment.count.map { f.number(Int($0)) } ?? "--")"),
            (f.t(.refresh), "\(f.t(segment.refresh.text))"), (f.t(.sharing), "\(f.t(segment.sharing.text))"),
            (f.t(.owner), "\(segment.owner)"), (f.t(.scope), "\(f.scope(segment.scope))"),
            (f.t(.validTo), "\(segment.validTo?.iso ?? "--")"), (f.t(.updatedAt), "\(f.time(segment.updatedAt))"),
        ]
        return facts(items)
    }

    private func usage(_ f: Frame) -> HTML {
        guard !use.isEmpty || !use.requests.isEmpty else { return emptyState(f.t(.notUsed)) }
        func link(_ kind: ConsoleText, _ path: String, _ user: SegmentUse.User) -> HTML {
            let product: HTML = user.product.map { " <span class=\"muted\">\(f.t(.product)) \($0)</span>" } ?? .empty
            return "<li>\(f.t(kind)) <a href=\"/\(path)/\(Int(user.id))\">\(user.name)</a>\(product)</li>"
        }
        return """
            <ul class="plainlist">\(each: use.campaigns, { link(.campaign, "campaigns", $0) })\
            \(each: use.segments, { link(.segment, "segments", $0) })\
            \(each: use.deliveries, { link(.delivery, "segments/exports", $0) })\
            \(each: use.requests, { link(.menuRequests, "requests", $0) })</ul>
            """
    }

    private func last(_ f: Frame) -> HTML {
        guard let audience = audiences.first else { return .empty }
        let definition = definition(of: audience)
        return card(
            f.t(.lastAudience),
            id: "last",
            actions: f.exportLink("/segments/\(segment.id)/funnel.csv"),
            """
            \(figures([
                (f.t(.memberCount), f.number(Int(audience.count)), f.t(.shareOfBase, f.share(Int(audience.count), of: Int(audience.universe)))),
                (f.t(.came), movement.map { f.number($0.came) } ?? "--", nil), (f.t(.left), movement.map { f.number($0.left) } ?? "--", nil),
            ]))
            \(when: audience.revision != segment.revision, "<p class=\"help\">\(f.t(.funnelOfRevision, "\(audience.revision)", "\(segment.revision)"))</p>")
            \(f.funnel(audience.steps, of: definition ?? segment.definition))
            """
        )
    }

    /// The definition an audience was found by, which may have changed since.
    func definition(of audience: Audience) -> SegmentDefinition? {
        revisions.first { $0.number == audience.revision }?.definition
    }

    private func exporting(_ f: Frame) -> HTML {
        """
        <p class="help">\(f.t(.exportMembersHelp))</p>
        <form method="post" action="/segments/\(segment.id)/export" class="stack"><div class="rowform">\
        \(field(f.t(.reasonWord), id: "reason", isRequired: true, input("reason", "", isRequired: true, maxLength: 200)))\
        </div>
        <details><summary>\(f.t(.deliverToSystem))</summary><p class="help">\(f.t(.deliverToSystemHelp))</p><div class="rowform">\
        \(field(f.t(.deliverySystem), id: "system", input("system", "", placeholder: "crm", maxLength: 32)))\
        \(field(f.t(.deliveryUntil), id: "until", help: f.t(.deliveryUntilHelp), input("until", "", type: "date", least: f.now.day.iso, hasHelp: true)))\
        </div></details>
        <details><summary>\(f.t(.exportAttributes))</summary><div class="checks">\(each: attributes.filter { $0.sensitivity == .open }, {
            "<label class=\"check\"><input type=\"checkbox\" name=\"attribute\" value=\"\($0.code)\">\(f.language($0.name))</label>"
        })</div></details>
        <button class="button" type="submit">\(f.t(.askForExport))</button></form>
        """
    }

    // MARK: Split

    private func splitting(_ f: Frame) -> HTML {
        let values = attributes.filter { $0.isHot && [.enumeration, .flag].contains($0.type) }
        let numbers = attributes.filter { $0.isHot && $0.isNumber }
        let ways =
            [("random", f.t(.splitRandom)), ("tail", f.t(.splitTail)), ("conditions", f.t(.splitConditions))]
            + values.map { ("value:" + $0.code, f.t(.splitValue, f.language($0.name))) }
            + numbers.map { ("bands:" + $0.code, f.t(.splitBands, f.language($0.name))) }
        return """
            <form method="post" action="/segments/\(segment.id)/split" class="stack"><div class="fields">
            \(field(f.t(.splitBy), id: "by", select("by", ways, selected: parts?.by ?? "random")))
            \(field(f.t(.splitDetail), id: "detail", help: f.t(.splitDetailHelp), error: splitError, "<textarea id=\"detail\" name=\"detail\" rows=\"2\" aria-describedby=\"detail-help\">\(parts?.detail ?? "")</textarea>"))
            </div><div class="tools"><button class="button" type="submit">\(f.t(.trySplit))</button>\
            <button class="button primary" type="submit" name="save" value="yes">\(f.t(.saveParts))</button>\
            \(when: parts != nil, "<button class=\"button\" type=\"submit\" formaction=\"/segments/\(segment.id)/parts.csv\">\(Icon.download.markup)\(f.t(.exportCSV))</button>")</div></form>
            \(parts.map { table($0.parts, f) })
            """
    }

    static func partColumns(_ f: Frame) -> [Column<SegmentPart>] {
        [
            Column(f.t(.part), plain: { f.language($0.label) }),
            Column(f.t(.memberCount), isNumber: true, plain: { f.number($0.members.count) }),
        ]
    }

    private func table(_ parts: [SegmentPart], _ f: Frame) -> HTML {
        f.scrolled(f.t(.splitSegment), f.plainTable(Self.partColumns(f), parts))
    }
}
