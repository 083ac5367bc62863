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
    size_t size = net_predict_workspace();
    void *workspace = malloc(size + 1);
    net_parameters parameters;
    FILE *input;

    if (argc != 2 || !workspace)
        return 1;
    snprintf(path, sizeof path, "%s/parameters.safetensors", argv[1]);
    if (safetensors_read(&file, path))
        return 1;
#define GET(member, name, type, count) \
    parameters.member = malloc((count) * sizeof(type)); \
    if (!parameters.member || safetensors_get(&file, name, parameters.member, (count) * sizeof(type))) \
        return 1;
    NET_PARAMETERS(GET)
    snprintf(path, sizeof path, "%s/x.bin", argv[1]);
    input = fopen(path, "rb");
    if (!input || fread(x, sizeof x, 1, input) != 1)
        return 1;
    fclose(input);
    if (net_predict(&parameters, x, scores, workspace, size) != NET_OK)
        return 1;
    fwrite(scores, sizeof scores, 1, stdout);
#define FREE(member, name, type, count) free(parameters.member);
    NET_PARAMETERS(FREE)
    free(workspace);
    safetensors_free(&file);
    return 0;
}
