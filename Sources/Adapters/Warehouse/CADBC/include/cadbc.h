// Arrow C data interface, Arrow C stream interface and the ADBC 1.1.0 driver table, written from their specifications:
// https://arrow.apache.org/docs/format/CDataInterface.html, .../CStreamInterface.html, .../ADBC/C.html
// SPDX-License-Identifier: Apache-2.0
//
// The order of fields is the binary interface. Slots that Gyre does not call are typed AdbcUnused.

#ifndef GYRE_CADBC_H
#define GYRE_CADBC_H

#include <stddef.h>
#include <stdint.h>

// Arrow C data interface ------------------------------------------------------------------------------------------

struct ArrowSchema {
    const char* format;
    const char* name;
    const char* metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema** children;
    struct ArrowSchema* dictionary;
    void (*release)(struct ArrowSchema*);
    void* private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void** buffers;
    struct ArrowArray** children;
    struct ArrowArray* dictionary;
    void (*release)(struct ArrowArray*);
    void* private_data;
};

// The field may hold NULL (ArrowSchema.flags).
#define GYRE_ARROW_FLAG_NULLABLE 2

// Arrow C stream interface: callbacks return 0 or an errno value; the end is an array whose release is NULL.
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
    int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
    const char* (*get_last_error)(struct ArrowArrayStream*);
    void (*release)(struct ArrowArrayStream*);
    void* private_data;
};

// ADBC ------------------------------------------------------------------------------------------------------------

typedef uint8_t AdbcStatusCode;
#define GYRE_ADBC_STATUS_OK 0
#define GYRE_ADBC_VERSION_1_1_0 1001000

struct AdbcDriver;

struct AdbcError {
    char* message;
    int32_t vendor_code;  // INT32_MIN: the two private fields exist (since 1.1.0)
    char sqlstate[5];
    void (*release)(struct AdbcError* error);
    void* private_data;
    struct AdbcDriver* private_driver;
};

struct AdbcDatabase {
    void* private_data;
    struct AdbcDriver* private_driver;
};

struct AdbcConnection {
    void* private_data;
    struct AdbcDriver* private_driver;
};

struct AdbcStatement {
    void* private_data;
    struct AdbcDriver* private_driver;
};

typedef void (*AdbcUnused)(void);

struct AdbcDriver {
    void* private_data;
    void* private_manager;
    AdbcStatusCode (*release)(struct AdbcDriver*, struct AdbcError*);

    AdbcStatusCode (*DatabaseInit)(struct AdbcDatabase*, struct AdbcError*);
    AdbcStatusCode (*DatabaseNew)(struct AdbcDatabase*, struct AdbcError*);
    AdbcStatusCode (*DatabaseSetOption)(struct AdbcDatabase*, const char* key, const char* value, struct AdbcError*);
    AdbcStatusCode (*DatabaseRelease)(struct AdbcDatabase*, struct AdbcError*);

    AdbcUnused ConnectionCommit;
    AdbcUnused ConnectionGetInfo;
    AdbcUnused ConnectionGetObjects;
    AdbcUnused ConnectionGetTableSchema;
    AdbcUnused ConnectionGetTableTypes;
    AdbcStatusCode (*ConnectionInit)(struct AdbcConnection*, struct AdbcDatabase*, struct AdbcError*);
    AdbcStatusCode (*ConnectionNew)(struct AdbcConnection*, struct AdbcError*);
    AdbcUnused ConnectionSetOption;
    AdbcUnused ConnectionReadPartition;
    AdbcStatusCode (*ConnectionRelease)(struct AdbcConnection*, struct AdbcError*);
    AdbcUnused ConnectionRollback;

    AdbcStatusCode (*StatementBind)(struct AdbcStatement*, struct ArrowArray*, struct ArrowSchema*, struct AdbcError*);
    AdbcStatusCode (*StatementBindStream)(struct AdbcStatement*, struct ArrowArrayStream*, struct AdbcError*);
    AdbcStatusCode (*StatementExecuteQuery)(struct AdbcStatement*, struct ArrowArrayStream* out, int64_t* rows_affected,
                                            struct AdbcError*);
    AdbcUnused StatementExecutePartitions;
    AdbcUnused StatementGetParameterSchema;
    AdbcStatusCode (*StatementNew)(struct AdbcConnection*, struct AdbcStatement*, struct AdbcError*);
    AdbcStatusCode (*StatementPrepare)(struct AdbcStatement*, struct AdbcError*);
    AdbcStatusCode (*StatementRelease)(struct AdbcStatement*, struct AdbcError*);
    AdbcStatusCode (*StatementSetOption)(struct AdbcStatement*, const char* key, const char* value, struct AdbcError*);
    AdbcStatusCode (*StatementSetSqlQuery)(struct AdbcStatement*, const char* query, struct AdbcError*);
    AdbcUnused StatementSetSubstraitPlan;

    // Since ADBC 1.1.0.
    AdbcUnused ErrorGetDetailCount;
    AdbcUnused ErrorGetDetail;
    AdbcUnused ErrorFromArrayStream;

    AdbcUnused DatabaseGetOption;
    AdbcUnused DatabaseGetOptionBytes;
    AdbcUnused DatabaseGetOptionDouble;
    AdbcUnused DatabaseGetOptionInt;
    AdbcUnused DatabaseSetOptionBytes;
    AdbcUnused DatabaseSetOptionDouble;
    AdbcUnused DatabaseSetOptionInt;

    AdbcUnused ConnectionCancel;
    AdbcUnused ConnectionGetOption;
    AdbcUnused ConnectionGetOptionBytes;
    AdbcUnused ConnectionGetOptionDouble;
    AdbcUnused ConnectionGetOptionInt;
    AdbcUnused ConnectionGetStatistics;
    AdbcUnused ConnectionGetStatisticNames;
    AdbcUnused ConnectionSetOptionBytes;
    AdbcUnused ConnectionSetOptionDouble;
    AdbcUnused ConnectionSetOptionInt;

    AdbcStatusCode (*StatementCancel)(struct AdbcStatement*, struct AdbcError*);
    AdbcUnused StatementExecuteSchema;
    AdbcUnused StatementGetOption;
    AdbcUnused StatementGetOptionBytes;
    AdbcUnused StatementGetOptionDouble;
    AdbcUnused StatementGetOptionInt;
    AdbcUnused StatementSetOptionBytes;
    AdbcUnused StatementSetOptionDouble;
    AdbcUnused StatementSetOptionInt;
};

// The entry point of a driver library.
typedef AdbcStatusCode (*AdbcDriverInitFunc)(int version, void* driver, struct AdbcError* error);

#endif
