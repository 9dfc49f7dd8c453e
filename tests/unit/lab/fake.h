/* Stands in for infer/ and analysis/ in the tests of the lab. The fake analysis does what the subject's name
 * says. */
#ifndef ASSAY_TEST_LAB_FAKE_H
#define ASSAY_TEST_LAB_FAKE_H

#define FAKE_MODEL "fake-detector"
/* A file in the models directory with this name makes the models fail to load. */
#define FAKE_BAD_DIR "/nonexistent/assay-bad-models"

#endif
