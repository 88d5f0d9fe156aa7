// Signing in and out: sessions, limits on failed attempts, first passwords.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Crypto
import Dispatch
import Foundation
public import Hummingbird
import Kernel
public import Model
import Ports
import Synchronization

/// Signs staff in and out.
public actor Accounts {
    /// Name of the session's cookie.
    public static let cookieName = "gyre_session"
    /// Failed attempts per sign-in name or address within ``window`` before more are refused.
    static let attempts = 5
    static let attemptsPerAddress = 30
    /// Milliseconds within which failures count.
    static let window: Int64 = 15 * 60_000

    private let store: any ControlPlaneStore
    private let clock: OperatorClock
    private let settings: SiteSettings
    private let hashing = DispatchQueue(label: "gyre.edge.passwords")
    private var failures: [String: [Int64]] = [:]
    private var decoy: PasswordHash?
    /// Sessions that were looked up within the last seconds; emptied when anything about staff or sessions changes.
    private let sessions = Mutex(Sessions())
    /// How long a session that ran out may go on.
    private static let sessionKept = Duration.seconds(5)

    init(store: any ControlPlaneStore, clock: OperatorClock, settings: SiteSettings) {
        self.store = store
        self.clock = clock
        self.settings = settings
    }

    /// Signs in with a password.
    ///
    /// - Parameters:
    ///   - login: Sign-in name, in any case.
    ///   - password: As it was typed.
    ///   - address: Where the request came from; limits attempts.
    /// - Returns: Who it is and the token of the new session.
    /// - Throws: ``EdgeError/wrongPassword`` (the same for an unknown name), ``EdgeError/tooManyAttempts(seconds:)``.
    public func signIn(login: String, password: String, address: String) async throws -> (staff: Staff, token: String) {
        let login = String(login.trimmingCharacters(in: .whitespacesAndNewlines).lowercased().prefix(64))
        let keys = ["name \(login)", "from \(address)"]
        try refuseTooMany(keys)
        let found = try await store.staff(login: login)
        let stored = if let found { found.password } else { try await unknown() }
        let isRight = try await matches(password, stored)
        guard let staff = found?.staff, isRight, staff.isActive else {
            let now = Self.milliseconds
            for key in keys { failures[key, default: []].append(now) }
            // A name that nobody has may be a password typed in the wrong field: it is not written down.
            try await note(found == nil ? "unknown" : login, "session.refused", detail: address)
            throw EdgeError.wrongPassword
        }
        failures[keys[0]] = nil
        return (staff, try await open(staff, address: address))
    }

    /// Opens a session for somebody who just showed who he is.
    ///
    /// - Parameters:
    ///   - staff: Who it is.
    ///   - address: Where the request came from; on record.
    /// - Returns: The token of the new session.
    /// - Throws: `ControlPlaneError` when nobody has the login any more.
    public func open(_ staff: Staff, address: String) async throws -> String {
        let token = Passwords.makeToken()
        let now = clock.now.instant
        try await store.openSession(
            tokenHash: Self.hash(token),
            login: staff.login,
            at: now,
            expires: now.adding(ms: Int64(settings.sessionHours) * 3_600_000)
        )
        try await note(staff.login, "session.open", detail: address)
        return token
    }

    /// Ends the session of a token.
    public func signOut(token: String, staff: Staff) async throws {
        defer { forgetSessions() }
        try await store.closeSession(tokenHash: Self.hash(token))
        try await note(staff.login, "session.close")
    }

    /// Whose session it is; nil for none.
    nonisolated func staff(token: String) async throws -> Staff? {
        guard token.utf8.count <= 100 else { return nil }
        let (now, changes) = (ContinuousClock.now, sessions.withLock { $0.changes })
        if let kept = keptStaff(token: token) { return kept }
        let found = try await store.session(tokenHash: Self.hash(token), at: clock.now.instant)
        sessions.withLock { sessions in
            // What was read before a change must not outlive it.
            guard sessions.changes == changes else { return }
            if sessions.kept.count > 10_000 { sessions.kept = sessions.kept.filter { $0.value.until > now } }
            sessions.kept[token] = found.map { ($0, now + Self.sessionKept) }
        }
        return found
    }

    /// Whose session it is, when it was looked up within the last seconds.
    nonisolated func keptStaff(token: String) -> Staff? {
        guard let kept = sessions.withLock({ $0.kept[token] }), kept.until > .now else { return nil }
        return kept.staff
    }

    private nonisolated func forgetSessions() {
        sessions.withLock { sessions in
            sessions.kept = [:]
            sessions.changes += 1
        }
    }

    private struct Sessions {
        var kept: [String: (staff: Staff, until: ContinuousClock.Instant)] = [:]
        /// How often staff or sessions changed.
        var changes = 0
    }

    /// Adds a member of staff with a password that is made up.
    ///
    /// - Returns: The password, shown once and not stored.
    public func add(_ staff: Staff, by who: String) async throws -> String {
        let password = Passwords.make()
        try await store.add(
            staff,
            password: hashed(password),
            audit: entry(who, "staff.add", "staff/\(staff.login)", "\(staff.role.rawValue)")
        )
        return password
    }

    /// Changes what is known of a member of staff.
    ///
    /// - Returns: The new password, when one was asked for; all sessions end then.
    public func update(_ staff: Staff, renewingPassword: Bool, by who: String) async throws -> String? {
        defer { forgetSessions() }
        let password = renewingPassword ? Passwords.make() : nil
        let marks = [staff.role.rawValue, staff.isActive ? nil : "inactive", password == nil ? nil : "new password"]
        let detail = marks.compactMap { $0 }.joined(separator: ", ")
        try await store.update(
            staff,
            password: try await password.asyncMap(hashed),
            audit: entry(who, "staff.update", "staff/\(staff.login)", detail)
        )
        return password
    }

    /// Changes one's own password; all sessions end.
    ///
    /// - Throws: ``EdgeError/wrongPassword``, ``EdgeError/badPassword``.
    public func changePassword(of staff: Staff, from old: String, to new: String) async throws {
        guard (10...200).contains(new.count) else { throw EdgeError.badPassword }
        try refuseTooMany(["name \(staff.login)"])
        guard let stored = try await store.staff(login: staff.login), try await matches(old, stored.password) else {
            failures["name \(staff.login)", default: []].append(Self.milliseconds)
            throw EdgeError.wrongPassword
        }
        defer { forgetSessions() }
        try await store.update(
            stored.staff,
            password: hashed(new),
            audit: entry(staff.login, "staff.password", "staff/\(staff.login)")
        )
    }

    /// Makes sure that these members of staff exist.
    ///
    /// - Parameters:
    ///   - staff: Who should exist.
    ///   - renewing: Whether those who exist get a new password too.
    /// - Returns: Everybody who got a password, with it.
    /// - Throws: `ControlPlaneError` for a login that cannot be.
    public func ensure(_ staff: [Staff], renewing: Bool = false) async throws -> [(staff: Staff, password: String)] {
        var made: [(Staff, String)] = []
        for person in staff {
            if let known = try await store.staff(login: person.login)?.staff {
                guard renewing, let password = try await update(known, renewingPassword: true, by: "system") else {
                    continue
                }
                made.append((known, password))
            } else {
                made.append((person, try await add(person, by: "system")))
            }
        }
        return made
    }

    // MARK: Cookies

    /// The cookie that carries a session's token; an empty token removes it.
    public nonisolated func cookie(token: String) -> Cookie {
        Cookie(
            name: Self.cookieName,
            value: token,
            maxAge: token.isEmpty ? 0 : settings.sessionHours * 3600,
            path: "/",
            secure: settings.isSecure,
            httpOnly: true,
            sameSite: .lax
        )
    }

    // MARK: Parts

    private static func hash(_ token: String) -> ContentHash {
        ContentHash(bytes: Array(SHA256.hash(data: Data(token.utf8)))) ?? .zero
    }

    /// Attempts are limited by time as it passes here, not by a clock that a demo moves.
    private static var milliseconds: Int64 { Int64(DispatchTime.now().uptimeNanoseconds / 1_000_000) }

    private func refuseTooMany(_ keys: [String]) throws(EdgeError) {
        let now = Self.milliseconds
        if failures.count > 10_000 { failures = failures.filter { ($0.value.last ?? 0) > now - Self.window } }
        for key in keys {
            let recent = (failures[key] ?? []).filter { $0 > now - Self.window }
            failures[key] = recent.isEmpty ? nil : recent
            let most = key.hasPrefix("from ") ? Self.attemptsPerAddress : Self.attempts
            guard recent.count >= most else { continue }
            let oldest = recent[recent.count - most]
            throw .tooManyAttempts(seconds: Int((oldest + Self.window - now) / 1000) + 1)
        }
    }

    private func unknown() async throws -> PasswordHash {
        if let decoy { return decoy }
        let made = try await hashed(Passwords.make())
        decoy = made
        return made
    }

    private func hashed(_ password: String) async throws -> PasswordHash {
        let cost = settings.passwordCost
        return try await onQueue { try Passwords.hash(password, cost: cost) }
    }

    private func matches(_ password: String, _ stored: PasswordHash) async throws -> Bool {
        try await onQueue { try Passwords.matches(password, stored) }
    }

    /// Hashing takes a core for a while: one after the other, off the threads that answer requests.
    private func onQueue<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            hashing.async { continuation.resume(with: Result { try body() }) }
        }
    }

    private func note(_ who: String, _ action: String, detail: String = "") async throws {
        try await store.append(entry(who, action, "session", detail))
    }

    private func entry(_ who: String, _ action: String, _ object: String, _ detail: String = "") -> AuditEntry {
        AuditEntry(at: clock.now.instant, who: who, action: action, object: object, detail: detail)
    }
}

extension Optional {
    func asyncMap<T>(_ body: (Wrapped) async throws -> T) async rethrows -> T? {
        guard let self else { return nil }
        return try await body(self)
    }
}
