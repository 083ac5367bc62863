#include "safetensors.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = 8 };

/* Return the contents of a file, and their size; NULL if it cannot be read. */
static unsigned char *read_all(const char *path, size_t *size)
{
    FILE *stream = fopen(path, "rb");
    unsigned char *bytes = NULL;
    long end;

    if (stream == NULL)
        return NULL;
    if (fseek(stream, 0, SEEK_END) == 0 && (end = ftell(stream)) > 0 && fseek(stream, 0, SEEK_SET) == 0) {
        *size = (size_t)end;
        bytes = malloc(*size);
    }
    if (bytes != NULL && fread(bytes, 1, *size, stream) != *size) {
        free(bytes);
        bytes = NULL;
    }
    fclose(stream);
    return bytes;
}

/* Return the length of the header: a little-endian number, or SIZE_MAX if there is no room for one. */
static size_t header_length(const unsigned char *bytes, size_t size)
{
    uint64_t length = 0;

    if (size < LENGTH)
        return SIZE_MAX;
    for (int i = LENGTH; i-- > 0;)
        length = length << 8 | bytes[i];
    return length <= size - LENGTH ? (size_t)length : SIZE_MAX;
}

int safetensors_read(safetensors *file, const char *path)
{
    size_t length;

    memset(file, 0, sizeof *file);
    file->bytes = read_all(path, &file->size);
    if (file->bytes == NULL)
        return -1;
    length = header_length(file->bytes, file->size);
    file->header = length == SIZE_MAX ? NULL : malloc(length + 1);
    if (file->header == NULL) {
        safetensors_free(file);
        return -1;
    }
    memcpy(file->header, file->bytes + LENGTH, length);
    file->header[length] = '\0';
    file->data = file->bytes + LENGTH + length;
    return 0;
}

int safetensors_write(const safetensors *file, const char *path)
{
    FILE *stream = fopen(path, "wb");
    size_t written;

    if (stream == NULL)
        return -1;
    written = fwrite(file->bytes, 1, file->size, stream);
    return fclose(stream) == 0 && written == file->size ? 0 : -1;
}

/* Return what follows "name": in the header; NULL if there is no such key. */
static const char *entry(const safetensors *file, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = strchr(file->header, '"'); at != NULL; at = strchr(at + 1, '"'))
        if (strncmp(at + 1, name, length) == 0 && strncmp(at + 1 + length, "\":", 2) == 0)
            return at + length + 3;
    return NULL;
}

void *safetensors_find(const safetensors *file, const char *name, size_t *size)
{
    const char *found = entry(file, name);
    const char *offsets = found == NULL ? NULL : strstr(found, "\"data_offsets\":[");
    size_t available = file->size - (size_t)(file->data - file->bytes);
    unsigned long long begin, end;

    if (offsets == NULL || sscanf(offsets, "\"data_offsets\":[%llu,%llu]", &begin, &end) != 2)
        return NULL;
    if (begin > end || end > available)
        return NULL;
    *size = (size_t)(end - begin);
    return file->data + begin;
}

void safetensors_free(safetensors *file)
{
    free(file->header);
    free(file->bytes);
}
