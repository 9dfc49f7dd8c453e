/* The C23 names that pay, for gcc 12 and clang 14. */
#ifndef ASSAY_BASE_C23_H
#define ASSAY_BASE_C23_H

#define ckd_add(r, a, b)   __builtin_add_overflow((a), (b), (r))
#define ckd_sub(r, a, b)   __builtin_sub_overflow((a), (b), (r))
#define ckd_mul(r, a, b)   __builtin_mul_overflow((a), (b), (r))
#define MUST_USE           __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define UNUSED             __attribute__((unused))
#define COUNT_OF(a)        (sizeof(a) / sizeof((a)[0]))

#endif
