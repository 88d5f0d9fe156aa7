// Where staff, segments, campaigns, approvals, loads and the audit log are kept.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// A stored password: salt and derived key of a named function.
public struct PasswordHash: Hashable, Sendable {
    /// Text form, for example `scrypt$…`.
    public var text: String

    /// Wraps the text form.
    public init(text: String) {
        self.text = text
    }
}

/// An approval and its campaign as they stand together.
public struct CampaignApproval: Hashable, Sendable {
    /// The submission, waiting or decided.
    public var approval: Approval
    /// The campaign it is about.
    public var campaign: Campaign

    /// Joins approval and campaign.
    public init(approval: Approval, campaign: Campaign) {
        self.approval = approval
        self.campaign = campaign
    }
}

/// The control plane.
///
/// Promises of every adapter (checked by `ControlPlaneConformance`):
/// - each change and its audit entry are one durable transaction: a change that throws leaves neither;
/// - a change of a segment, a campaign or a draft policy names the version it was based on and fails with
///   ``ControlPlaneError/stale(object:expectedVersion:)`` when that is not the stored one;
/// - what ``ControlPlaneChecks`` refuses is not stored, whoever asks;
/// - audit entries (but for ``forget(_:mentions:)``), plans of saved revisions, decided approvals, policy and catalogue revisions are never changed or removed;
/// - lists show only objects that the scope covers; an object is visible when `scope.covers(object.scope)`;
/// - texts are compared and ordered by their UTF-8 bytes.
///
/// Methods throw ``ControlPlaneError`` for what the caller can put right, and the adapter's own error otherwise.
public protocol ControlPlaneStore: Sendable {
    // MARK: Staff

    /// The member of staff with exactly this sign-in name, active or not, and the stored password.
    func staff(login: String) async throws -> (staff: Staff, password: PasswordHash)?

    /// All staff; searches login and name, ordered by a ``StaffColumn``.
    func staff(_ query: ListQuery) async throws -> Page<Staff>

    /// Adds a member of staff.
    ///
    /// - Throws: ``ControlPlaneError/nameTaken(object:name:)`` when somebody has the login.
    func add(_ staff: Staff, password: PasswordHash, audit: AuditEntry) async throws

    /// Replaces what is known of a member of staff; the last writer wins.
    ///
    /// A new password ends all of their sessions; nil keeps the old one.
    ///
    /// - Throws: ``ControlPlaneError/notFound(object:)`` when nobody has the login.
    func update(_ staff: Staff, password: PasswordHash?, audit: AuditEntry) async throws

    // MARK: Sessions

    /// Opens a session until `expires`, and forgets all sessions that expired by `now`.
    ///
    /// The token itself is never stored, only its SHA-256.
    ///
    /// - Throws: ``ControlPlaneError/notFound(object:)`` when nobody has the login.
    func openSession(tokenHash: ContentHash, login: String, at now: Instant, expires: Instant) async throws

    /// Who has this session, as they are stored now; nil when it was closed, has expired by `now`, or its owner is
    /// no longer active.
    func session(tokenHash: ContentHash, at now: Instant) async throws -> Staff?

    /// Ends a session; one that is not there stays so.
    func closeSession(tokenHash: ContentHash) async throws

    // MARK: Segments

    /// The segment with this number.
    func segment(_ id: Int64) async throws -> Segment?

    /// The segment with exactly this name.
    func segment(named name: String) async throws -> Segment?

    /// Segments that a member of staff sees (``Segment/isVisible(to:)``), all for nil; searches name, definition and owner, ordered by a
    /// ``SegmentColumn``.
    func segments(
        _ query: ListQuery,
        _ filter: SegmentFilter,
        seenBy staff: Staff?
    ) async throws -> Page<Segment>

    /// Inserts (version 0; the number is given by the store) or updates; a changed definition is the next revision.
    ///
    /// The rules are ``ControlPlaneChecks/check(_:replacing:)-(Segment,_)``; audiences enter with
    /// ``record(_:of:audit:)`` only, but an earlier one may be released.
    ///
    /// - Returns: The stored object with its new version and revision.
    /// - Throws: ``ControlPlaneError/notFound(object:)`` also for a segment or audience that it names.
    func save(_ segment: Segment, audit: AuditEntry) async throws -> Segment

    /// Removes a segment with its revisions and audiences.
    ///
    /// - Throws: ``ControlPlaneError/inUse(object:by:)`` when a campaign, segment or delivery names it;
    ///   ``ControlPlaneError/invalid(object:reason:)`` when an audience was ever released, which never goes away.
    func deleteSegment(_ id: Int64, version: Int, audit: AuditEntry) async throws

    /// All revisions of a segment's definition, newest first.
    func revisions(ofSegment id: Int64) async throws -> [SegmentRevision]

    /// What names a segment.
    func use(ofSegment id: Int64) async throws -> SegmentUse

    /// Records an audience of a segment's present revision, and the segment as it is with it.
    ///
    /// The rules are ``ControlPlaneChecks/check(_:of:)``. `published` becomes this audience when the segment's state is
    /// published.
    ///
    /// - Returns: Both as stored.
    func record(_ audience: Audience, of segment: Segment, audit: AuditEntry) async throws -> (Audience, Segment)

    /// Records many audiences at once, as ``record(_:of:audit:)`` does each; all of them or none, but for those whose
    /// segment was changed or removed meanwhile.
    ///
    /// - Returns: Each as stored; nil for those passed over.
    func record(_ audiences: [AudienceRecording]) async throws -> [(audience: Audience, segment: Segment)?]

    /// The audience with this number.
    func audience(_ id: Int64) async throws -> Audience?

    /// All audiences of a segment, newest first.
    func audiences(ofSegment id: Int64) async throws -> [Audience]

    /// The export with this number.
    func segmentExport(_ id: Int64) async throws -> SegmentExport?

    /// Exports in the scope; searches name, reason and who asked, ordered by a ``SegmentExportColumn``.
    func segmentExports(_ query: ListQuery, in scope: OrganisationScope) async throws -> Page<SegmentExport>

    /// Asks for an export (number 0; it waits), decides one that waits, or ends a delivery that was agreed to.
    ///
    /// The rules are ``ControlPlaneChecks/check(_:replacing:)-(SegmentExport,_)``.
    ///
    /// - Returns: It as stored.
    func save(_ export: SegmentExport, audit: AuditEntry) async throws -> SegmentExport

    /// Exports that go to other systems, agreed to and not ended, oldest first; without those of one audience that went.
    func openDeliveries() async throws -> [SegmentExport]

    /// The files that one export has given, latest audience first.
    func deliveredFiles(ofExport id: Int64) async throws -> [DeliveredFile]

    /// Records a file; one of the same export and audience was written again and replaces it.
    ///
    /// The rules are ``ControlPlaneChecks/check(_:of:)-(DeliveredFile,_)``.
    func record(_ file: DeliveredFile, audit: AuditEntry) async throws

    // MARK: Data requests

    /// The data request with this number, with all its steps.
    func dataRequest(_ id: Int64) async throws -> DataRequest?

    /// Data requests in the scope that a filter shows; searches title, need, who raised it and who works on it, ordered
    /// by a ``DataRequestColumn``.
    func dataRequests(
        _ query: ListQuery,
        _ filter: DataRequestFilter,
        in scope: OrganisationScope
    ) async throws -> Page<DataRequest>

    /// Raises a data request; what it says never changes afterwards.
    ///
    /// - Returns: It with its number.
    func raise(_ request: DataRequest, audit: AuditEntry) async throws -> DataRequest

    /// Records the next step of a data request, which never changes afterwards.
    ///
    /// - Parameters:
    ///   - step: The step.
    ///   - id: The request's number.
    ///   - version: The version the step was decided on.
    ///   - audit: What goes to the audit log with it.
    /// - Returns: The request with it.
    /// - Throws: ``ControlPlaneError/notFound(object:)``, ``ControlPlaneError/stale(object:expectedVersion:)``, and
    ///   `DataRequestError` for a step that may not follow.
    func record(
        _ step: DataRequestStep,
        of id: Int64,
        version: Int,
        audit: AuditEntry
    ) async throws -> DataRequest

    // MARK: Campaigns

    /// The campaign with this number.
    func campaign(_ id: CampaignID) async throws -> Campaign?

    /// The campaign with exactly this name.
    func campaign(named name: String) async throws -> Campaign?

    /// Campaigns in the scope and one of the phases; searches name, goal and owner, ordered by a ``CampaignColumn``.
    func campaigns(
        _ query: ListQuery,
        phases: Set<CampaignPhase>,
        in scope: OrganisationScope
    ) async throws
        -> Page<Campaign>

    /// The plan as a saved revision had it; nil when there is no such revision.
    func plan(of campaign: CampaignID, revision: Int) async throws -> CampaignPlan?

    /// Inserts (version 0; the number is given by the store) or updates.
    ///
    /// The rules are ``ControlPlaneChecks/check(_:replacing:)``; phase `submitted` is entered and left only with an
    /// approval.
    ///
    /// - Returns: The stored object with its new version.
    func save(_ campaign: Campaign, audit: AuditEntry) async throws -> Campaign

    // MARK: Approvals

    /// All submissions of a campaign, oldest first.
    func approvals(of campaign: CampaignID) async throws -> [Approval]

    /// Submissions that wait, of campaigns in the scope; searches campaign name and submitter, ordered by an
    /// ``ApprovalColumn``.
    func pendingApprovals(_ query: ListQuery, in scope: OrganisationScope) async throws -> Page<CampaignApproval>

    /// Inserts a submission (number 0) or decides one, together with the campaign's new phase.
    ///
    /// The rules are ``ControlPlaneChecks/check(_:replacing:with:replacing:)``.
    ///
    /// - Returns: Both as stored.
    func save(_ approval: Approval, with campaign: Campaign, audit: AuditEntry) async throws -> CampaignApproval

    // MARK: Contact policy

    /// The draft of the contact policy with this number.
    func policyDraft(_ id: Int64) async throws -> PolicyDraft?

    /// Drafts in one of the states; searches author and note, ordered by a ``PolicyDraftColumn``.
    func policyDrafts(_ query: ListQuery, states: Set<PolicyDraftState>) async throws -> Page<PolicyDraft>

    /// Inserts (version 0; the number is given by the store) or updates a draft.
    ///
    /// The rules are ``ControlPlaneChecks/check(_:replacing:)-(PolicyDraft,_)``; it becomes live only with its revision.
    ///
    /// - Returns: The stored draft with its new version.
    func save(_ draft: PolicyDraft, audit: AuditEntry) async throws -> PolicyDraft

    /// Records a revision that was made live; it never changes afterwards. The draft it names becomes live with it.
    ///
    /// - Throws: ``ControlPlaneError/nameTaken(object:name:)`` when the number was recorded before,
    ///   ``ControlPlaneError/notFound(object:)`` for an unknown draft, and what is no draft any more is refused.
    func record(_ revision: PolicyRevision, audit: AuditEntry) async throws

    /// The revision with this number.
    func policyRevision(_ number: Int) async throws -> PolicyRevision?

    /// All revisions; searches who and note, ordered by a ``PolicyRevisionColumn``.
    func policyRevisions(_ query: ListQuery) async throws -> Page<PolicyRevision>

    // MARK: Attribute catalogue

    /// Records the next revision; but for ``forget(_:mentions:)`` it never changes afterwards.
    ///
    /// - Throws: ``ControlPlaneError/stale(object:expectedVersion:)`` when its number does not follow the last one.
    func record(_ revision: CatalogueRevision, audit: AuditEntry) async throws

    /// The revision with this number, the last one for nil; nil when there is none.
    func catalogueRevision(_ number: Int?) async throws -> CatalogueRevision?

    /// All revisions; searches who and reason, ordered by a ``CatalogueRevisionColumn``.
    func catalogueRevisions(_ query: ListQuery) async throws -> Page<CatalogueRevision>

    // MARK: Arbitrations

    /// The arbitration with this number; nil when there is none.
    func arbitration(_ id: Int64) async throws -> Arbitration?

    /// Arbitrations in one of some states whose scope lies in `scope`; searched by name and owner, ordered by
    /// ``ArbitrationColumn``.
    func arbitrations(
        _ query: ListQuery,
        states: Set<ArbitrationState>,
        in scope: OrganisationScope
    ) async throws -> Page<Arbitration>

    /// Adds an arbitration (version 0) or takes one on to its next state.
    ///
    /// - Returns: The arbitration as stored: number and version set.
    /// - Throws: ``ControlPlaneError``.
    func save(_ arbitration: Arbitration, audit: AuditEntry) async throws -> Arbitration

    // MARK: Lists changed by hand

    /// Records changes of special lists, and the days of entries; all of them or none.
    ///
    /// `dates`: Take the place of what was known of the same list and subscriber; without days they are forgotten.
    func record(_ changes: [ListChange], dates: [ListDates], audit: AuditEntry) async throws

    /// The days of entries that have any, by list and subscriber.
    func listDates(_ choice: ListDatesChoice) async throws -> [ListDates]

    /// Records a list of numbers that changed a special list, together with what it changed where that is few.
    func record(
        _ entry: ListImportRecord,
        changes: [ListChange],
        dates: [ListDates],
        audit: AuditEntry
    ) async throws

    /// All lists of numbers that changed special lists, in the order they were recorded.
    func listImports() async throws -> [ListImportRecord]

    /// What was changed by hand for a subscriber, in the order it was recorded; not what large imports did.
    func listChanges(of index: UInt32) async throws -> [ListChange]

    /// What was said about the upkeep of special lists, by code.
    func listSettings() async throws -> [ListSetting]

    /// Says something about the upkeep of a special list, in the place of what was said before.
    ///
    /// - Returns: It with its new version.
    /// - Throws: ``ControlPlaneError/stale(object:expectedVersion:)``.
    func save(_ setting: ListSetting, audit: AuditEntry) async throws -> ListSetting

    /// The last audit entry with one of ``ControlPlaneChecks/listUpdates`` about an object, such as `list/dnd_01/sms`.
    func lastListUpdate(of object: String) async throws -> AuditEntry?

    // MARK: Erasure

    /// Subscribers whose erasure was recorded as complete.
    func erasedSubscribers() async throws -> Set<UInt32>

    /// Takes out what was written about subscribers: the reasons of their changes of lists, the details of the audit
    /// entries recorded with those, the days of their entries, and every reason, detail, file name or text of a data request that mentions one of
    /// `mentions`, become
    /// ``Mentions/erased``. When this returns nothing of it is left in any file, free space included.
    func forget(_ subscribers: [UInt32], mentions: Mentions) async throws

    /// Records that subscribers are erased everywhere.
    func recordErased(_ subscribers: [UInt32], audit: AuditEntry) async throws

    // MARK: Loads

    /// The load with this identifier.
    func load(id: String) async throws -> LoadRecord?

    /// Loads of a table (nil = all), in the order they were recorded.
    func loads(table: String?) async throws -> [LoadRecord]

    /// Takes a load off the list, which may then be recorded again; the audit log keeps that it was there.
    ///
    /// - Throws: ``ControlPlaneError/notFound(object:)`` when there is no such load.
    func removeLoad(id: String, audit: AuditEntry) async throws

    /// Records a load; it never changes afterwards.
    ///
    /// - Throws: ``ControlPlaneError/nameTaken(object:name:)`` when the identifier was recorded before.
    func record(_ load: LoadRecord, audit: AuditEntry) async throws

    // MARK: Audit

    /// Records something that changed nothing here, for example a look-up or a sign-in.
    func append(_ entry: AuditEntry) async throws

    /// The audit log; searches who, action, object and detail, ordered by an ``AuditColumn``.
    func audit(_ query: ListQuery) async throws -> Page<AuditEntry>

    /// Audit entries with one of ``ControlPlaneChecks/loadChanges``, in the order they were written.
    func auditOfLoads() async throws -> [AuditEntry]
}

/// Which entries with days are looked at.
public enum ListDatesChoice: Hashable, Sendable {
    case all
    /// Those of one list.
    case list(ListID)
    /// Those of one subscriber.
    case subscriber(UInt32)
    /// Those whose first day has come without their having been entered, and those whose last day is over.
    case due(LocalDay)
}

extension ControlPlaneStore {
    /// Records changes of special lists; all of them or none.
    public func record(_ changes: [ListChange], audit: AuditEntry) async throws {
        try await record(changes, dates: [], audit: audit)
    }
}
