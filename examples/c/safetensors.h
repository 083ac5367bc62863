/* Safetensors files in memory: https://github.com/huggingface/safetensors#format
 *
 * A file is the length of a header in 8 bytes, a header in JSON, and the arrays. It is read as a whole; arrays are used,
 * and changed, where they lie.
 */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include <stddef.h>

typedef struct safetensors {
    unsigned char *bytes; /* the file */
    size_t size;          /* of the file */
    char *header;         /* its header as a string */
    unsigned char *data;  /* where its arrays begin */
} safetensors;

/* Read a file; returns 0, or -1 if that is impossible. */
int safetensors_read(safetensors *file, const char *path);

/* Write a file; returns 0, or -1 if that is impossible. */
int safetensors_write(const safetensors *file, const char *path);

/* Return an array and its size in bytes, or NULL if the file has none of this name. */
void *safetensors_find(const safetensors *file, const char *name, size_t *size);

void safetensors_free(safetensors *file);

#endif
