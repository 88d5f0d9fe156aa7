// A disk in memory under SQLite that loses, keeps or tears what was not synced when its power goes.
// SPDX-License-Identifier: Apache-2.0

#ifndef CPOWERCUT_H
#define CPOWERCUT_H

#include <stdint.h>

/// One disk, registered with SQLite as a file layer (VFS) of its own name.
///
/// Of every file it keeps what the program sees, what is durable, and the operations since the last sync, in order.
/// Names are kept likewise: creating and deleting a file is durable once the directory is synced, which happens as on
/// a Unix system under SQLite: with the first sync of a new journal or WAL, and with a delete that asks for it.
typedef struct power_cut power_cut;

/// What a fault hits; values add up.
enum { POWER_CUT_WRITES = 1, POWER_CUT_SYNCS = 2 };

/// What happened on the disk, in order.
typedef enum { POWER_CUT_WRITE = 1, POWER_CUT_SYNC = 2, POWER_CUT_MARK = 3 } power_cut_kind;

typedef struct {
    power_cut_kind kind;
    /// Number of the file, from 1 in the order of creation; 0 for a mark.
    int32_t file;
} power_cut_event;

/// What became of the operations that were not synced at all power cuts so far.
typedef struct {
    int64_t kept, dropped, torn;
} power_cut_losses;

/// Makes an empty disk and registers it; NULL when SQLite refuses.
power_cut *power_cut_create(const char *name);
/// Unregisters the disk and frees it, with the last file that is open on it.
void power_cut_destroy(power_cut *disk);

/// Cuts the power at the `operations`-th operation from now that changes the disk (1 = the next): that one is left
/// unsynced and fails, as does everything after it. 0 cancels.
void power_cut_after(power_cut *disk, int64_t operations);
/// Whether the power is off.
int power_cut_is_off(power_cut *disk);
/// Turns the power off, decides by `seed` what becomes of each unsynced operation (kept, dropped, or torn: each
/// sector of 512 bytes on its own), and turns it on again. Files open at the time stay unusable.
void power_cut_restart(power_cut *disk, uint64_t seed);

/// Makes `count` operations of the given kinds fail with an SQLite result code, after `skip` of them.
///
/// A sync that fails forgets what it should have written, as Linux does: the program still reads it, the disk never
/// gets it.
void power_cut_fail(power_cut *disk, int kinds, int code, int64_t skip, int64_t count);
/// From now on syncs do nothing and report success, as a disk with a broken cache does.
void power_cut_lie(power_cut *disk, int lies);

/// Operations that changed the disk so far.
int64_t power_cut_operations(power_cut *disk);
/// Operations that are not synced now, on names and contents.
int64_t power_cut_unsynced(power_cut *disk);
power_cut_losses power_cut_lost(power_cut *disk);

/// Notes that the program answered somebody.
void power_cut_mark(power_cut *disk);
/// Copies the events so far, at most `capacity`; returns how many there are.
int64_t power_cut_events(power_cut *disk, power_cut_event *events, int64_t capacity);

#endif
