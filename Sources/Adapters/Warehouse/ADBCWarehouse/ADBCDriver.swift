// A driver library: loaded once, never unloaded; every call checked, every error with the engine's words.
// SPDX-License-Identifier: Apache-2.0

internal import CADBC
internal import Glibc
internal import Ports

/// The function table of a loaded ADBC driver.
///
/// The table is written once before the value is shared and only read afterwards; the driver's functions may be called
/// from any thread.
final class ADBCDriver: @unchecked Sendable {
    let table: UnsafeMutablePointer<AdbcDriver>

    /// Loads a library and asks it for its driver table.
    ///
    /// - Parameters:
    ///   - path: The library's file.
    ///   - entry: Name of its entry point.
    ///   - advice: What the operator can do when it cannot be loaded.
    /// - Throws: ``WarehouseError`` of kind `library`.
    init(path: String, entry: String, advice: String) throws {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw WarehouseError(kind: .library, phase: .open, message: "\(Self.loaderMessage(path)); \(advice)")
        }
        guard let symbol = dlsym(handle, entry) else {
            throw WarehouseError(
                kind: .library,
                phase: .open,
                message: "\(path) has no entry point \(entry), so it is no ADBC driver; \(advice)"
            )
        }
        table = .allocate(capacity: 1)
        table.initialize(to: AdbcDriver())
        let initialise = unsafeBitCast(symbol, to: AdbcDriverInitFunc.self)
        try check(.open, nil, kind: .library) { initialise(GYRE_ADBC_VERSION_1_1_0, self.table, $0) }
    }

    private static func loaderMessage(_ path: String) -> String {
        dlerror().map { String(cString: $0) } ?? "\(path) cannot be loaded"
    }

    /// Makes one driver call and turns its status into an error.
    func check(
        _ phase: WarehouseError.Phase,
        _ sql: String?,
        kind: WarehouseError.Kind? = nil,
        _ call: (UnsafeMutablePointer<AdbcError>) -> AdbcStatusCode?
    ) throws {
        var error = AdbcError()
        error.vendor_code = Int32.min  // the error has the fields added in ADBC 1.1.0
        error.private_driver = table
        let status = call(&error)
        defer { error.release?(&error) }
        guard let status else {
            throw WarehouseError(kind: .engine, phase: phase, message: "the driver lacks a needed function", sql: sql)
        }
        guard status != GYRE_ADBC_STATUS_OK else { return }
        let message = error.message.map { String(cString: $0) } ?? "status \(status) without a message"
        throw WarehouseError(kind: kind ?? .init(engineMessage: message), phase: phase, message: message, sql: sql)
    }
}

extension WarehouseError.Kind {
    /// The kind by the words DuckDB starts its messages with.
    init(engineMessage message: String) {
        let errors: [(String, Self)] = [
            ("Could not set lock", .locked), ("No space left", .diskFull), ("Could not write all bytes", .diskFull),
            ("File too large", .diskFull), ("Disk quota", .diskFull),
        ]
        let classes: [(String, Self)] = [
            ("Parser Error", .statement), ("Binder Error", .statement), ("Catalog Error", .statement),
            ("Syntax Error", .statement), ("Conversion Error", .value),
            ("Invalid Input Error: Failed to read file", .file), ("Invalid Input Error", .value),
            ("Constraint Error", .value), ("Out of Range Error", .overflow), ("Out of Memory Error", .memory),
            ("IO Error", .file), ("Permission Error", .file),
        ]
        self =
            errors.first { message.contains($0.0) }?.1
            ?? classes.first { message.hasPrefix($0.0) }?.1
            ?? .engine
    }
}
