#include "analysis/assign.h"

#include <math.h>
#include <stdbool.h>

#include "base/clock.h"

/* Rows are served one by one; column 0 is the row that is being served, real ones count from 1. A pair that
 * is none costs so much that a further real pair always pays. */
struct table {
    const double *cost;
    size_t rows, columns;
    double most, forbidden;
    double *u, *v, *least; /* potentials; the cheapest way to each column so far */
    size_t *row_of, *from; /* 1-based; 0: none */
    bool *seen;
};

static double cost_of(const struct table *t, size_t row, size_t column)
{
    double c = t->cost[(row - 1) * t->columns + column - 1];

    return c > t->most ? t->forbidden : c;
}

/* One step along the cheapest way from column j0 to the next one. */
static size_t step(struct table *t, size_t j0)
{
    size_t row = t->row_of[j0], next = 0;
    double delta = (double)INFINITY;

    t->seen[j0] = true;
    for (size_t j = 1; j <= t->columns; j++) {
        double reduced;
        if (t->seen[j])
            continue;
        reduced = cost_of(t, row, j) - t->u[row] - t->v[j];
        if (reduced < t->least[j]) {
            t->least[j] = reduced;
            t->from[j] = j0;
        }
        if (t->least[j] < delta) {
            delta = t->least[j];
            next = j;
        }
    }
    for (size_t j = 0; j <= t->columns; j++)
        if (t->seen[j]) {
            t->u[t->row_of[j]] += delta;
            t->v[j] -= delta;
        } else {
            t->least[j] -= delta;
        }
    return next;
}

static void serve(struct table *t, size_t row)
{
    size_t j = 0;

    for (size_t k = 0; k <= t->columns; k++) {
        t->least[k] = (double)INFINITY;
        t->seen[k] = false;
    }
    t->row_of[0] = row;
    do
        j = step(t, j);
    while (t->row_of[j]);
    for (; j; j = t->from[j])
        t->row_of[j] = t->row_of[t->from[j]];
}

static struct table make_table(struct arena *a, const double *cost, size_t rows, size_t columns, double most)
{
    size_t n = columns + 1;

    return (struct table){
        .cost = cost,
        .rows = rows,
        .columns = columns,
        .most = most,
        .forbidden = (most + 1) * (double)(rows + columns + 1),
        .u = arena_array(a, rows + 1, sizeof(double)),
        .v = arena_array(a, n, sizeof(double)),
        .least = arena_array(a, n, sizeof(double)),
        .row_of = arena_array(a, n, sizeof(size_t)),
        .from = arena_array(a, n, sizeof(size_t)),
        .seen = arena_array(a, n, sizeof(bool)),
    };
}

static double *turned(struct arena *a, const double *cost, size_t rows, size_t columns)
{
    double *t = arena_array(a, rows * columns, sizeof *t);

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            t[j * rows + i] = cost[i * columns + j];
    return t;
}

int assign(struct arena *a, const double *cost, size_t rows, size_t columns, double most,
           int64_t deadline_mono_us, int *ret, struct err *err)
{
    bool tall = rows > columns; /* the method wants at least as many columns as rows */
    struct table t;

    for (size_t i = 0; i < rows; i++)
        ret[i] = -1;
    if (!rows || !columns)
        return 0;
    if (rows > ASSIGN_MAX || columns > ASSIGN_MAX)
        return FAIL(err, ERR_LIMIT, "more than %d boxes cannot be paired", ASSIGN_MAX);
    t = tall ? make_table(a, turned(a, cost, rows, columns), columns, rows, most)
             : make_table(a, cost, rows, columns, most);
    for (size_t row = 1; row <= t.rows; row++) {
        if (deadline_mono_us && clock_mono_us() >= deadline_mono_us)
            return FAIL(err, ERR_TIMEOUT, "the deadline passed while boxes were paired");
        serve(&t, row);
    }
    for (size_t j = 1; j <= t.columns; j++)
        if (t.row_of[j] && !(cost_of(&t, t.row_of[j], j) > most))
            ret[tall ? j - 1 : t.row_of[j] - 1] = (int)(tall ? t.row_of[j] - 1 : j - 1);
    return 0;
}
