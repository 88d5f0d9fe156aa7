// Watches the system calls of this process that write and sync, to say at any moment what a power cut could take.
// SPDX-License-Identifier: Apache-2.0

#ifndef CSYNCTRACE_H
#define CSYNCTRACE_H

#include <stdint.h>

/// What was seen since ``sync_trace_begin``.
typedef struct {
    int64_t writes, syncs;
} sync_trace_counts;

/// Begins to watch everything under a folder; linking this target is what puts it between the program and libc.
void sync_trace_begin(const char *folder);
/// Writes to `text` the paths under the folder whose content or name is not synced, one a line; returns how many.
///
/// Shared-memory indexes of SQLite (`-shm`) are left out: they hold nothing that must last.
int sync_trace_unsynced(char *text, int capacity);
sync_trace_counts sync_trace_seen(void);

#endif
