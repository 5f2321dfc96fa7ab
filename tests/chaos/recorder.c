/* Preloaded into a bot: logs what it writes below a folder, and what it syncs, in order.
 *
 * Record: op (1 byte), nanoseconds of CLOCK_MONOTONIC (8), offset (8), length of the path (4),
 * length of the data (4), path, data; all in the machine's byte order. Ops: W write, T truncate
 * (offset is the size), S sync, C create, U unlink. A call and its record happen under one lock,
 * so that a sync covers exactly the writes logged before it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static const char *root;
static size_t root_length;

static ssize_t (*real_write)(int, const void *, size_t);

__attribute__((constructor)) static void begin(void) {
  real_write = REAL("write", ssize_t(*)(int, const void *, size_t));
  root = getenv("RECORD_FOLDER");
  const char *path = getenv("RECORD_LOG");
  if (root && path) {
    root_length = strlen(root);
    log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
}

static int is_watched(const char *path) {
  if (log_fd < 0 || strncmp(path, root, root_length)) return 0;
  /* Shared memory of the write-ahead log is rebuilt at each start; it is never synced. */
  size_t length = strlen(path);
  return length < 4 || strcmp(path + length - 4, "-shm");
}

static int find_path(int fd, char *path, size_t size) {
  char link[64];
  if (log_fd < 0 || fd == log_fd) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return is_watched(path);
}

static void record(char op, const char *path, int64_t offset, const void *data, size_t length) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t at = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  uint32_t path_length = strlen(path), data_length = length;
  size_t size = 25 + path_length + length;
  char *line = malloc(size);
  line[0] = op;
  memcpy(line + 1, &at, 8);
  memcpy(line + 9, &offset, 8);
  memcpy(line + 17, &path_length, 4);
  memcpy(line + 21, &data_length, 4);
  memcpy(line + 25, path, path_length);
  if (length) memcpy(line + 25 + path_length, data, length);
  if (real_write(log_fd, line, size) != (ssize_t)size) abort();
  free(line);
}

ssize_t write(int fd, const void *data, size_t length) {
  char path[4096];
  if (!find_path(fd, path, sizeof path)) return real_write(fd, data, length);
  pthread_mutex_lock(&lock);
  off_t offset = lseek(fd, 0, SEEK_CUR);
  ssize_t done = real_write(fd, data, length);
  if (done > 0) record('W', path, offset, data, done);
  pthread_mutex_unlock(&lock);
  return done;
}

#define PWRITE(name)                                                              \
  ssize_t name(int fd, const void *data, size_t length, off_t offset) {           \
    static ssize_t (*real)(int, const void *, size_t, off_t);                     \
    if (!real) real = REAL(#name, ssize_t(*)(int, const void *, size_t, off_t));  \
    char path[4096];                                                              \
    if (!find_path(fd, path, sizeof path)) return real(fd, data, length, offset); \
    pthread_mutex_lock(&lock);                                                    \
    ssize_t done = real(fd, data, length, offset);                                \
    if (done > 0) record('W', path, offset, data, done);                          \
    pthread_mutex_unlock(&lock);                                                  \
    return done;                                                                  \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

#define TRUNCATE(name)                                          \
  int name(int fd, off_t size) {                                \
    static int (*real)(int, off_t);                             \
    if (!real) real = REAL(#name, int (*)(int, off_t));         \
    char path[4096];                                            \
    if (!find_path(fd, path, sizeof path)) return real(fd, size); \
    pthread_mutex_lock(&lock);                                  \
    int failed = real(fd, size);                                \
    if (!failed) record('T', path, size, NULL, 0);              \
    pthread_mutex_unlock(&lock);                                \
    return failed;                                              \
  }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define SYNC(name)                                        \
  int name(int fd) {                                      \
    static int (*real)(int);                              \
    if (!real) real = REAL(#name, int (*)(int));          \
    char path[4096];                                      \
    if (!find_path(fd, path, sizeof path)) return real(fd); \
    pthread_mutex_lock(&lock);                            \
    int failed = real(fd);                                \
    if (!failed) record('S', path, 0, NULL, 0);           \
    pthread_mutex_unlock(&lock);                          \
    return failed;                                        \
  }
SYNC(fsync)
SYNC(fdatasync)

#define OPEN(name)                                                  \
  int name(const char *path, int flags, ...) {                      \
    static int (*real)(const char *, int, ...);                     \
    if (!real) real = REAL(#name, int (*)(const char *, int, ...)); \
    va_list more;                                                   \
    va_start(more, flags);                                          \
    mode_t mode = flags & O_CREAT ? va_arg(more, int) : 0;          \
    va_end(more);                                                   \
    if (log_fd < 0 || !(flags & O_CREAT) || !is_watched(path))      \
      return real(path, flags, mode);                               \
    pthread_mutex_lock(&lock);                                      \
    int is_new = access(path, F_OK);                                \
    int fd = real(path, flags, mode);                               \
    if (fd >= 0 && is_new) record('C', path, 0, NULL, 0);           \
    pthread_mutex_unlock(&lock);                                    \
    return fd;                                                      \
  }
OPEN(open)
OPEN(open64)

int unlink(const char *path) {
  int (*real)(const char *) = REAL("unlink", int (*)(const char *));
  if (log_fd < 0 || !is_watched(path)) return real(path);
  pthread_mutex_lock(&lock);
  int failed = real(path);
  if (!failed) record('U', path, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return failed;
}
