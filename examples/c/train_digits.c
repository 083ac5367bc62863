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

static void fail(const char *what)
{
    fprintf(stderr, "train_digits: %s\n", what);
    exit(EXIT_FAILURE);
}

static void check(digits_status status)
{
    if (status != DIGITS_OK)
        fail(digits_status_text(status));
}

static void *allocate(size_t size)
{
    void *memory = calloc(size ? size : 1, 1);

    if (memory == NULL)
        fail("out of memory");
    return memory;
}

static void read_file(safetensors *file, const char *path)
{
    if (safetensors_read(file, path) != 0) {
        perror(path);
        fail("this is no safetensors file");
    }
}

static void *find(const safetensors *file, const char *name, size_t size)
{
    size_t found;
    void *array = safetensors_find(file, name, &found);

    if (array == NULL || found != size)
        fail(name);
    return array;
}

/* The parameters, where they lie in a file. */
static digits_parameters parameters_in(const safetensors *file)
{
    digits_parameters parameters;

#define FIND(member, name, type, count) parameters.member = find(file, name, (count) * sizeof(type));
    DIGITS_PARAMETERS(FIND)
#undef FIND
    return parameters;
}

static digits_parameters new_parameters(void)
{
    digits_parameters parameters;

#define ALLOCATE(member, name, type, count) parameters.member = allocate((count) * sizeof(type));
    DIGITS_PARAMETERS(ALLOCATE)
#undef ALLOCATE
    return parameters;
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
    safetensors initial, trained, data;
    digits_parameters parameters;
    digits_state state;
    size_t bytes = 0, examples, size = digits_init_workspace();
    void *workspace = allocate(size);
    float *x, *step = allocate(sizeof *step);
    int32_t *y;

    if (argc != 5)
        fail("usage: train_digits PARAMETERS EXAMPLES EPOCHS TRAINED");
    read_file(&initial, argv[1]);
    read_file(&trained, argv[1]);
    read_file(&data, argv[2]);
    y = safetensors_find(&data, "y", &bytes);
    examples = bytes / sizeof *y;
    x = find(&data, "x", examples * INPUTS * sizeof *x);

    parameters = parameters_in(&initial);
    state.parameters = parameters_in(&trained);
    state.optimizer.first = new_parameters();
    state.optimizer.second = new_parameters();
    state.optimizer.step = step;
    check(digits_init(&parameters, &state, workspace, size));

    train(&state, x, y, examples, atoi(argv[3]));
    if (safetensors_write(&trained, argv[4]) != 0)
        fail("cannot write the trained parameters");
    printf("%zu of %zu\n", count_right(&state.parameters, x, y, examples), examples);

    free_parameters(state.optimizer.first);
    free_parameters(state.optimizer.second);
    free(step);
    free(workspace);
    safetensors_free(&initial);
    safetensors_free(&trained);
    safetensors_free(&data);
    return EXIT_SUCCESS;
}
