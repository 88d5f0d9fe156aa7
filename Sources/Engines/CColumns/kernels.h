// The loops of CColumns, once per processor generation; NAME(x) and TARGET come from CColumns.c.
// SPDX-License-Identifier: Apache-2.0

#define RANGES(BITS, LANES)                                                                                          \
    TARGET static void NAME(ranges##BITS)(const uint##BITS##_t *values, size_t words, const uint64_t *low,           \
                                          const uint64_t *span, size_t count, uint64_t *out) {                       \
        if (count == 1) {                                                                                            \
            const uint##BITS##_t first = (uint##BITS##_t)low[0], reach = (uint##BITS##_t)span[0];                    \
            for (size_t w = 0; w < words; w++) {                                                                     \
                uint64_t word = 0;                                                                                   \
                for (int part = 0; part < 64 / LANES; part++) {                                                      \
                    vector##BITS v;                                                                                  \
                    memcpy(&v, values + 64 * w + part * LANES, sizeof v);                                            \
                    word |= bits##LANES(__builtin_convertvector(v - first <= reach, bools##LANES))                   \
                            << (part * LANES & 63);                                                                  \
                }                                                                                                    \
                out[w] = word;                                                                                       \
            }                                                                                                        \
            return;                                                                                                  \
        }                                                                                                            \
        for (size_t w = 0; w < words; w++) {                                                                         \
            uint64_t word = 0;                                                                                       \
            for (int part = 0; part < 64 / LANES; part++) {                                                          \
                vector##BITS v;                                                                                      \
                memcpy(&v, values + 64 * w + part * LANES, sizeof v);                                                \
                uint64_t hits = 0;                                                                                   \
                for (size_t i = 0; i < count; i++)                                                                   \
                    hits |= bits##LANES(__builtin_convertvector(                                                     \
                        v - (uint##BITS##_t)low[i] <= (uint##BITS##_t)span[i], bools##LANES));                       \
                word |= hits << (part * LANES & 63);                                                                 \
            }                                                                                                        \
            out[w] = word;                                                                                           \
        }                                                                                                            \
    }

RANGES(8, 64)
RANGES(16, 32)
RANGES(32, 16)
RANGES(64, 8)

#define LOOKUP(BITS)                                                                                                 \
    TARGET static void NAME(lookup##BITS)(const uint##BITS##_t *values, size_t words, const uint64_t *bits,          \
                                          uint64_t *out) {                                                           \
        for (size_t w = 0; w < words; w++) {                                                                         \
            uint64_t word = 0;                                                                                       \
            for (int i = 0; i < 64; i++) {                                                                           \
                const uint##BITS##_t v = values[64 * w + i];                                                         \
                word |= (bits[v >> 6] >> (v & 63) & 1) << i;                                                         \
            }                                                                                                        \
            out[w] = word;                                                                                           \
        }                                                                                                            \
    }

LOOKUP(8)
LOOKUP(16)
LOOKUP(32)

// Four tables when `stride` is not 0, so that neighbours with one value do not wait for each other.
#define TALLY(BITS)                                                                                                  \
    TARGET static void NAME(tally##BITS)(const uint##BITS##_t *values, size_t words, int shift,                      \
                                         const uint64_t *base, const uint64_t *members, const uint64_t *nulls,       \
                                         size_t stride, uint64_t *counts) {                                          \
        uint64_t *const first = counts, *const second = counts + stride, *const third = counts + 2 * stride,         \
                        *const fourth = counts + 3 * stride;                                                         \
        for (size_t w = 0; w < words; w++) {                                                                         \
            const uint64_t present = nulls ? ~nulls[w] : ~(uint64_t)0;                                               \
            const uint64_t b = base[w] & present, m = members[w] & b;                                                \
            if (b == 0) continue;                                                                                    \
            const uint##BITS##_t *const v = values + 64 * w;                                                         \
            for (int i = 0; i < 64; i += 4) {                                                                        \
                first[v[i] >> shift] += (b >> i & 1) | (m >> i & 1) << 32;                                           \
                second[v[i + 1] >> shift] += (b >> (i + 1) & 1) | (m >> (i + 1) & 1) << 32;                          \
                third[v[i + 2] >> shift] += (b >> (i + 2) & 1) | (m >> (i + 2) & 1) << 32;                           \
                fourth[v[i + 3] >> shift] += (b >> (i + 3) & 1) | (m >> (i + 3) & 1) << 32;                          \
            }                                                                                                        \
        }                                                                                                            \
    }

TALLY(8)
TALLY(16)
TALLY(32)
TALLY(64)

#define WIDEN(BITS)                                                                                                  \
    TARGET static void NAME(widen##BITS)(const uint##BITS##_t *values, size_t rows, int64_t base, int64_t *out) {    \
        for (size_t i = 0; i < rows; i++) out[i] = (int64_t)((uint64_t)base + values[i]);                            \
    }                                                                                                                \
    TARGET static uint64_t NAME(largest##BITS)(const uint##BITS##_t *values, size_t rows) {                          \
        uint##BITS##_t largest = 0;                                                                                  \
        for (size_t i = 0; i < rows; i++) largest = values[i] > largest ? values[i] : largest;                       \
        return largest;                                                                                              \
    }

WIDEN(8)
WIDEN(16)
WIDEN(32)
WIDEN(64)

TARGET static void NAME(compare64)(const int64_t *a, const int64_t *b, size_t words,
                                   enum column_comparison comparison, uint64_t *out) {
    for (size_t w = 0; w < words; w++) {
        uint64_t word = 0;
        for (int part = 0; part < 8; part++) {
            signed64 x, y;
            memcpy(&x, a + 64 * w + 8 * part, sizeof x);
            memcpy(&y, b + 64 * w + 8 * part, sizeof y);
            const signed64 hits = comparison == COLUMN_LESS ? x < y : comparison == COLUMN_EQUAL ? x == y : x <= y;
            word |= bits8(__builtin_convertvector(hits, bools8)) << (8 * part);
        }
        out[w] = word;
    }
}

TARGET static void NAME(search64)(const int64_t *values, size_t words, const int64_t *low, const int64_t *high,
                                  size_t count, uint64_t *out) {
    for (size_t w = 0; w < words; w++) {
        uint64_t word = 0;
        for (int i = 0; i < 64; i++) {
            const int64_t v = values[64 * w + i];
            // The last range that starts at or below v; the first one when all start above.
            const int64_t *at = low;
            for (size_t rest = count; rest > 1;) {
                const size_t half = rest / 2;
                at = at[half] <= v ? at + half : at;
                rest -= half;
            }
            word |= (uint64_t)(*at <= v && v <= high[at - low]) << i;
        }
        out[w] = word;
    }
}

// One loop for each way to merge, without a branch in it.
#define MERGE(EXPRESSION)                                                                                            \
    if (nulls) {                                                                                                     \
        for (size_t w = 0; w < words; w++) {                                                                         \
            const uint64_t word = (mask[w] ^ flip) & ~nulls[w];                                                      \
            out[w] = EXPRESSION;                                                                                     \
        }                                                                                                            \
    } else {                                                                                                         \
        for (size_t w = 0; w < words; w++) {                                                                         \
            const uint64_t word = mask[w] ^ flip;                                                                    \
            out[w] = EXPRESSION;                                                                                     \
        }                                                                                                            \
    }

TARGET static void NAME(combine)(const uint64_t *restrict mask, uint64_t flip, const uint64_t *restrict nulls,
                                 size_t words, enum column_mode mode, uint64_t *restrict out) {
    switch (mode) {
    case COLUMN_SET: MERGE(word) break;
    case COLUMN_AND: MERGE(out[w] & word) break;
    case COLUMN_OR: MERGE(out[w] | word) break;
    }
}

TARGET static uint64_t NAME(count)(const uint64_t *bits, size_t words) {
    uint64_t total = 0;
    for (size_t w = 0; w < words; w++) total += (uint64_t)__builtin_popcountll(bits[w]);
    return total;
}

static const struct column_kernels NAME(kernels) = {
    .ranges8 = NAME(ranges8),
    .ranges16 = NAME(ranges16),
    .ranges32 = NAME(ranges32),
    .ranges64 = NAME(ranges64),
    .lookup8 = NAME(lookup8),
    .lookup16 = NAME(lookup16),
    .lookup32 = NAME(lookup32),
    .tally8 = NAME(tally8),
    .tally16 = NAME(tally16),
    .tally32 = NAME(tally32),
    .tally64 = NAME(tally64),
    .widen8 = NAME(widen8),
    .widen16 = NAME(widen16),
    .widen32 = NAME(widen32),
    .widen64 = NAME(widen64),
    .largest8 = NAME(largest8),
    .largest16 = NAME(largest16),
    .largest32 = NAME(largest32),
    .largest64 = NAME(largest64),
    .compare64 = NAME(compare64),
    .search64 = NAME(search64),
    .combine = NAME(combine),
    .count = NAME(count),
};

#undef MERGE
#undef RANGES
#undef LOOKUP
#undef TALLY
#undef WIDEN
