// The control plane in memory against the port's conformance kit.
// SPDX-License-Identifier: Apache-2.0

import InMemory
import TestSupport
import Testing

@Suite struct InMemoryControlPlaneTests {
    @Test(arguments: ControlPlaneConformance.Promise.allCases)
    func `keeps the promises of the port`(_ promise: ControlPlaneConformance.Promise) async throws {
        let store = InMemoryControlPlane()
        try await ControlPlaneConformance(store, failWrites: { store.failWrites($0) }).check(promise)
    }
}
