// What glibc declares for _GNU_SOURCE only, which Swift's module of it does not set.
// SPDX-License-Identifier: Apache-2.0

/// Writes everything that is not on disk yet of the file system that a file is on; 0, or -1 and errno (syncfs(2)).
extern int syncfs(int descriptor);
