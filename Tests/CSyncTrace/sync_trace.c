// Watches the system calls of this process that write and sync, to say at any moment what a power cut could take.
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "CSyncTrace.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static _Atomic int is_watching;
static sync_trace_counts counts;

/// A set of texts, small enough to search from one end to the other.
typedef struct {
    char **items;
    int count, capacity;
} set;

/// Files, as `device:inode`, with writes that are not synced; files and folders, as `device:inode path`, whose folder
/// was synced while they were there.
static set dirty, named;

static int position(const set *s, const char *item) {
    for (int i = 0; i < s->count; i++)
        if (!strcmp(s->items[i], item)) return i;
    return -1;
}

static void insert(set *s, const char *item) {
    if (position(s, item) >= 0) return;
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? s->capacity * 2 : 64;
        s->items = realloc(s->items, (size_t)s->capacity * sizeof *s->items);
        if (!s->items) abort();
    }
    if (!(s->items[s->count++] = strdup(item))) abort();
}

static void erase(set *s, const char *item) {
    int i = position(s, item);
    if (i < 0) return;
    free(s->items[i]);
    s->items[i] = s->items[--s->count];
}

static void identify(const struct stat *info, char *text) {
    sprintf(text, "%llx:%llx", (unsigned long long)info->st_dev, (unsigned long long)info->st_ino);
}

/// The path of a descriptor under the root; 0 when it is elsewhere.
static int path_of(int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return !strncmp(path, root, strlen(root));
}

static void wrote(int descriptor) {
    if (!is_watching) return;
    char path[PATH_MAX], id[64];
    struct stat info;
    pthread_mutex_lock(&mutex);
    if (path_of(descriptor, path) && !fstat(descriptor, &info) && S_ISREG(info.st_mode)) {
        counts.writes++;
        identify(&info, id);
        insert(&dirty, id);
    }
    pthread_mutex_unlock(&mutex);
}

static void names_synced(const char *folder) {
    DIR *stream = opendir(folder);
    if (!stream) return;
    char text[PATH_MAX + 512], id[64];
    struct stat info;
    for (struct dirent *entry; (entry = readdir(stream));) {
        if (fstatat(dirfd(stream), entry->d_name, &info, AT_SYMLINK_NOFOLLOW)) continue;
        identify(&info, id);
        snprintf(text, sizeof text, "%s %s/%s", id, folder, entry->d_name);
        insert(&named, text);
    }
    closedir(stream);
}

static int synced(int descriptor, long number) {
    if (!is_watching) return (int)syscall(number, descriptor);
    char path[PATH_MAX], id[64];
    struct stat info;
    pthread_mutex_lock(&mutex);
    int result = (int)syscall(number, descriptor);
    if (result == 0 && path_of(descriptor, path) && !fstat(descriptor, &info)) {
        counts.syncs++;
        identify(&info, id);
        erase(&dirty, id);
        if (S_ISDIR(info.st_mode)) names_synced(path);
    }
    pthread_mutex_unlock(&mutex);
    return result;
}

// Between the program and libc. A file is dirty before it is written, so that no sync in between is missed.

ssize_t write(int descriptor, const void *bytes, size_t count) {
    wrote(descriptor);
    return syscall(SYS_write, descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    wrote(descriptor);
    return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    wrote(descriptor);
    return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}

int ftruncate(int descriptor, off_t size) {
    wrote(descriptor);
    return (int)syscall(SYS_ftruncate, descriptor, size);
}

int ftruncate64(int descriptor, off64_t size) {
    wrote(descriptor);
    return (int)syscall(SYS_ftruncate, descriptor, size);
}

int fsync(int descriptor) { return synced(descriptor, SYS_fsync); }

int fdatasync(int descriptor) { return synced(descriptor, SYS_fdatasync); }

// What is not synced

static char *out;
static int out_capacity, out_count;

static int visit(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)kind;
    char id[64], name[PATH_MAX + 512];
    size_t length = strlen(path);
    if (place->level == 0 || (length > 4 && !strcmp(path + length - 4, "-shm"))) return 0;
    identify(info, id);
    snprintf(name, sizeof name, "%s %s", id, path);
    if (position(&dirty, id) < 0 && position(&named, name) >= 0) return 0;
    out_count++;
    int used = (int)strlen(out);
    snprintf(out + used, (size_t)(out_capacity - used), "%s\n", path);
    return 0;
}

void sync_trace_begin(const char *folder) {
    pthread_mutex_lock(&mutex);
    if (!realpath(folder, root)) abort();
    is_watching = 1;
    pthread_mutex_unlock(&mutex);
}

int sync_trace_unsynced(char *text, int capacity) {
    pthread_mutex_lock(&mutex);
    text[0] = 0;
    out = text;
    out_capacity = capacity;
    out_count = 0;
    nftw(root, visit, 16, FTW_PHYS);
    int found = out_count;
    pthread_mutex_unlock(&mutex);
    return found;
}

sync_trace_counts sync_trace_seen(void) {
    pthread_mutex_lock(&mutex);
    sync_trace_counts seen = counts;
    pthread_mutex_unlock(&mutex);
    return seen;
}
