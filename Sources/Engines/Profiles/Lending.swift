// Memory of arrays for the length of a call, with typed errors (the standard `with…` calls erase the error's type).
// SPDX-License-Identifier: Apache-2.0

extension Array {
    /// Runs `body` with the array's elements in memory.
    func lend<R, Failure: Error>(
        _ body: (UnsafeBufferPointer<Element>) throws(Failure) -> R
    ) throws(Failure) -> R {
        let result = withUnsafeBufferPointer { buffer in
            do throws(Failure) {
                return Result<R, Failure>.success(try body(buffer))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Runs `body` with the array's bytes in memory.
    func lendBytes<R, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> R
    ) throws(Failure) -> R {
        try lend { elements throws(Failure) in try body(UnsafeRawBufferPointer(elements)) }
    }
}
