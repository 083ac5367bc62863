/* predict FOLDER: read the parameters and x, and write the scores. */
#include <stdio.h>
#include <stdlib.h>
#include "net.h"
#include "safetensors.h"

int main(int argc, char **argv)
{
    static float x[784], scores[10];
    char path[4096];
    safetensors file;
    size_t bytes, size = net_predict_workspace();
    void *workspace = malloc(size + 1);
    net_parameters parameters;
    FILE *input;

    if (argc != 2 || !workspace)
        return 1;
    snprintf(path, sizeof path, "%s/parameters.safetensors", argv[1]);
    if (safetensors_read(&file, path))
        return 1;
#define FIND(member, name, type, count) \
    parameters.member = safetensors_find(&file, name, &bytes); \
    if (!parameters.member || bytes != (count) * sizeof(type)) \
        return 1;
    NET_PARAMETERS(FIND)
    snprintf(path, sizeof path, "%s/x.bin", argv[1]);
    input = fopen(path, "rb");
    if (!input || fread(x, sizeof x, 1, input) != 1)
        return 1;
    fclose(input);
    if (net_predict(&parameters, x, scores, workspace, size) != NET_OK)
        return 1;
    fwrite(scores, sizeof scores, 1, stdout);
    free(workspace);
    safetensors_free(&file);
    return 0;
}
