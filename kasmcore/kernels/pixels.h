/* What the library offers. Read by the compiler and, as it stands, by cffi: declarations only.
 *
 * An address is that of the first pixel, cell or word of an area; strides are bytes from row to row.
 * Pixels are four bytes and follow each other; so do the cells (bytes, 0 or 1) of a mask's row.
 * The caller answers for it that every area lies inside its memory. */

typedef uintptr_t address;

/* A number made from the source that the library was compiled from. */
uint32_t kasmcore_pixels_source(void);

/* Cells of tiles with a pixel that differs, row after row without gaps. */
void kasmcore_differing_tiles(address before, ptrdiff_t before_stride, address after,
                              ptrdiff_t after_stride, int32_t width, int32_t height,
                              address differs);

/* The same, but pixels inside one of the rectangles (left, top, right, bottom in the area) do not
 * count. */
void kasmcore_differing_outside(address before, ptrdiff_t before_stride, address after,
                                ptrdiff_t after_stride, int32_t width, int32_t height,
                                address rectangles, int32_t rectangle_count, address differs);

/* How many rows, columns when sideways, are equal from the first one on, or from the last one back. */
int32_t kasmcore_equal_lines(address before, ptrdiff_t before_stride, address after,
                             ptrdiff_t after_stride, int32_t width, int32_t height,
                             int32_t is_sideways, int32_t is_backwards);

/* One number for each row: the sum of its words times weights (8 bytes each), which wraps at the
 * words' size, 4 or 8 bytes. */
void kasmcore_row_hashes(address pixels, ptrdiff_t stride, int32_t words, int32_t word_bytes,
                         int32_t rows, address weights, address hashes);

/* One number for each column: the sum of its pixels times weights (8 bytes each), wrapped at 4. */
void kasmcore_column_hashes(address pixels, ptrdiff_t stride, int32_t width, int32_t height,
                            address weights, address hashes);

/* For each tile of an area, on every row_step-th row: pixels whose colour is that of the next one to
 * the right, and pixels whose green differs little from it. */
void kasmcore_neighbours(address pixels, ptrdiff_t stride, int32_t width, int32_t height,
                         int32_t row_step, int32_t little, address equal, address faint);

/* Where a run of pixels occurs in a window, as (column, row), row by row, at most so many. */
int32_t kasmcore_find_run(address run, int32_t length, address window, ptrdiff_t stride,
                          int32_t width, int32_t height, address found, int32_t most);

/* The first place in each of some spans (bounds: span_count + 1) of a row of pixels where most
 * colours change along a run that starts there; -1 where fewer than fewest do. */
void kasmcore_busiest_runs(address row, int32_t length, address bounds, int32_t span_count,
                           int32_t fewest, address places);

/* Runs of a mask's rows joined with equal ones below: (left, top, right, bottom). As many as there
 * are cells in a row are used of scratch. */
int32_t kasmcore_rectangles(address mask, ptrdiff_t stride, int32_t columns, int32_t rows,
                            address scratch, address found);

/* Bounds of groups of cells with at most one other between them: (left, top, right, bottom).
 * Used of scratch: as many as there can be groups, and 9 more for each column. */
int32_t kasmcore_groups(address mask, ptrdiff_t stride, int32_t columns, int32_t rows,
                        address scratch, address found);
