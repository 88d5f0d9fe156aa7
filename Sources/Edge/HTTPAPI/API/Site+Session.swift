// API: sessions and the person who is signed in.
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Kernel
import Model

extension Site {
    private struct SignIn: Decodable {
        var login: String
        var password: String
    }

    private struct Token: Encodable {
        var token: String
        var expiresInSeconds: Int
        var staff: Staff
    }

    private struct Me: Encodable {
        var staff: Staff
        var permissions: [String]
    }

    private struct NewPassword: Decodable {
        var old: String
        var new: String
    }

    func addSessionRoutes() {
        post("\(Self.api)/session", .open) { [accounts, settings] request, context in
            let form = try await request.json(SignIn.self, context)
            let (staff, token) = try await accounts.signIn(
                login: form.login,
                password: form.password,
                address: context.address
            )
            return try Response.json(Token(token: token, expiresInSeconds: settings.sessionHours * 3600, staff: staff))
        }
        on(.delete, "\(Self.api)/session", .signedIn) { [accounts] _, context in
            if let token = context.sessionToken { try await accounts.signOut(token: token, staff: try context.user()) }
            return Response.done
        }
        get("\(Self.api)/me", .signedIn) { _, context in
            let staff = try context.user()
            return try Response.json(Me(staff: staff, permissions: staff.role.permissions.map(\.rawValue).sorted()))
        }
        post("\(Self.api)/me/password", .signedIn) { [accounts] request, context in
            let form = try await request.json(NewPassword.self, context)
            try await accounts.changePassword(of: try context.user(), from: form.old, to: form.new)
            return Response.done
        }
    }
}
