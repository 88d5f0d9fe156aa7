// The loops over column memory that suit this processor.
// SPDX-License-Identifier: Apache-2.0

import CColumns

enum ColumnKernels {
    /// The fastest loops that this processor can run.
    static let best: column_kernels = {
        let levels = (0..<Int32(COLUMN_LEVELS)).reversed()
        guard let kernels = levels.lazy.compactMap({ column_kernels_of($0) }).first else {
            preconditionFailure("level 0 runs everywhere")
        }
        return kernels.pointee
    }()
}
