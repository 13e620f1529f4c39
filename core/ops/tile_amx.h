/* Tiles of up to 32 rows of bytes in the registers of AMX: 16 rows by 64 bytes each. Packed weights lie as
 * these want them, and below 128 they are the same with a sign. */

#define TILE_ROWS 32
#define AMX_ROWS 16
#define AMX_STEPS 16 /* of 4 bytes, in a register's row */

typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} Amx;

/* Registers 0 to 3: sums, of the upper rows and the lower ones; 4 and 5: the rows; 6 and 7: the columns. */
static void NAME(begin_tiles)(int rows)
{
    const uint8_t upper = (uint8_t)(rows < AMX_ROWS ? rows : AMX_ROWS);
    const uint8_t lower = (uint8_t)(rows > AMX_ROWS ? rows - AMX_ROWS : 1);
    const Amx amx = {.palette = 1,
                     .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                     .rows = {upper, upper, lower, lower, upper, lower, AMX_ROWS, AMX_ROWS}};
    _tile_loadconfig(&amx);
}

static inline void NAME(end_tiles)(void)
{
    _tile_release();
}

/* Sums of num_blocks times 64 bytes of each run, to rows of `out` that many apart. What multiplies the columns,
 * which have a sign, has one or not. */
static ALWAYS_INLINE void NAME(registers)(const int whole, const int is_signed, const Operands *o,
                                          int64_t num_blocks, int32_t *out, int64_t out_row)
{
    const int64_t below = AMX_ROWS * o->x_stride, w_stride = o->w_stride;
    const char *w = o->w;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t run = 0; run < o->num_runs; run++) {
        const char *x = o->x + run * o->x_run;
        for (int64_t i = 0; i < num_blocks; i++) {
            const uintptr_t next = (uintptr_t)w + (uintptr_t)(AMX_STEPS * w_stride);
            for (int j = 0; j < AMX_STEPS; j++) { /* to fetch what lies behind the end does no harm */
                _mm_prefetch((const char *)(next + (uintptr_t)(j * w_stride)), _MM_HINT_T0);
                _mm_prefetch((const char *)(next + (uintptr_t)(j * w_stride) + 64), _MM_HINT_T0);
            }
            _tile_loadd(6, w, w_stride);
            _tile_loadd(4, x, o->x_stride);
            _tile_loadd(7, w + 64, w_stride);
            if (whole)
                _tile_loadd(5, x + below, o->x_stride);
            if (is_signed) {
                _tile_dpbssd(0, 4, 6);
                _tile_dpbssd(1, 4, 7);
            } else {
                _tile_dpbusd(0, 4, 6);
                _tile_dpbusd(1, 4, 7);
            }
            if (whole && is_signed) {
                _tile_dpbssd(2, 5, 6);
                _tile_dpbssd(3, 5, 7);
            } else if (whole) {
                _tile_dpbusd(2, 5, 6);
                _tile_dpbusd(3, 5, 7);
            }
            x += 4 * AMX_STEPS;
            w += AMX_STEPS * w_stride;
        }
    }
    _tile_stored(0, out, 4 * out_row);
    _tile_stored(1, out + 16, 4 * out_row);
    if (whole) {
        _tile_stored(2, out + AMX_ROWS * out_row, 4 * out_row);
        _tile_stored(3, out + AMX_ROWS * out_row + 16, 4 * out_row);
    }
}

static void NAME(signed_tile)(int rows, const Operands *o, int32_t *out, int64_t out_row)
{
    const int64_t num_blocks = o->num_steps / AMX_STEPS;
    if (rows > AMX_ROWS)
        NAME(registers)(1, 1, o, num_blocks, out, out_row);
    else
        NAME(registers)(0, 1, o, num_blocks, out, out_row);
}

static void NAME(unsigned_tile)(int rows, const Operands *o, int32_t *out, int64_t out_row)
{
    const int64_t num_blocks = o->num_steps / AMX_STEPS;
    if (rows > AMX_ROWS)
        NAME(registers)(1, 0, o, num_blocks, out, out_row);
    else
        NAME(registers)(0, 0, o, num_blocks, out, out_row);
}

/* What the registers do not take, 8 rows at a time. */
static void NAME(by_vectors)(int rows, int bytes, const Operands *o, int32_t *out)
{
    Operands some = *o;
    for (int row = 0; row < rows; row += FEW_ROWS, some.x += FEW_ROWS * o->x_stride)
        NAME(few)(rows - row < FEW_ROWS ? rows - row : FEW_ROWS, bytes, &some,
                  out + row * TILE_COLS);
}

static inline void NAME(tile)(int rows, int bytes, const Operands *o, int32_t *out)
{
    const int64_t num_blocks = o->num_steps / AMX_STEPS, rest = o->num_steps % AMX_STEPS;
    if (!bytes || !num_blocks || (rest && o->num_runs > 1)) {
        NAME(by_vectors)(rows, bytes, o, out);
        return;
    }
    NAME(signed_tile)(rows, o, out, TILE_COLS);
    if (rest) {
        int32_t sums[TILE_ROWS * TILE_COLS];
        Operands end = *o;
        end.x += num_blocks * 4 * AMX_STEPS;
        end.w += num_blocks * AMX_STEPS * o->w_stride;
        end.num_steps = rest;
        NAME(by_vectors)(rows, bytes, &end, sums);
        for (int i = 0; i < rows * TILE_COLS; i++)
            out[i] += sums[i];
    }
}
