/* Safetensors files in memory: https://github.com/huggingface/safetensors#format
 *
 * A file is the length of a header in 8 bytes, a header in JSON, and the arrays, which may begin at any byte. It is read
 * as a whole; arrays are copied out of it and into it.
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

/* Return the size of an array in bytes, or -1 if the file has none of this name. */
long long safetensors_size(const safetensors *file, const char *name);

/* Copy an array out of the file; returns 0, or -1 if it has none of this name and size. */
int safetensors_get(const safetensors *file, const char *name, void *array, size_t size);

/* Copy an array into the file; returns 0, or -1 if it has none of this name and size. */
int safetensors_set(safetensors *file, const char *name, const void *array, size_t size);

void safetensors_free(safetensors *file);

#endif
