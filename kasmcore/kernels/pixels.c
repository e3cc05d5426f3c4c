/* The work on pixels and masks that is done for every frame. The same in numpy is beside each call
 * of it in kasmcore/pipeline; both must give the same results. Plain C: the compiler vectorises. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pixels.h"

#define API __attribute__((visibility("default")))
#define TILE 16
#define TILE_BYTES (4 * TILE)
#define FOUR 4

typedef uint8_t byte;
/* 16 bytes at any address; gcc and clang know such types on all processors. */
typedef uint64_t chunk __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint32_t four_pixels __attribute__((vector_size(16), aligned(1), may_alias));

static uint32_t pixel_at(const byte *row, int32_t x) {
    uint32_t pixel;
    memcpy(&pixel, row + 4 * (ptrdiff_t)x, 4);
    return pixel;
}

static int32_t smaller(int32_t one, int32_t other) { return one < other ? one : other; }

static int32_t larger(int32_t one, int32_t other) { return one > other ? one : other; }

/* Tiles in a row of pixels, compared without a branch in between. Four at a time are quickest where
 * nothing changed. */
static int tiles_differ(const byte *one, const byte *other, int tiles) {
    chunk difference = {0, 0};
    for (int i = 0; i < tiles * TILE_BYTES; i += (int)sizeof(chunk))
        difference |= *(const chunk *)(one + i) ^ *(const chunk *)(other + i);
    return (difference[0] | difference[1]) != 0;
}

API uint32_t kasmcore_pixels_source(void) { return KASMCORE_SOURCE; }

/* Marks the tiles that differ in one row of pixels; returns how many are marked newly. */
static int32_t mark_row(const byte *before, const byte *after, int32_t width, byte *differs) {
    int32_t whole = width / TILE, rest = width % TILE, marked = 0;
    for (int32_t tile = 0; tile < whole; tile++) {
        ptrdiff_t at = (ptrdiff_t)tile * TILE_BYTES;
        if (tile % FOUR == 0 && tile + FOUR <= whole) {
            uint32_t known;
            memcpy(&known, differs + tile, FOUR);
            if (known == 0x01010101 ||
                (!known && !tiles_differ(before + at, after + at, FOUR))) {
                tile += FOUR - 1;
                continue;
            }
        }
        if (!differs[tile] && tiles_differ(before + at, after + at, 1)) {
            differs[tile] = 1;
            marked++;
        }
    }
    if (rest && !differs[whole]) {
        ptrdiff_t at = (ptrdiff_t)whole * TILE_BYTES;
        if (memcmp(before + at, after + at, 4 * (size_t)rest)) {
            differs[whole] = 1;
            marked++;
        }
    }
    return marked;
}

/* Row by row, as memory is read quickest; the middle first, so that what changed wholly is known at
 * once. */
API void kasmcore_differing_tiles(address before, ptrdiff_t before_stride, address after,
                                  ptrdiff_t after_stride, int32_t width, int32_t height,
                                  address differs_address) {
    byte *differs = (byte *)differs_address;
    int32_t columns = (width + TILE - 1) / TILE;
    for (int32_t top = 0; top < height; top += TILE, differs += columns) {
        int32_t rows = smaller(TILE, height - top), left = columns;
        memset(differs, 0, (size_t)columns);
        for (int32_t turn = -1; turn < rows && left; turn++) {
            int32_t row = top + (turn < 0 ? rows / 2 : turn);
            left -= mark_row((const byte *)before + row * before_stride,
                             (const byte *)after + row * after_stride, width, differs);
        }
    }
}

API void kasmcore_differing_outside(address before, ptrdiff_t before_stride, address after,
                                    ptrdiff_t after_stride, int32_t width, int32_t height,
                                    address rectangles_address, int32_t rectangle_count,
                                    address differs_address) {
    const int32_t *rectangles = (const int32_t *)rectangles_address;
    byte *differs = (byte *)differs_address;
    int32_t columns = (width + TILE - 1) / TILE, rows = (height + TILE - 1) / TILE;
    memset(differs, 0, (size_t)columns * (size_t)rows);
    for (int32_t y = 0; y < height; y++) {
        const byte *old = (const byte *)before + y * before_stride;
        const byte *now = (const byte *)after + y * after_stride;
        byte *cells = differs + (ptrdiff_t)(y / TILE) * columns;
        for (int32_t x = 0; x < width;) {
            int32_t next = x;
            for (int32_t i = 0; i < rectangle_count; i++) {
                const int32_t *r = rectangles + 4 * (ptrdiff_t)i;
                if (r[0] <= x && x < r[2] && r[1] <= y && y < r[3]) next = larger(next, r[2]);
            }
            if (next > x) {
                x = next;
            } else if (cells[x / TILE]) {
                x = (x / TILE + 1) * TILE;
            } else {
                if (pixel_at(old, x) != pixel_at(now, x)) cells[x / TILE] = 1;
                x++;
            }
        }
    }
}

API int32_t kasmcore_equal_lines(address before, ptrdiff_t before_stride, address after,
                                 ptrdiff_t after_stride, int32_t width, int32_t height,
                                 int32_t is_sideways, int32_t is_backwards) {
    int32_t equal = is_sideways ? width : height;
    for (int32_t turn = 0; turn < height; turn++) {
        int32_t y = is_backwards ? height - 1 - turn : turn;
        const byte *old = (const byte *)before + y * before_stride;
        const byte *now = (const byte *)after + y * after_stride;
        if (!is_sideways) {
            if (memcmp(old, now, 4 * (size_t)width)) return turn;
            continue;
        }
        for (int32_t i = 0; i < equal; i++) {
            int32_t x = is_backwards ? width - 1 - i : i;
            if (pixel_at(old, x) != pixel_at(now, x)) equal = i;
        }
    }
    return equal;
}

API void kasmcore_neighbours(address pixels, ptrdiff_t stride, int32_t width, int32_t height,
                             int32_t row_step, int32_t little, address equal_address,
                             address faint_address) {
    uint32_t *equal = (uint32_t *)equal_address, *faint = (uint32_t *)faint_address;
    int32_t columns = (width + TILE - 1) / TILE, rows = (height + TILE - 1) / TILE;
    memset(equal, 0, 4 * (size_t)columns * (size_t)rows);
    memset(faint, 0, 4 * (size_t)columns * (size_t)rows);
    for (int32_t y = 0; y < height; y += row_step) {
        const byte *row = (const byte *)pixels + y * stride;
        ptrdiff_t cells = (ptrdiff_t)(y / TILE) * columns;
        for (int32_t tile = 0; tile < columns; tile++) {
            int32_t end = smaller((tile + 1) * TILE, width - 1);
            uint32_t equals = 0, faints = 0;
            for (int32_t x = tile * TILE; x < end; x++) {
                uint32_t here = pixel_at(row, x), next = pixel_at(row, x + 1);
                int32_t step = (int32_t)(next >> 8 & 255) - (int32_t)(here >> 8 & 255);
                uint32_t is_equal = !((here ^ next) & 0xFFFFFF);
                /* Steps go round at 256, as those of bytes do. */
                uint32_t is_little = ((uint32_t)(step + little) & 255) <= (uint32_t)(2 * little);
                equals += is_equal;
                faints += is_little & !is_equal;
            }
            equal[cells + tile] += equals;
            faint[cells + tile] += faints;
        }
    }
}

API void kasmcore_row_hashes(address pixels, ptrdiff_t stride, int32_t words, int32_t word_bytes,
                             int32_t rows, address weights_address, address hashes_address) {
    const uint64_t *weights = (const uint64_t *)weights_address;
    uint64_t *hashes = (uint64_t *)hashes_address;
    for (int32_t y = 0; y < rows; y++) {
        const byte *row = (const byte *)pixels + y * stride;
        uint64_t sum = 0, word = 0;
        if (word_bytes == 8) {
            for (int32_t i = 0; i < words; i++) {
                memcpy(&word, row + 8 * (ptrdiff_t)i, 8);
                sum += word * weights[i];
            }
        } else {
            for (int32_t i = 0; i < words; i++) sum += pixel_at(row, i) * weights[i];
            sum &= 0xFFFFFFFF;
        }
        hashes[y] = sum;
    }
}

API void kasmcore_column_hashes(address pixels, ptrdiff_t stride, int32_t width, int32_t height,
                                address weights_address, address hashes_address) {
    const uint64_t *weights = (const uint64_t *)weights_address;
    uint64_t *hashes = (uint64_t *)hashes_address;
    memset(hashes, 0, 8 * (size_t)width);
    for (int32_t y = 0; y < height; y++) {
        const byte *row = (const byte *)pixels + y * stride;
        uint32_t weight = (uint32_t)weights[y];
        for (int32_t x = 0; x < width; x++) hashes[x] += (uint64_t)pixel_at(row, x) * weight;
    }
    for (int32_t x = 0; x < width; x++) hashes[x] &= 0xFFFFFFFF;
}

/* Some of 16 pixels are this one: mostly none is. */
static int any_is(const byte *pixels, uint32_t value) {
    const four_pixels wanted = {value, value, value, value};
    chunk same = {0, 0};
    for (int i = 0; i < TILE_BYTES; i += (int)sizeof(chunk))
        same |= (chunk)(*(const four_pixels *)(pixels + i) == wanted);
    return (same[0] | same[1]) != 0;
}

API int32_t kasmcore_find_run(address run_address, int32_t length, address window,
                              ptrdiff_t stride, int32_t width, int32_t height, address found_address,
                              int32_t most) {
    const byte *run = (const byte *)run_address;
    int32_t *found = (int32_t *)found_address, count = 0;
    uint32_t first = pixel_at(run, 0), last = pixel_at(run, length - 1);
    size_t bytes = 4 * (size_t)length;
    for (int32_t y = 0; y < height; y++) {
        const byte *row = (const byte *)window + y * stride;
        for (int32_t x = 0; x + length <= width; x++) {
            if (x % TILE == 0 && x + TILE <= width && !any_is(row + 4 * (ptrdiff_t)x, first)) {
                x += TILE - 1;
                continue;
            }
            if (pixel_at(row, x) != first || pixel_at(row, x + length - 1) != last) continue;
            if (memcmp(row + 4 * (ptrdiff_t)x, run, bytes)) continue;
            if (count == most) return count;
            found[2 * count] = x;
            found[2 * count + 1] = y;
            count++;
        }
    }
    return count;
}

API void kasmcore_busiest_runs(address row_address, int32_t length, address bounds_address,
                               int32_t span_count, int32_t fewest, address places_address) {
    const byte *row = (const byte *)row_address;
    const int32_t *bounds = (const int32_t *)bounds_address;
    int32_t *places = (int32_t *)places_address;
    for (int32_t span = 0; span < span_count; span++) {
        int32_t start = bounds[span], stop = bounds[span + 1], changes = 0, best = fewest - 1;
        places[span] = -1;
        for (int32_t x = start + 1; x < start + length; x++)
            changes += pixel_at(row, x) != pixel_at(row, x - 1);
        for (int32_t x = start; x < stop; x++) {
            if (changes > best) {
                best = changes;
                places[span] = x;
            }
            if (x + 1 == stop) break;
            changes += pixel_at(row, x + length) != pixel_at(row, x + length - 1);
            changes -= pixel_at(row, x + 1) != pixel_at(row, x);
        }
    }
}

/* The next run of cells of a row from a column on, over gaps of so many; 0 when there is none. */
static int next_run(const byte *row, int32_t columns, int32_t bridging, int32_t *left,
                    int32_t *right) {
    int32_t x = *right;
    while (x < columns && !row[x]) x++;
    if (x >= columns) return 0;
    *left = x;
    *right = x + 1;
    for (x++; x < columns && x - *right <= bridging; x++)
        if (row[x]) *right = x + 1;
    return 1;
}

/* A row has just this run, not a part of a longer one. */
static int has_run(const byte *row, int32_t columns, int32_t left, int32_t right) {
    if ((left && row[left - 1]) || (right < columns && row[right])) return 0;
    return !memchr(row + left, 0, (size_t)(right - left));
}

static void put(int32_t *box, int32_t left, int32_t top, int32_t right, int32_t bottom) {
    box[0] = left;
    box[1] = top;
    box[2] = right;
    box[3] = bottom;
}

API int32_t kasmcore_rectangles(address mask, ptrdiff_t stride, int32_t columns, int32_t rows,
                                address scratch, address found_address) {
    int32_t *top_of = (int32_t *)scratch; /* of the run above that begins at a column */
    int32_t *found = (int32_t *)found_address, count = 0, left, right;
    for (int32_t y = 0; y <= rows; y++) {
        const byte *row = y < rows ? (const byte *)mask + y * stride : NULL;
        const byte *above = y ? (const byte *)mask + (y - 1) * stride : NULL;
        if (row && above && !memcmp(row, above, (size_t)columns)) continue;
        left = right = 0;
        while (above && next_run(above, columns, 0, &left, &right))
            if (!row || !has_run(row, columns, left, right))
                put(found + 4 * (ptrdiff_t)count++, left, top_of[left], right, y);
        left = right = 0;
        while (row && next_run(row, columns, 0, &left, &right))
            if (!above || !has_run(above, columns, left, right)) top_of[left] = y;
    }
    return count;
}

/* The group that stands for one; the way to it is made shorter. */
static int32_t root_of(int32_t *parents, int32_t group) {
    while (parents[group] != group) group = parents[group] = parents[parents[group]];
    return group;
}

/* Joins two groups; returns the one that stands for both. */
static int32_t joined(int32_t *parents, int32_t *boxes, int32_t one, int32_t other) {
    one = root_of(parents, one);
    other = root_of(parents, other);
    if (one == other) return one;
    int32_t kept = smaller(one, other), gone = larger(one, other);
    int32_t *box = boxes + 4 * (ptrdiff_t)kept, *added = boxes + 4 * (ptrdiff_t)gone;
    put(box, smaller(box[0], added[0]), smaller(box[1], added[1]), larger(box[2], added[2]),
        larger(box[3], added[3]));
    parents[gone] = kept;
    return kept;
}

API int32_t kasmcore_groups(address mask, ptrdiff_t stride, int32_t columns, int32_t rows,
                            address scratch, address found_address) {
    int32_t *boxes = (int32_t *)found_address, groups = 0, counts[3] = {0, 0, 0};
    int32_t *runs[3], *parents = (int32_t *)scratch + 9 * (ptrdiff_t)columns;
    for (int i = 0; i < 3; i++) runs[i] = (int32_t *)scratch + 3 * (ptrdiff_t)columns * i;
    for (int32_t y = 0; y < rows; y++) {
        const byte *row = (const byte *)mask + y * stride;
        int32_t *these = runs[y % 3], left = 0, right = 0, count = 0;
        for (; next_run(row, columns, 1, &left, &right); count++) {
            int32_t group = groups++;
            parents[group] = group;
            put(boxes + 4 * (ptrdiff_t)group, left, y, right, y + 1);
            for (int32_t back = 1; back <= smaller(2, y); back++) {
                const int32_t *other = runs[(y - back) % 3];
                for (int32_t i = 0; i < counts[(y - back) % 3]; i++, other += 3)
                    if (left <= other[1] + 1 && other[0] <= right + 1)
                        group = joined(parents, boxes, group, other[2]);
            }
            these[3 * count] = left;
            these[3 * count + 1] = right;
            these[3 * count + 2] = group;
        }
        counts[y % 3] = count;
    }
    int32_t kept = 0;
    for (int32_t group = 0; group < groups; group++)
        if (parents[group] == group) {
            memmove(boxes + 4 * (ptrdiff_t)kept, boxes + 4 * (ptrdiff_t)group, 16);
            kept++;
        }
    return kept;
}
