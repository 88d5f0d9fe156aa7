// Loops over column memory, compiled for each processor generation and chosen at run time.
// SPDX-License-Identifier: Apache-2.0

#include "CColumns.h"

#include <string.h>

// 64-byte vectors of clang; the compiler splits them to what the target has.
typedef uint8_t vector8 __attribute__((ext_vector_type(64)));
typedef uint16_t vector16 __attribute__((ext_vector_type(32)));
typedef uint32_t vector32 __attribute__((ext_vector_type(16)));
typedef uint64_t vector64 __attribute__((ext_vector_type(8)));
typedef int64_t signed64 __attribute__((ext_vector_type(8)));

typedef _Bool bools8 __attribute__((ext_vector_type(8)));
typedef _Bool bools16 __attribute__((ext_vector_type(16)));
typedef _Bool bools32 __attribute__((ext_vector_type(32)));
typedef _Bool bools64 __attribute__((ext_vector_type(64)));

// The bits of a vector of truth values as a number; a macro, because a function would fix the target.
#define BITS(LANES, VALUE)                                                                                           \
    ({                                                                                                               \
        const bools##LANES truth = (VALUE);                                                                          \
        uint##LANES##_t number;                                                                                      \
        memcpy(&number, &truth, sizeof number);                                                                      \
        (uint64_t) number;                                                                                           \
    })
#define bits8(VALUE) BITS(8, VALUE)
#define bits16(VALUE) BITS(16, VALUE)
#define bits32(VALUE) BITS(32, VALUE)
#define bits64(VALUE) BITS(64, VALUE)

#define NAME(function) portable_##function
#define TARGET
#include "kernels.h"
#undef NAME
#undef TARGET

#if defined(__x86_64__)

#define NAME(function) avx2_##function
#define TARGET __attribute__((target("arch=x86-64-v3")))
#include "kernels.h"
#undef NAME
#undef TARGET

// Vectors of 512 bits, which the compiler would split by its own choice.
#define NAME(function) avx512_##function
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#include "kernels.h"
#undef NAME
#undef TARGET

const struct column_kernels *column_kernels_of(int level) {
    __builtin_cpu_init();
    switch (level) {
    case 0: return &portable_kernels;
    case 1: return __builtin_cpu_supports("x86-64-v3") ? &avx2_kernels : NULL;
    case 2: return __builtin_cpu_supports("x86-64-v4") ? &avx512_kernels : NULL;
    default: return NULL;
    }
}

#else

const struct column_kernels *column_kernels_of(int level) { return level == 0 ? &portable_kernels : NULL; }

#endif
