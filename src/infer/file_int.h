/* Whole files into memory, for cards and models. */
#ifndef ASSAY_INFER_FILE_INT_H
#define ASSAY_INFER_FILE_INT_H

#include "base/bytes.h"
#include "base/err.h"

/* Appends the file to `ret`; ERR_LIMIT over its ceiling, ERR_NOT_FOUND, ERR_IO. */
int file_read(const char *path, struct buf *ret, struct err *err);

#endif
