// A CUDA driver without a device: memory is the host's, kernels do nothing, and every call is written down.
//
// It has the functions that catgrad calls, and refuses what a driver refuses: calls without a context, launches of
// nothing, memory that is not there. `stub_fail` lets a function fail, `stub_break` the next kernel.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INVALID_VALUE = 1, INVALID_CONTEXT = 201, NOT_FOUND = 500 };
enum { DEVICE = 0, MODULES = 64, KERNELS = 64, BLOCKS = 4096 };

typedef struct { char name[64]; int declared, dynamic; } Kernel;
typedef struct { Kernel kernels[KERNELS]; int count, loaded; } Module;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char calls[1 << 20], failing[64], text[128];
static size_t length;
static int status_of_failing, times_of_failing, next_kernel, broken, delay, capability = 90;
static Module modules[MODULES];
static struct { void *at; size_t size; } blocks[BLOCKS];
static __thread int depth;

// What a test says and asks.

const char *stub_calls(void) { return calls; }
void stub_forget(void) { length = calls[0] = 0; broken = next_kernel = times_of_failing = delay = 0; }
void stub_fail(const char *function, int status, int times) {
  snprintf(failing, sizeof failing, "%s", function);
  status_of_failing = status, times_of_failing = times;
}
void stub_break(int status) { next_kernel = status; }
void stub_delay(int microseconds) { delay = microseconds; }
void stub_capability(int number) { capability = number; }
int stub_depth(void) { return depth; }
int stub_blocks(void) {
  int count = 0;
  for (int i = 0; i < BLOCKS; i++) count += blocks[i].at != 0;
  return count;
}
int stub_modules(void) {
  int count = 0;
  for (int i = 0; i < MODULES; i++) count += modules[i].loaded;
  return count;
}

static int called(const char *function, int needs_context, const char *format, ...) {
  pthread_mutex_lock(&lock);
  va_list arguments;
  va_start(arguments, format);
  if (length < sizeof calls - 512) {
    length += sprintf(calls + length, "%s ", function);
    length += vsnprintf(calls + length, 256, format, arguments);
    length += sprintf(calls + length, "\n");
  }
  va_end(arguments);
  int status = 0;
  if (times_of_failing && !strcmp(function, failing)) times_of_failing--, status = status_of_failing;
  else if (needs_context && !depth) status = INVALID_CONTEXT;
  else if (needs_context) status = broken;
  pthread_mutex_unlock(&lock);
  return status;
}

#define CALLED(needs_context, ...) do { \
    int status = called(__func__, needs_context, __VA_ARGS__); \
    if (status) return status; \
  } while (0)

static void finish(void) {
  usleep(delay);
  if (next_kernel < 0) broken = -next_kernel, next_kernel = 0;
}

static int block_at(void *at, size_t size) {
  for (int i = 0; i < BLOCKS; i++)
    if (blocks[i].at && (char *)blocks[i].at <= (char *)at
        && (char *)at + size <= (char *)blocks[i].at + blocks[i].size) return i;
  return -1;
}

// The driver.

int cuGetProcAddress_v2(const char *name, void **function, int version, unsigned long flags, int *found) {
  *function = dlsym(RTLD_DEFAULT, name);
  if (found) *found = *function ? 0 : 1;
  return *function ? 0 : NOT_FOUND;
}
int cuInit(unsigned flags) { CALLED(0, ""); return 0; }
int cuDriverGetVersion(int *version) { CALLED(0, ""); *version = 13000; return 0; }
int cuGetErrorString(int status, const char **said) {
  snprintf(text, sizeof text, "the stub says %d", status);
  *said = text;
  return 0;
}
int cuDeviceGetCount(int *count) { CALLED(0, ""); *count = 1; return 0; }
int cuDeviceGet(int *device, int ordinal) { CALLED(0, "%d", ordinal); *device = DEVICE; return 0; }
int cuDeviceGetName(char *name, int size, int device) { snprintf(name, size, "Stub"); return 0; }
int cuDeviceTotalMem(size_t *bytes, int device) { *bytes = 80ul << 30; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? capability / 10 : attribute == 76 ? capability % 10 : attribute == 97 ? 232448 : 0;
  return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int device) { CALLED(0, "%d", device); *context = calls; return 0; }
int cuCtxPushCurrent(void *context) { if (context != calls) return INVALID_CONTEXT; depth++; return 0; }
int cuCtxPopCurrent(void **context) { if (!depth) return INVALID_CONTEXT; depth--; *context = calls; return 0; }

int cuMemPoolCreate(void **pool, const void *settings) { CALLED(1, ""); *pool = blocks; return 0; }
int cuMemPoolSetAttribute(void *pool, int attribute, void *value) {
  CALLED(1, "%d=%lx", attribute, *(unsigned long *)value);
  return 0;
}
int cuMemPoolTrimTo(void *pool, size_t kept) { CALLED(1, "%zu", kept); return 0; }
int cuMemAllocFromPoolAsync(void **at, size_t size, void *pool, void *stream) {
  CALLED(1, "%zu %p", size, stream);
  if (!size || pool != (void *)blocks) return INVALID_VALUE;
  pthread_mutex_lock(&lock);
  int i = 0;
  while (blocks[i].at) i++;
  blocks[i].at = *at = aligned_alloc(256, (size + 255) / 256 * 256), blocks[i].size = size;
  pthread_mutex_unlock(&lock);
  return 0;
}
int cuMemFreeAsync(void *at, void *stream) {
  CALLED(1, "");
  pthread_mutex_lock(&lock);
  int i = block_at(at, 1);
  if (i >= 0) free(at), blocks[i].at = 0;
  pthread_mutex_unlock(&lock);
  return i < 0 ? INVALID_VALUE : 0;
}
int cuMemcpyHtoD(void *at, const void *source, size_t size) {
  CALLED(1, "%zu", size);
  if (block_at(at, size) < 0) return INVALID_VALUE;
  memcpy(at, source, size);
  return 0;
}
int cuMemcpyDtoH(void *target, void *at, size_t size) {
  finish();
  CALLED(1, "%zu", size);
  if (block_at(at, size) < 0) return INVALID_VALUE;
  memcpy(target, at, size);
  return 0;
}
int cuStreamSynchronize(void *stream) { finish(); CALLED(1, "%p", stream); return 0; }

int cuModuleLoadDataEx(void **module, const char *image, unsigned count, const int *options, void **values) {
  int status = called(__func__, 1, "%u", count);
  for (unsigned i = 0; status && i < count; i++)
    if (options[i] == 5) strcpy(values[i], "line 7: the stub does not like it");
  if (status) return status;
  Module *made = modules;
  while (made->loaded) made++;
  *made = (Module){.loaded = 1};
  for (const char *at = image; (at = strstr(at, ".visible .entry ")); made->count++) {
    at += strlen(".visible .entry ");
    sprintf(made->kernels[made->count].name, "%.*s", (int)strcspn(at, "("), at);
    made->kernels[made->count].declared = 1024;
  }
  *module = made;
  return 0;
}
int cuModuleUnload(Module *module) { CALLED(1, ""); module->loaded = 0; return 0; }
int cuModuleGetFunction(Kernel **kernel, Module *module, const char *name) {
  if (!depth) return INVALID_CONTEXT;
  for (int i = 0; i < module->count; i++)
    if (!strcmp(module->kernels[i].name, name)) { *kernel = module->kernels + i; return 0; }
  return NOT_FOUND;
}
int cuFuncGetAttribute(int *value, int attribute, Kernel *kernel) { *value = kernel->declared; return 0; }
int cuFuncSetAttribute(Kernel *kernel, int attribute, int value) {
  CALLED(1, "%s %d %d", kernel->name, attribute, value);
  return 0;
}
int cuLaunchKernel(Kernel *kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **parameters, void **extra) {
  CALLED(1, "%s %u %u %u %u %u %u %u %p", kernel->name, gx, gy, gz, bx, by, bz, shared, stream);
  if (!(gx && gy && gz && bx && by && bz && parameters) || extra) return INVALID_VALUE;
  if (next_kernel > 0) next_kernel = -next_kernel;
  return 0;
}
