/* The face decoder, for the card that names it. */
#ifndef ASSAY_INFER_FACES_INT_H
#define ASSAY_INFER_FACES_INT_H

#include "infer/faces.h"

/* Fills in the names of the tensors in the order yunet_decode reads them; returns how many. */
size_t yunet_outputs(const char *ret_names[CARD_MAX_OUTPUTS]);
/* ERR_MODEL when the outputs do not have the cells of the card's input. */
int yunet_check(const struct card *card, const struct tensor_list *out, struct err *err);
/* Rows of its outputs together: the most faces there can be. */
size_t yunet_cells(const struct card *card);

#endif
