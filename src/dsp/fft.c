#include "dsp/fft_int.h"

#include <libavutil/mem.h>
#include <libavutil/tx.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

struct fft {
    AVTXContext *tx;
    av_tx_fn run;
    size_t n;
    double *in;            /* n */
    AVComplexDouble *bins; /* n/2 + 1 */
};

void fft_freep(struct fft **f)
{
    if (!*f)
        return;
    av_tx_uninit(&(*f)->tx);
    av_free((*f)->in);
    av_free((*f)->bins);
    freep(f);
}

struct fft *fft_new(int n, struct err *err)
{
    CLEANUP(fft_freep) struct fft *f = mem_alloc(sizeof *f);
    const double scale = 1;

    f->n = (size_t)n;
    f->in = av_calloc(f->n, sizeof *f->in);
    f->bins = av_calloc(f->n / 2 + 1, sizeof *f->bins);
    if (!f->in || !f->bins || av_tx_init(&f->tx, &f->run, AV_TX_DOUBLE_RDFT, 0, n, &scale, 0) < 0)
        return FAIL_NULL(err, ERR_INTERNAL, "There is no FFT of length %d", n);
    return TAKE(f);
}

void fft_power(struct fft *f, const double *x, size_t len, double *ret_power)
{
    size_t used = len < f->n ? len : f->n;

    memcpy(f->in, x, used * sizeof *x);
    memset(f->in + used, 0, (f->n - used) * sizeof *x);
    f->run(f->tx, f->bins, f->in, sizeof *f->in);
    for (size_t i = 0; i <= f->n / 2; i++)
        ret_power[i] = f->bins[i].re * f->bins[i].re + f->bins[i].im * f->bins[i].im;
}
