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

/* Return where white space ends. */
static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Return what follows a string that begins at a quotation mark. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return *at == '"' ? at + 1 : at;
}

/* Return what follows a value: text, a number, or anything in brackets. */
static const char *skip_value(const char *at)
{
    int depth = 0;

    do {
        if (*at == '"')
            at = skip_string(at);
        else
            depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']'), at++;
    } while (*at != '\0' && (depth > 0 || strchr(",}]", *at) == NULL));
    return at;
}

/* Return the value of a key in the object that begins at `at`; NULL if it has no such key. */
static const char *member(const char *at, const char *key)
{
    size_t length = strlen(key);

    at = skip_space(at);
    while (*at == '{' || *at == ',') {
        const char *begin = skip_space(at + 1), *end, *value;

        if (*begin != '"')
            return NULL;
        end = skip_string(begin);
        value = skip_space(end);
        if (*value != ':')
            return NULL;
        value = skip_space(value + 1);
        if ((size_t)(end - begin) == length + 2 && memcmp(begin + 1, key, length) == 0)
            return value;
        at = skip_space(skip_value(value));
    }
    return NULL;
}

/* Return an array and its size in bytes; NULL if the file has none of this name. */
static unsigned char *find(const safetensors *file, const char *name, size_t *size)
{
    const char *about = member(file->header, name);
    const char *offsets = about == NULL ? NULL : member(about, "data_offsets");
    size_t available = file->size - (size_t)(file->data - file->bytes);
    unsigned long long begin, end;

    if (offsets == NULL || sscanf(offsets, "[ %llu , %llu ]", &begin, &end) != 2)
        return NULL;
    if (begin > end || end > available)
        return NULL;
    *size = (size_t)(end - begin);
    return file->data + begin;
}

long long safetensors_size(const safetensors *file, const char *name)
{
    size_t size;

    return find(file, name, &size) == NULL ? -1 : (long long)size;
}

int safetensors_get(const safetensors *file, const char *name, void *array, size_t size)
{
    size_t found;
    const unsigned char *bytes = find(file, name, &found);

    if (bytes == NULL || found != size)
        return -1;
    memcpy(array, bytes, size);
    return 0;
}

int safetensors_set(safetensors *file, const char *name, const void *array, size_t size)
{
    size_t found;
    unsigned char *bytes = find(file, name, &found);

    if (bytes == NULL || found != size)
        return -1;
    memcpy(bytes, array, size);
    return 0;
}

void safetensors_free(safetensors *file)
{
    free(file->header);
    free(file->bytes);
}
