// What a request carries on its way: who asks, in which language, from where.
// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
public import Model
public import Texts

/// The context of one request.
public struct EdgeContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// Who is signed in; nil = nobody.
    public var staff: Staff?
    /// The language of the answer: cookie `lang`, else the browser's.
    public var language: Language
    /// Token of the session, from the cookie or the `Authorization` header; nil = none.
    public var sessionToken: String?
    /// Address of the client, without port; `local` where there is no network.
    public let address: String

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        language = .en
        address = source.channel.remoteAddress?.ipAddress ?? "local"
    }

    /// Most bytes of a request body that is held in memory.
    public var maxUploadSize: Int { 16 << 20 }

    /// Most bytes of a list of numbers, which is kept in a file: one of everybody of a large operator fits.
    public var maxListSize: Int { 1 << 30 }

    /// Who is signed in.
    ///
    /// - Throws: ``EdgeError/signedOut``; never behind a gate that needs more than ``Access/open``.
    public func user() throws(EdgeError) -> Staff {
        guard let staff else { throw .signedOut }
        return staff
    }

    /// A number in the path, for example of `/campaigns/{id}`.
    ///
    /// - Throws: ``EdgeError/notFound(_:)`` when it is no positive number.
    public func id(_ name: String = "id") throws(EdgeError) -> Int64 {
        let text = parameters.get(name) ?? ""
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let id = Int64(text), id > 0 else {
            throw .notFound("\(name) \(text.prefix(20))")
        }
        return id
    }
}

/// What a route needs before it answers.
public enum Access: Hashable, Sendable {
    /// Anybody, signed in or not.
    case open
    /// Anybody who is signed in.
    case signedIn
    /// Staff whose role has the permission.
    case permission(Permission)

    public static let viewSegments = Access.permission(.viewSegments)
    public static let editSegments = Access.permission(.editSegments)
    public static let editCatalogue = Access.permission(.editCatalogue)
    public static let viewCampaigns = Access.permission(.viewCampaigns)
    public static let editCampaigns = Access.permission(.editCampaigns)
    public static let approve = Access.permission(.approve)
    public static let runCampaigns = Access.permission(.runCampaigns)
    public static let viewLists = Access.permission(.viewLists)
    public static let editLists = Access.permission(.editLists)
    public static let explain = Access.permission(.explain)
    public static let viewPolicy = Access.permission(.viewPolicy)
    public static let serve = Access.permission(.serve)
    public static let editPolicy = Access.permission(.editPolicy)
    public static let publishPolicy = Access.permission(.publishPolicy)
    public static let manageStaff = Access.permission(.manageStaff)
    public static let unmask = Access.permission(.unmask)
    public static let manageLoads = Access.permission(.manageLoads)
    public static let erase = Access.permission(.erase)
    public static let viewAudit = Access.permission(.viewAudit)

    /// Lets staff pass or throws what is missing.
    ///
    /// - Throws: ``EdgeError/signedOut`` or ``EdgeError/forbidden(_:)``.
    func check(_ staff: Staff?) throws(EdgeError) {
        guard self != .open else { return }
        guard let staff else { throw .signedOut }
        guard case .permission(let needed) = self else { return }
        guard staff.may(needed) else { throw .forbidden(needed) }
    }
}
