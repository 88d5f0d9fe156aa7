// Loops over column memory: values in, bit masks out. The same source is compiled for three generations of x86-64.
// SPDX-License-Identifier: Apache-2.0

#ifndef CCOLUMNS_H
#define CCOLUMNS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// How `combine` writes a mask into its destination.
enum column_mode { COLUMN_SET = 0, COLUMN_AND = 1, COLUMN_OR = 2 };

/// Which comparison `compare64` makes.
enum column_comparison { COLUMN_LESS = 0, COLUMN_LESS_OR_EQUAL = 1, COLUMN_EQUAL = 2 };

/// The loops for one generation of processors. A word is 64 rows; bit i of word w is row 64w + i.
///
/// `ranges` sets the bits of rows whose value lies in one of `count` ranges `low[i] ... low[i] + span[i]`.
/// `lookup` sets the bits of rows whose value is a member of `bits`; every value must be below its length.
/// `tally` adds, for each row, 1 to the low half of `counts[value >> shift]` when it is in `base` and 1 to the high half when
/// it is in `members` as well; rows of `nulls` (may be NULL) are left out. With `stride` > 0 it spreads the counts
/// over four tables that far apart, to be added up afterwards; with 0 there is one.
/// `widen` writes base + value as 64-bit numbers, wrapping.
/// `largest` gives the largest of `rows` values, 0 when there are none.
struct __attribute__((swift_attr("@Sendable"))) column_kernels {
    void (*_Nonnull ranges8)(const uint8_t *values, size_t words, const uint64_t *low, const uint64_t *span, size_t count,
                    uint64_t *out);
    void (*_Nonnull ranges16)(const uint16_t *values, size_t words, const uint64_t *low, const uint64_t *span, size_t count,
                     uint64_t *out);
    void (*_Nonnull ranges32)(const uint32_t *values, size_t words, const uint64_t *low, const uint64_t *span, size_t count,
                     uint64_t *out);
    void (*_Nonnull ranges64)(const uint64_t *values, size_t words, const uint64_t *low, const uint64_t *span, size_t count,
                     uint64_t *out);
    void (*_Nonnull lookup8)(const uint8_t *values, size_t words, const uint64_t *bits, uint64_t *out);
    void (*_Nonnull lookup16)(const uint16_t *values, size_t words, const uint64_t *bits, uint64_t *out);
    void (*_Nonnull lookup32)(const uint32_t *values, size_t words, const uint64_t *bits, uint64_t *out);
    void (*_Nonnull tally8)(const uint8_t *values, size_t words, int shift, const uint64_t *base, const uint64_t *members,
                    const uint64_t *_Nullable nulls, size_t stride, uint64_t *counts);
    void (*_Nonnull tally16)(const uint16_t *values, size_t words, int shift, const uint64_t *base, const uint64_t *members,
                    const uint64_t *_Nullable nulls, size_t stride, uint64_t *counts);
    void (*_Nonnull tally32)(const uint32_t *values, size_t words, int shift, const uint64_t *base, const uint64_t *members,
                    const uint64_t *_Nullable nulls, size_t stride, uint64_t *counts);
    void (*_Nonnull tally64)(const uint64_t *values, size_t words, int shift, const uint64_t *base, const uint64_t *members,
                    const uint64_t *_Nullable nulls, size_t stride, uint64_t *counts);
    void (*_Nonnull widen8)(const uint8_t *values, size_t rows, int64_t base, int64_t *out);
    void (*_Nonnull widen16)(const uint16_t *values, size_t rows, int64_t base, int64_t *out);
    void (*_Nonnull widen32)(const uint32_t *values, size_t rows, int64_t base, int64_t *out);
    void (*_Nonnull widen64)(const uint64_t *values, size_t rows, int64_t base, int64_t *out);
    uint64_t (*_Nonnull largest8)(const uint8_t *values, size_t rows);
    uint64_t (*_Nonnull largest16)(const uint16_t *values, size_t rows);
    uint64_t (*_Nonnull largest32)(const uint32_t *values, size_t rows);
    uint64_t (*_Nonnull largest64)(const uint64_t *values, size_t rows);
    /// Sets the bits of rows where `a` compares with `b` as asked.
    void (*_Nonnull compare64)(const int64_t *a, const int64_t *b, size_t words, enum column_comparison comparison,
                      uint64_t *out);
    /// Sets the bits of rows whose value lies in one of `count` ascending ranges `low[i] ... high[i]` that do not meet.
    void (*_Nonnull search64)(const int64_t *values, size_t words, const int64_t *low, const int64_t *high,
                              size_t count, uint64_t *out);
    /// out = mask, out & mask or out | mask, with mask = (mask ^ flip) & ~nulls; `nulls` may be NULL.
    /// `out` meets neither `mask` nor `nulls`.
    void (*_Nonnull combine)(const uint64_t *mask, uint64_t flip, const uint64_t *_Nullable nulls, size_t words, enum column_mode mode,
                    uint64_t *out);
    /// Number of set bits.
    uint64_t (*_Nonnull count)(const uint64_t *bits, size_t words);
};

/// Generations of kernels: 0 runs everywhere, 1 needs AVX2, 2 needs AVX-512 (BW, DQ, VL).
enum { COLUMN_LEVELS = 3 };

/// The kernels of a generation, or NULL when this processor lacks it.
const struct column_kernels *_Nullable column_kernels_of(int level);

#pragma clang assume_nonnull end

#endif
