/* Trains a classifier of handwritten digits with the library that `catgrad build digits` makes, and nothing else.
 *
 *     train_digits PARAMETERS EXAMPLES EPOCHS TRAINED
 *
 * PARAMETERS, EXAMPLES and TRAINED are safetensors files: the parameters to begin with; the examples, x: f32[N, 64] and
 * y: i32[N]; and where to write the parameters that were learned. Prints the loss of every step, and at the end how many
 * examples are classified rightly.
 */
#include <stdio.h>
#include <stdlib.h>

#include "digits.h"
#include "safetensors.h"

enum { INPUTS = 64, CLASSES = 10, BATCH = DIGITS_STEP_B };

static void fail(const char *subject, const char *what)
{
    fprintf(stderr, "train_digits: %s: %s\n", subject, what);
    exit(EXIT_FAILURE);
}

static void check(digits_status status)
{
    if (status != DIGITS_OK)
        fail("digits", digits_status_text(status));
}

static void *allocate(size_t size)
{
    void *memory = calloc(size ? size : 1, 1);

    if (memory == NULL)
        fail("memory", "there is not enough");
    return memory;
}

static void read_file(safetensors *file, const char *path)
{
    if (safetensors_read(file, path) != 0)
        fail(path, "this cannot be read as a safetensors file");
}

static void get(const safetensors *file, const char *name, void *array, size_t size)
{
    if (safetensors_get(file, name, array, size) != 0)
        fail(name, "the file has no array of this name and size");
}

static digits_parameters new_parameters(void)
{
    digits_parameters parameters;

#define ALLOCATE(member, name, type, count) parameters.member = allocate((count) * sizeof(type));
    DIGITS_PARAMETERS(ALLOCATE)
#undef ALLOCATE
    return parameters;
}

static void get_parameters(const safetensors *file, digits_parameters parameters)
{
#define GET(member, name, type, count) get(file, name, parameters.member, (count) * sizeof(type));
    DIGITS_PARAMETERS(GET)
#undef GET
}

static void write_parameters(safetensors *file, digits_parameters parameters, const char *path)
{
#define SET(member, name, type, count) safetensors_set(file, name, parameters.member, (count) * sizeof(type));
    DIGITS_PARAMETERS(SET)
#undef SET
    if (safetensors_write(file, path) != 0)
        fail(path, "this cannot be written");
}

static void free_parameters(digits_parameters parameters)
{
#define FREE(member, name, type, count) free(parameters.member);
    DIGITS_PARAMETERS(FREE)
#undef FREE
}

static void train(const digits_state *state, const float *x, const int32_t *y, size_t examples, int epochs)
{
    size_t size = digits_step_workspace();
    void *workspace = allocate(size);
    float loss;

    for (int epoch = 0; epoch < epochs; epoch++)
        for (size_t i = 0; i + BATCH <= examples; i += BATCH) {
            check(digits_step(state, x + i * INPUTS, y + i, &loss, workspace, size));
            printf("%a\n", (double)loss);
        }
    free(workspace);
}

static size_t count_right(const digits_parameters *parameters, const float *x, const int32_t *y, size_t examples)
{
    size_t size = digits_predict_workspace((int64_t)examples);
    void *workspace = allocate(size);
    float *scores = allocate(examples * CLASSES * sizeof *scores);
    size_t right = 0;

    check(digits_predict((int64_t)examples, parameters, x, scores, workspace, size));
    for (size_t i = 0; i < examples; i++) {
        int best = 0;

        for (int class = 1; class < CLASSES; class++)
            if (scores[i * CLASSES + class] > scores[i * CLASSES + best])
                best = class;
        right += best == y[i];
    }
    free(scores);
    free(workspace);
    return right;
}

int main(int argc, char **argv)
{
    safetensors initial, data;
    digits_parameters parameters = new_parameters();
    digits_state state = {
        .optimizer = {.first = new_parameters(), .second = new_parameters(), .step = allocate(sizeof(float))},
        .parameters = new_parameters(),
    };
    size_t examples, size = digits_init_workspace();
    void *workspace = allocate(size);
    float *x;
    int32_t *y;

    if (argc != 5)
        fail("usage", "train_digits PARAMETERS EXAMPLES EPOCHS TRAINED");
    check(digits_check());
    read_file(&initial, argv[1]);
    read_file(&data, argv[2]);
    if (safetensors_size(&data, "y") < 0)
        fail(argv[2], "this has no array y");
    examples = (size_t)safetensors_size(&data, "y") / sizeof *y;
    x = allocate(examples * INPUTS * sizeof *x);
    y = allocate(examples * sizeof *y);
    get(&data, "x", x, examples * INPUTS * sizeof *x);
    get(&data, "y", y, examples * sizeof *y);

    get_parameters(&initial, parameters);
    check(digits_init(&parameters, &state, workspace, size));
    train(&state, x, y, examples, atoi(argv[3]));
    write_parameters(&initial, state.parameters, argv[4]);
    printf("%zu of %zu\n", count_right(&state.parameters, x, y, examples), examples);

    free_parameters(parameters);
    free_parameters(state.parameters);
    free_parameters(state.optimizer.first);
    free_parameters(state.optimizer.second);
    free(state.optimizer.step);
    free(workspace);
    free(x);
    free(y);
    safetensors_free(&initial);
    safetensors_free(&data);
    return EXIT_SUCCESS;
}
