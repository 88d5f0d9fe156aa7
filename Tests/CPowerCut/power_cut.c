// A disk in memory under SQLite that loses, keeps or tears what was not synced when its power goes.
// SPDX-License-Identifier: Apache-2.0

#include "CPowerCut.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512 };

typedef struct {
    uint8_t *bytes;
    int64_t size, capacity;
} content;

/// An operation on a file since its last sync: a write with its data, or a truncation (data is NULL).
typedef struct operation {
    struct operation *next;
    int64_t offset, size;
    uint8_t *data;
} operation;

/// A file apart from its name.
typedef struct inode {
    struct inode *next;
    int32_t number;
    content now, durable;
    operation *first, *last;
    int needs_directory_sync;
    int shared_locks;
    const void *reserved, *exclusive;
} inode;

/// A change of a name since the last sync of the directory; file is NULL for a deletion.
typedef struct change {
    struct change *next;
    char *path;
    inode *file;
} change;

typedef struct name {
    struct name *next;
    char *path;
    inode *now, *durable;
} name;

struct power_cut {
    sqlite3_vfs vfs;
    pthread_mutex_t mutex;
    inode *inodes;
    name *names;
    change *first_change, *last_change;
    int32_t last_number;
    int64_t generation, operations, cut_at, unsynced;
    int is_off, lies, handles, is_doomed;
    int fault_kinds, fault_code;
    int64_t fault_skip, fault_count;
    uint64_t random;
    power_cut_losses losses;
    power_cut_event *events;
    int64_t event_count, event_capacity;
};

typedef struct {
    sqlite3_file base;
    power_cut *disk;
    inode *file;
    int64_t generation;
    int lock;
} handle;

static void *must(void *memory) {
    if (!memory) abort();
    return memory;
}

static uint64_t draw(power_cut *disk) {
    uint64_t z = disk->random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void note(power_cut *disk, power_cut_kind kind, int32_t file) {
    if (disk->event_count == disk->event_capacity) {
        disk->event_capacity = disk->event_capacity ? disk->event_capacity * 2 : 1024;
        disk->events = must(realloc(disk->events, (size_t)disk->event_capacity * sizeof *disk->events));
    }
    disk->events[disk->event_count++] = (power_cut_event){kind, file};
}

// Contents

static void resize(content *c, int64_t size) {
    if (size > c->capacity) {
        c->capacity = size * 2;
        c->bytes = must(realloc(c->bytes, (size_t)c->capacity));
    }
    if (size > c->size) memset(c->bytes + c->size, 0, (size_t)(size - c->size));
    c->size = size;
}

static void put(content *c, const uint8_t *data, int64_t offset, int64_t size) {
    if (offset + size > c->size) resize(c, offset + size);
    memcpy(c->bytes + offset, data, (size_t)size);
}

static void apply(content *c, const operation *o) {
    if (o->data) {
        put(c, o->data, o->offset, o->size);
    } else {
        resize(c, o->size);
    }
}

/// Writes each sector of an operation or leaves it, by lot.
static void tear(power_cut *disk, content *c, const operation *o) {
    for (int64_t at = o->offset; at < o->offset + o->size;) {
        int64_t end = (at / SECTOR + 1) * SECTOR;
        if (end > o->offset + o->size) end = o->offset + o->size;
        if (draw(disk) & 1) put(c, o->data + (at - o->offset), at, end - at);
        at = end;
    }
}

static void add(power_cut *disk, inode *file, const uint8_t *data, int64_t offset, int64_t size) {
    operation *o = must(malloc(sizeof *o));
    *o = (operation){.offset = offset, .size = size};
    if (data) {
        o->data = must(malloc((size_t)size + 1));
        memcpy(o->data, data, (size_t)size);
    }
    apply(&file->now, o);
    if (file->last) file->last->next = o; else file->first = o;
    file->last = o;
    disk->unsynced++;
    note(disk, POWER_CUT_WRITE, file->number);
}

static void forget(power_cut *disk, inode *file) {
    for (operation *o = file->first, *next; o; o = next) {
        next = o->next;
        free(o->data);
        free(o);
        disk->unsynced--;
    }
    file->first = file->last = NULL;
}

// Names

static name *find(power_cut *disk, const char *path, int make) {
    for (name *n = disk->names; n; n = n->next)
        if (!strcmp(n->path, path)) return n;
    if (!make) return NULL;
    name *n = must(calloc(1, sizeof *n));
    n->path = must(strdup(path));
    n->next = disk->names;
    return disk->names = n;
}

static void rename_later(power_cut *disk, const char *path, inode *file) {
    change *c = must(calloc(1, sizeof *c));
    c->path = must(strdup(path));
    c->file = file;
    if (disk->last_change) disk->last_change->next = c; else disk->first_change = c;
    disk->last_change = c;
    disk->unsynced++;
    find(disk, path, 1)->now = file;
}

/// Makes the first `count` changes of names durable and forgets the others.
static void settle_names(power_cut *disk, int64_t count) {
    for (change *c = disk->first_change, *next; c; c = next, count--) {
        next = c->next;
        if (count > 0) find(disk, c->path, 1)->durable = c->file;
        free(c->path);
        free(c);
        disk->unsynced--;
    }
    disk->first_change = disk->last_change = NULL;
}

// Power

/// Counts an operation that changes the disk; says whether the power goes with it.
static int goes_off(power_cut *disk) {
    disk->operations++;
    if (disk->cut_at && disk->operations >= disk->cut_at) disk->is_off = 1;
    return disk->is_off;
}

static int faults(power_cut *disk, int kind) {
    if (!(disk->fault_kinds & kind) || disk->fault_count == 0) return SQLITE_OK;
    if (disk->fault_skip > 0) {
        disk->fault_skip--;
        return SQLITE_OK;
    }
    disk->fault_count--;
    return disk->fault_code;
}

static void lose(power_cut *disk, inode *file) {
    uint64_t mood = draw(disk) % 10;  // 0: nothing is lost; 1: everything is; else each operation by lot
    for (operation *o = file->first; o; o = o->next) {
        uint64_t lot = mood == 0 ? 0 : mood == 1 ? 1 : draw(disk) % 3;
        if (lot == 2 && !o->data) lot = draw(disk) & 1;
        if (lot == 0) {
            apply(&file->durable, o);
            disk->losses.kept++;
        } else if (lot == 1) {
            disk->losses.dropped++;
        } else {
            tear(disk, &file->durable, o);
            disk->losses.torn++;
        }
    }
    forget(disk, file);
    resize(&file->now, 0);
    put(&file->now, file->durable.bytes, 0, file->durable.size);
    file->shared_locks = 0;
    file->reserved = file->exclusive = NULL;
}

void power_cut_restart(power_cut *disk, uint64_t seed) {
    pthread_mutex_lock(&disk->mutex);
    disk->random = seed;
    int64_t changes = 0;
    for (change *c = disk->first_change; c; c = c->next) changes++;
    settle_names(disk, (int64_t)(draw(disk) % (uint64_t)(changes + 1)));
    for (name *n = disk->names; n; n = n->next) n->now = n->durable;
    for (inode *file = disk->inodes; file; file = file->next) lose(disk, file);
    disk->generation++;
    disk->is_off = 0;
    disk->cut_at = 0;
    disk->fault_count = 0;
    pthread_mutex_unlock(&disk->mutex);
}

// Files as SQLite sees them

static power_cut *enter(handle *h) {
    pthread_mutex_lock(&h->disk->mutex);
    return h->disk;
}

static int leave(power_cut *disk, int code) {
    pthread_mutex_unlock(&disk->mutex);
    return code;
}

static int is_dead(const handle *h) {
    return h->disk->is_off || h->generation != h->disk->generation;
}

static void unlock(handle *h, int lock) {
    inode *file = h->file;
    if (h->lock >= SQLITE_LOCK_SHARED && lock < SQLITE_LOCK_SHARED) file->shared_locks--;
    if (file->reserved == h && lock < SQLITE_LOCK_RESERVED) file->reserved = NULL;
    if (file->exclusive == h && lock < SQLITE_LOCK_PENDING) file->exclusive = NULL;
    h->lock = lock;
}

static void dispose(power_cut *disk);

static int file_close(sqlite3_file *f) {
    handle *h = (handle *)f;
    power_cut *disk = enter(h);
    if (h->generation == disk->generation) unlock(h, SQLITE_LOCK_NONE);
    int is_last = --disk->handles == 0 && disk->is_doomed;
    leave(disk, SQLITE_OK);
    if (is_last) dispose(disk);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *f, void *to, int size, sqlite3_int64 offset) {
    handle *h = (handle *)f;
    power_cut *disk = enter(h);
    if (is_dead(h)) return leave(disk, SQLITE_IOERR_READ);
    content *c = &h->file->now;
    int64_t there = offset < c->size ? c->size - offset : 0;
    if (there > size) there = size;
    if (there > 0) memcpy(to, c->bytes + offset, (size_t)there);
    memset((uint8_t *)to + there, 0, (size_t)(size - there));
    return leave(disk, there < size ? SQLITE_IOERR_SHORT_READ : SQLITE_OK);
}

static int file_write(sqlite3_file *f, const void *from, int size, sqlite3_int64 offset) {
    handle *h = (handle *)f;
    power_cut *disk = enter(h);
    if (is_dead(h)) return leave(disk, SQLITE_IOERR_WRITE);
    int code = faults(disk, POWER_CUT_WRITES);
    if (code != SQLITE_OK) return leave(disk, code);
    add(disk, h->file, from, offset, size);
    return leave(disk, goes_off(disk) ? SQLITE_IOERR_WRITE : SQLITE_OK);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
    handle *h = (handle *)f;
    power_cut *disk = enter(h);
    if (is_dead(h)) return leave(disk, SQLITE_IOERR_TRUNCATE);
    add(disk, h->file, NULL, 0, size);
    return leave(disk, goes_off(disk) ? SQLITE_IOERR_TRUNCATE : SQLITE_OK);
}

static int file_sync(sqlite3_file *f, int flags) {
    (void)flags;
    handle *h = (handle *)f;
    power_cut *disk = enter(h);
    if (is_dead(h) || goes_off(disk)) return leave(disk, SQLITE_IOERR_FSYNC);
    int code = faults(disk, POWER_CUT_SYNCS);
    if (code == SQLITE_OK && disk->lies) return leave(disk, SQLITE_OK);
    if (code == SQLITE_OK) {
        for (operation *o = h->file->first; o; o = o->next) apply(&h->file->durable, o);
        note(disk, POWER_CUT_SYNC, h->file->number);
    }
    forget(disk, h->file);
    if (code == SQLITE_OK && h->file->needs_directory_sync) {
        h->file->needs_directory_sync = 0;
        settle_names(disk, INT64_MAX);
    }
    return leave(disk, code);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size) {
    handle *h = (handle *)f;
    power_cut *disk = enter(h);
    if (is_dead(h)) return leave(disk, SQLITE_IOERR_FSTAT);
    *size = h->file->now.size;
    return leave(disk, SQLITE_OK);
}

static int file_lock(sqlite3_file *f, int lock) {
    handle *h = (handle *)f;
    power_cut *disk = enter(h);
    if (is_dead(h)) return leave(disk, SQLITE_IOERR_LOCK);
    inode *file = h->file;
    if (lock <= h->lock) return leave(disk, SQLITE_OK);
    if (file->exclusive && file->exclusive != h) return leave(disk, SQLITE_BUSY);
    if (lock >= SQLITE_LOCK_RESERVED && file->reserved && file->reserved != h) return leave(disk, SQLITE_BUSY);
    if (lock == SQLITE_LOCK_EXCLUSIVE) {
        file->exclusive = h;  // a pending lock keeps new readers out even when it must wait for the others
        if (file->shared_locks > (h->lock >= SQLITE_LOCK_SHARED)) {
            h->lock = SQLITE_LOCK_PENDING;
            return leave(disk, SQLITE_BUSY);
        }
    }
    if (h->lock < SQLITE_LOCK_SHARED) file->shared_locks++;
    if (lock == SQLITE_LOCK_RESERVED) file->reserved = h;
    h->lock = lock;
    return leave(disk, SQLITE_OK);
}

static int file_unlock(sqlite3_file *f, int lock) {
    handle *h = (handle *)f;
    power_cut *disk = enter(h);
    if (h->generation == disk->generation) unlock(h, lock);
    return leave(disk, SQLITE_OK);
}

static int file_check_reserved(sqlite3_file *f, int *is_reserved) {
    handle *h = (handle *)f;
    power_cut *disk = enter(h);
    if (is_dead(h)) return leave(disk, SQLITE_IOERR_CHECKRESERVEDLOCK);
    *is_reserved = h->file->reserved != NULL || h->file->exclusive != NULL;
    return leave(disk, SQLITE_OK);
}

static int file_control(sqlite3_file *f, int operation, void *argument) {
    (void)f, (void)operation, (void)argument;
    return SQLITE_NOTFOUND;
}

// Sector size and characteristics are what SQLite's own Unix layer says of any disk.
static int file_sector_size(sqlite3_file *f) {
    (void)f;
    return 4096;
}

static int file_characteristics(sqlite3_file *f) {
    (void)f;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

// The file layer

static inode *new_inode(power_cut *disk) {
    inode *file = must(calloc(1, sizeof *file));
    file->number = ++disk->last_number;
    file->next = disk->inodes;
    return disk->inodes = file;
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out) {
    power_cut *disk = vfs->pAppData;
    handle *h = (handle *)f;
    memset(h, 0, sizeof *h);
    pthread_mutex_lock(&disk->mutex);
    if (disk->is_off) return leave(disk, SQLITE_CANTOPEN);
    name *n = path ? find(disk, path, 0) : NULL;
    inode *file = n ? n->now : NULL;
    if (!file) {
        if (path && !(flags & SQLITE_OPEN_CREATE)) return leave(disk, SQLITE_CANTOPEN);
        file = new_inode(disk);
        if (path) {
            int journals = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
            file->needs_directory_sync = (flags & journals) != 0;
            rename_later(disk, path, file);
            if (goes_off(disk)) return leave(disk, SQLITE_CANTOPEN);
        }
    }
    h->base.pMethods = &methods;
    h->disk = disk;
    h->file = file;
    h->generation = disk->generation;
    disk->handles++;
    if (out) *out = flags;
    return leave(disk, SQLITE_OK);
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_directory) {
    power_cut *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->mutex);
    if (disk->is_off) return leave(disk, SQLITE_IOERR_DELETE);
    name *n = find(disk, path, 0);
    if (!n || !n->now) return leave(disk, SQLITE_IOERR_DELETE_NOENT);
    rename_later(disk, path, NULL);
    if (goes_off(disk)) return leave(disk, SQLITE_IOERR_DELETE);
    if (sync_directory && !disk->lies) settle_names(disk, INT64_MAX);
    return leave(disk, SQLITE_OK);
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *result) {
    power_cut *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->mutex);
    if (disk->is_off) return leave(disk, SQLITE_IOERR_ACCESS);
    name *n = find(disk, path, 0);
    // As on Unix, an empty file does not exist yet.
    *result = n && n->now && (flags != SQLITE_ACCESS_EXISTS || n->now->now.size > 0);
    return leave(disk, SQLITE_OK);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int capacity, char *out) {
    (void)vfs;
    if ((int)strlen(path) >= capacity) return SQLITE_CANTOPEN;
    strcpy(out, path);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int count, char *out) {
    sqlite3_vfs *base = sqlite3_vfs_find("unix");
    (void)vfs;
    return base->xRandomness(base, count, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs, (void)microseconds;
    return 0;
}

static int vfs_time(sqlite3_vfs *vfs, double *days) {
    sqlite3_vfs *base = sqlite3_vfs_find("unix");
    (void)vfs;
    return base->xCurrentTime(base, days);
}

static int vfs_last_error(sqlite3_vfs *vfs, int capacity, char *out) {
    (void)vfs;
    if (capacity > 0) out[0] = 0;
    return 0;
}

power_cut *power_cut_create(const char *name) {
    power_cut *disk = must(calloc(1, sizeof *disk));
    pthread_mutex_init(&disk->mutex, NULL);
    disk->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(handle),
        .mxPathname = 1024,
        .zName = must(strdup(name)),
        .pAppData = disk,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
    };
    if (sqlite3_vfs_register(&disk->vfs, 0) == SQLITE_OK) return disk;
    dispose(disk);
    return NULL;
}

void power_cut_destroy(power_cut *disk) {
    sqlite3_vfs_unregister(&disk->vfs);
    pthread_mutex_lock(&disk->mutex);
    disk->is_doomed = 1;
    int is_unused = disk->handles == 0;
    pthread_mutex_unlock(&disk->mutex);
    if (is_unused) dispose(disk);
}

static void dispose(power_cut *disk) {
    settle_names(disk, 0);
    for (inode *file = disk->inodes, *next; file; file = next) {
        next = file->next;
        forget(disk, file);
        free(file->now.bytes);
        free(file->durable.bytes);
        free(file);
    }
    for (name *n = disk->names, *next; n; n = next) {
        next = n->next;
        free(n->path);
        free(n);
    }
    free(disk->events);
    free((char *)disk->vfs.zName);
    pthread_mutex_destroy(&disk->mutex);
    free(disk);
}

// Settings and counts

void power_cut_after(power_cut *disk, int64_t operations) {
    pthread_mutex_lock(&disk->mutex);
    disk->cut_at = operations ? disk->operations + operations : 0;
    pthread_mutex_unlock(&disk->mutex);
}

void power_cut_fail(power_cut *disk, int kinds, int code, int64_t skip, int64_t count) {
    pthread_mutex_lock(&disk->mutex);
    disk->fault_kinds = kinds;
    disk->fault_code = code;
    disk->fault_skip = skip;
    disk->fault_count = count;
    pthread_mutex_unlock(&disk->mutex);
}

void power_cut_lie(power_cut *disk, int lies) {
    pthread_mutex_lock(&disk->mutex);
    disk->lies = lies;
    pthread_mutex_unlock(&disk->mutex);
}

int power_cut_is_off(power_cut *disk) {
    pthread_mutex_lock(&disk->mutex);
    return leave(disk, disk->is_off);
}

int64_t power_cut_operations(power_cut *disk) {
    pthread_mutex_lock(&disk->mutex);
    int64_t operations = disk->operations;
    pthread_mutex_unlock(&disk->mutex);
    return operations;
}

int64_t power_cut_unsynced(power_cut *disk) {
    pthread_mutex_lock(&disk->mutex);
    int64_t unsynced = disk->unsynced;
    pthread_mutex_unlock(&disk->mutex);
    return unsynced;
}

power_cut_losses power_cut_lost(power_cut *disk) {
    pthread_mutex_lock(&disk->mutex);
    power_cut_losses losses = disk->losses;
    pthread_mutex_unlock(&disk->mutex);
    return losses;
}

void power_cut_mark(power_cut *disk) {
    pthread_mutex_lock(&disk->mutex);
    note(disk, POWER_CUT_MARK, 0);
    pthread_mutex_unlock(&disk->mutex);
}

int64_t power_cut_events(power_cut *disk, power_cut_event *events, int64_t capacity) {
    pthread_mutex_lock(&disk->mutex);
    int64_t count = disk->event_count;
    if (events) memcpy(events, disk->events, (size_t)(count < capacity ? count : capacity) * sizeof *events);
    pthread_mutex_unlock(&disk->mutex);
    return count;
}
