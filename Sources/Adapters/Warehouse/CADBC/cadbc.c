// Holds the layout of the driver table to the ADBC 1.1.0 specification at compile time.
// SPDX-License-Identifier: Apache-2.0

#include "cadbc.h"

#define SLOT(field) (offsetof(struct AdbcDriver, field) / sizeof(void*))

_Static_assert(sizeof(struct AdbcDriver) == 58 * sizeof(void*), "two pointers and 56 functions");
_Static_assert(SLOT(DatabaseInit) == 3, "after release");
_Static_assert(SLOT(ConnectionInit) == 12, "sixth connection function");
_Static_assert(SLOT(StatementBind) == 18, "after 11 connection functions");
_Static_assert(SLOT(ErrorGetDetailCount) == 29, "first function of 1.1.0");
_Static_assert(SLOT(ConnectionCancel) == 39, "after 7 database functions");
_Static_assert(SLOT(StatementCancel) == 49, "after 10 connection functions");
_Static_assert(sizeof(struct ArrowSchema) == 72 && sizeof(struct ArrowArray) == 80, "Arrow C data interface");
