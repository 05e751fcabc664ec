/*
 * A disk that loses what was not synced.
 *
 * Preloaded into a process (LD_PRELOAD), this library watches the files below one folder. Every write happens as usual, so
 * the process sees what it wrote; what is "on stable storage" is kept apart. At the power cut the folder is made to hold
 * exactly that, and the process ends without a further instruction.
 *
 *   POWER_CUT_FOLDER   what is watched: an existing folder, by its real path
 *   POWER_CUT_CONTROL  a path at which a file with a command may appear; once obeyed it is renamed to <path>.done:
 *                        cut drop SEED     nothing unsynced is kept
 *                        cut prefix SEED   the first of the unsynced changes are kept, the last of them perhaps in part
 *                        cut any SEED      each unsynced change is kept or lost, or kept in part, by chance
 *                        eio               the next sync of a file fails, and what it should have synced is lost
 *                        eio-of N SEED     from now on, one of N writes and syncs of files fails by chance
 *                        full, free        from now on, no file can grow; files can grow again
 *                        stall, resume     from now on, syncs of files wait; they go on
 *   POWER_CUT_LIES     "files", "folders" or "all": syncing these does nothing and answers success
 *
 * What is modelled:
 *   - Bytes and length of a file are stable when the file was synced after them (fsync, fdatasync).
 *   - A name (created, removed, renamed, a new folder) is stable when its folder was synced after it. Syncing a file does
 *     not make its name stable: stricter than most file systems, but all that POSIX promises.
 *   - After a failed sync the changes are lost for good although the process still sees them, as on Linux.
 * What is not: writing through mmap (SQLite does it only in the -shm file, which a restart rebuilds), hard links, descriptors
 * that were duplicated, files opened by stdio, the rarer calls (truncate, unlinkat, copy_file_range), io_uring.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- What the disk holds ------------------------------------------------------------------------------------------ */

/* A file's stable bytes, whatever its names. */
typedef struct {
  char *bytes;
  size_t length;
} Content;

typedef enum { WRITE, TRUNCATE, LINK, UNLINK, RENAME } Kind;

/* A change that is not stable yet. Changes of bytes belong to a content, changes of names to a folder. */
typedef struct Change {
  struct Change *next;
  Kind kind;
  Content *content;
  size_t offset; /* of WRITE; the new length of TRUNCATE */
  size_t length;
  char *bytes;
  char *folder;
  char *name;    /* of LINK, UNLINK; the old one of RENAME. Whole paths. */
  char *renamed;
} Change;

/* A path, and what it stands for; a folder has no content. */
typedef struct Name {
  struct Name *next;
  char *path;
  Content *content;
} Name;

static Change *first_change;
static Change **last_change = &first_change;
static Name *stable_names;  /* what the disk knows */
static Name *current_names; /* what the process sees */

enum { MOST_DESCRIPTORS = 65536 };
/* What is open: a file's content, or a folder's path. */
static Content *open_contents[MOST_DESCRIPTORS];
static char *open_folders[MOST_DESCRIPTORS];

static char root[PATH_MAX];
static char control[PATH_MAX];
static int files_lie, folders_lie, fail_next_sync, has_opened, is_full;
static unsigned one_fails_of;
static volatile int is_stalled;
static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;

/* ---- The real calls ----------------------------------------------------------------------------------------------- */

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

static void *allocate(size_t size) {
  void *memory = malloc(size == 0 ? 1 : size);
  if (memory == NULL) abort();
  return memory;
}

static char *copy_text(const char *text) {
  char *copy = allocate(strlen(text) + 1);
  return strcpy(copy, text);
}

/* ---- Paths -------------------------------------------------------------------------------------------------------- */

/* The folder part of a path, to be freed. */
static char *folder_of(const char *path) {
  char *folder = copy_text(path);
  char *slash = strrchr(folder, '/');
  if (slash != NULL) *slash = '\0';
  return folder;
}

static int is_watched(const char *path) {
  size_t length = strlen(root);
  return length > 0 && strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* The absolute path when it is watched, else NULL. Its folder must exist. */
static char *watched_path(int at, const char *path) {
  char whole[PATH_MAX], folder[PATH_MAX];
  if (root[0] == '\0' || path == NULL) return NULL;
  if (path[0] == '/') {
    snprintf(whole, sizeof whole, "%s", path);
  } else if (at == AT_FDCWD) {
    if (getcwd(folder, sizeof folder) == NULL) return NULL;
    if (snprintf(whole, sizeof whole, "%s/%s", folder, path) >= (int)sizeof whole) return NULL;
  } else {
    return NULL;
  }
  char *slash = strrchr(whole, '/');
  const char *name = slash + 1;
  if (*name == '\0' || strcmp(name, ".") == 0) {
    /* A folder, named with a slash at its end. */
    if (realpath(whole, folder) == NULL || !is_watched(folder)) return NULL;
    return copy_text(folder);
  }
  *slash = '\0';
  if (realpath(whole[0] == '\0' ? "/" : whole, folder) == NULL || !is_watched(folder)) {
    /* The root itself lies in a folder that is not watched. */
    *slash = '/';
    if (strcmp(whole, root) == 0) return copy_text(root);
    return NULL;
  }
  char *result = allocate(strlen(folder) + strlen(name) + 2);
  sprintf(result, "%s/%s", folder, name);
  return result;
}

/* ---- Names and changes -------------------------------------------------------------------------------------------- */

static Name *find_name(Name *names, const char *path) {
  for (; names != NULL; names = names->next)
    if (strcmp(names->path, path) == 0) return names;
  return NULL;
}

static void remove_name(Name **names, const char *path) {
  for (; *names != NULL; names = &(*names)->next) {
    if (strcmp((*names)->path, path) != 0) continue;
    Name *gone = *names;
    *names = gone->next;
    free(gone->path);
    free(gone);
    return;
  }
}

static void set_name(Name **names, const char *path, Content *content) {
  remove_name(names, path);
  Name *name = allocate(sizeof *name);
  *name = (Name){.next = *names, .path = copy_text(path), .content = content};
  *names = name;
}

static Change *add_change(Change change) {
  Change *added = allocate(sizeof *added);
  *added = change;
  added->next = NULL;
  *last_change = added;
  last_change = &added->next;
  return added;
}

static void change_names(Kind kind, const char *path, const char *renamed, Content *content) {
  add_change((Change){.kind = kind,
                      .folder = folder_of(path),
                      .name = copy_text(path),
                      .renamed = renamed == NULL ? NULL : copy_text(renamed),
                      .content = content});
}

static void set_length(Content *content, size_t length) {
  char *bytes = realloc(content->bytes, length == 0 ? 1 : length);
  if (bytes == NULL) abort();
  if (length > content->length) memset(bytes + content->length, 0, length - content->length);
  content->bytes = bytes;
  content->length = length;
}

/* Makes a change stable; of a write only the first `kept` bytes. */
static void apply(const Change *change, size_t kept) {
  switch (change->kind) {
    case WRITE:
      if (change->offset + kept > change->content->length) set_length(change->content, change->offset + kept);
      memcpy(change->content->bytes + change->offset, change->bytes, kept);
      break;
    case TRUNCATE:
      set_length(change->content, change->offset);
      break;
    case LINK:
      set_name(&stable_names, change->name, change->content);
      break;
    case UNLINK:
      remove_name(&stable_names, change->name);
      break;
    case RENAME:
      remove_name(&stable_names, change->name);
      set_name(&stable_names, change->renamed, change->content);
      break;
  }
}

static void free_change(Change *change) {
  free(change->bytes);
  free(change->folder);
  free(change->name);
  free(change->renamed);
  free(change);
}

/* Takes the changes of one content or one folder off the list, and applies them if they are to be stable. */
static void settle(const Content *content, const char *folder, int stable) {
  for (Change **at = &first_change; *at != NULL;) {
    Change *change = *at;
    int is_bytes = change->kind == WRITE || change->kind == TRUNCATE;
    int is_meant = content != NULL ? is_bytes && change->content == content
                                   : !is_bytes && strcmp(change->folder, folder) == 0;
    if (!is_meant) {
      at = &change->next;
      continue;
    }
    if (stable) apply(change, change->length);
    *at = change->next;
    free_change(change);
  }
  last_change = &first_change;
  while (*last_change != NULL) last_change = &(*last_change)->next;
}

/* ---- What is there at the start ----------------------------------------------------------------------------------- */

static Content *read_content(const char *path) {
  Content *content = allocate(sizeof *content);
  *content = (Content){.bytes = allocate(0), .length = 0};
  int fd = REAL(open)(path, O_RDONLY);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) abort();
  set_length(content, (size_t)status.st_size);
  for (size_t done = 0; done < content->length;) {
    ssize_t got = pread(fd, content->bytes + done, content->length - done, (off_t)done);
    if (got <= 0) break;
    done += (size_t)got;
  }
  REAL(close)(fd);
  return content;
}

/* Everything that is there before the process does anything is stable. */
static void learn_folder(const char *folder) {
  DIR *list = opendir(folder);
  if (list == NULL) return;
  for (struct dirent *item; (item = readdir(list)) != NULL;) {
    if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) continue;
    char path[PATH_MAX];
    struct stat status;
    if (snprintf(path, sizeof path, "%s/%s", folder, item->d_name) >= (int)sizeof path) abort();
    if (lstat(path, &status) != 0) continue;
    if (S_ISDIR(status.st_mode)) {
      set_name(&stable_names, path, NULL);
      set_name(&current_names, path, NULL);
      learn_folder(path);
    } else if (S_ISREG(status.st_mode)) {
      Content *content = read_content(path);
      set_name(&stable_names, path, content);
      set_name(&current_names, path, content);
    }
  }
  closedir(list);
}

/* ---- The cut ------------------------------------------------------------------------------------------------------ */

static void remove_below(const char *folder) {
  DIR *list = opendir(folder);
  if (list == NULL) return;
  for (struct dirent *item; (item = readdir(list)) != NULL;) {
    if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) continue;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, item->d_name) >= (int)sizeof path) abort();
    if (REAL(unlink)(path) == 0) continue;
    remove_below(path);
    REAL(rmdir)(path);
  }
  closedir(list);
}

static void write_content(const char *path, const Content *content) {
  int fd = REAL(open)(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) abort();
  for (size_t done = 0; done < content->length;) {
    ssize_t put = REAL(write)(fd, content->bytes + done, content->length - done);
    if (put <= 0) abort();
    done += (size_t)put;
  }
  REAL(close)(fd);
}

/* A name is there when those of all folders above it are. */
static int is_reachable(const char *path) {
  if (strcmp(path, root) == 0) return 1;
  if (find_name(stable_names, path) == NULL) return 0;
  char *folder = folder_of(path);
  int reachable = is_reachable(folder);
  free(folder);
  return reachable;
}

static void write_stable_names(const char *folder) {
  for (Name *name = stable_names; name != NULL; name = name->next) {
    char *above = folder_of(name->path);
    if (strcmp(above, folder) == 0 && is_reachable(name->path)) {
      if (name->content != NULL) {
        write_content(name->path, name->content);
      } else {
        REAL(mkdir)(name->path, 0700);
        write_stable_names(name->path);
      }
    }
    free(above);
  }
}

static unsigned seed;

static size_t chance(size_t below) { return below == 0 ? 0 : (size_t)rand_r(&seed) % below; }

/* Drives write whole sectors. */
static size_t part_of(size_t length) { return chance(length / 512 + 1) * 512; }

static void keep_some(const char *mode, size_t *kept, size_t *lost) {
  size_t count = 0;
  for (Change *change = first_change; change != NULL; change = change->next) count += 1;
  size_t prefix = strcmp(mode, "prefix") == 0 ? chance(count + 1) : 0;
  size_t index = 0;
  for (Change *change = first_change; change != NULL; change = change->next, index += 1) {
    int whole = strcmp(mode, "any") == 0 ? chance(2) == 0 : index < prefix;
    int part = strcmp(mode, "any") == 0 ? chance(2) == 0 : strcmp(mode, "prefix") == 0 && index == prefix;
    if (whole) apply(change, change->length);
    else if (part && change->kind == WRITE) apply(change, part_of(change->length));
    *(whole ? kept : lost) += 1;
  }
}

static void report(const char *text) {
  char done[PATH_MAX + 8], part[PATH_MAX + 8];
  snprintf(done, sizeof done, "%s.done", control);
  snprintf(part, sizeof part, "%s.part", control);
  int fd = REAL(open)(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || REAL(write)(fd, text, strlen(text)) < 0) abort();
  REAL(close)(fd);
  REAL(unlink)(control);
  REAL(rename)(part, done);
}

static void cut(const char *mode) {
  size_t kept = 0, lost = 0;
  keep_some(mode, &kept, &lost);
  remove_below(root);
  write_stable_names(root);
  char text[64];
  snprintf(text, sizeof text, "%zu kept, %zu lost\n", kept, lost);
  report(text);
  kill(getpid(), SIGKILL);
  pause();
}

/* A command that changes what the disk does from now on. */
static int change_disk(const char *verb, const char *number) {
  if (strcmp(verb, "eio") == 0) fail_next_sync = 1;
  else if (strcmp(verb, "eio-of") == 0) one_fails_of = (unsigned)atoi(number);
  else if (strcmp(verb, "full") == 0) is_full = 1;
  else if (strcmp(verb, "free") == 0) is_full = 0;
  else if (strcmp(verb, "stall") == 0) is_stalled = 1;
  else if (strcmp(verb, "resume") == 0) is_stalled = 0;
  else return 0;
  return 1;
}

/* Waits for commands. The disk is locked while one is obeyed, so no call is half done. */
static void *obey(void *unused) {
  for (;; usleep(1000)) {
    char line[64] = "", verb[16] = "", mode[16] = "";
    int fd = REAL(open)(control, O_RDONLY);
    if (fd < 0) continue;
    ssize_t got = read(fd, line, sizeof line - 1);
    REAL(close)(fd);
    if (got <= 0) continue;
    sscanf(line, "%15s %15s %u", verb, mode, &seed);
    pthread_mutex_lock(&disk);
    /* Another process with the same environment, a wrapper say, is not the one that is meant. */
    if (has_opened && strcmp(verb, "cut") == 0) cut(mode);
    if (has_opened && change_disk(verb, mode)) report("obeyed\n");
    pthread_mutex_unlock(&disk);
  }
  return unused;
}

__attribute__((constructor)) static void start(void) {
  const char *folder = getenv("POWER_CUT_FOLDER"), *command = getenv("POWER_CUT_CONTROL");
  const char *lies = getenv("POWER_CUT_LIES");
  if (folder == NULL || command == NULL) return;
  snprintf(control, sizeof control, "%s", command);
  files_lie = lies != NULL && (strcmp(lies, "files") == 0 || strcmp(lies, "all") == 0);
  folders_lie = lies != NULL && (strcmp(lies, "folders") == 0 || strcmp(lies, "all") == 0);
  if (realpath(folder, root) == NULL) abort();
  learn_folder(root);
  pthread_t thread;
  if (pthread_create(&thread, NULL, obey, NULL) != 0) abort();
  pthread_detach(thread);
}

/* ---- Opening and closing ------------------------------------------------------------------------------------------ */

static void note_open(int fd, char *path, int flags) {
  if (fd >= MOST_DESCRIPTORS) abort();
  struct stat status;
  if (fstat(fd, &status) != 0) abort();
  if (S_ISDIR(status.st_mode)) {
    open_folders[fd] = path;
    return;
  }
  has_opened = 1;
  Name *name = find_name(current_names, path);
  if (name == NULL) {
    Content *content = allocate(sizeof *content);
    *content = (Content){.bytes = allocate(0), .length = 0};
    set_name(&current_names, path, content);
    change_names(LINK, path, NULL, content);
    name = find_name(current_names, path);
  } else if (flags & O_TRUNC) {
    add_change((Change){.kind = TRUNCATE, .content = name->content, .offset = 0});
  }
  open_contents[fd] = name->content;
  free(path);
}

static int open_at(int at, const char *path, int flags, mode_t mode) {
  char *watched = watched_path(at, path);
  if (watched == NULL) return REAL(openat)(at, path, flags, mode);
  pthread_mutex_lock(&disk);
  int fd = REAL(openat)(at, path, flags, mode);
  int failure = errno;
  if (fd >= 0) note_open(fd, watched, flags);
  else free(watched);
  pthread_mutex_unlock(&disk);
  errno = failure;
  return fd;
}

#define MODE(flags)                          \
  mode_t mode = 0;                           \
  if ((flags) & (O_CREAT | __O_TMPFILE)) {   \
    va_list rest;                            \
    va_start(rest, flags);                   \
    mode = (mode_t)va_arg(rest, int);        \
    va_end(rest);                            \
  }

int open(const char *path, int flags, ...) {
  MODE(flags)
  return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  MODE(flags)
  return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int at, const char *path, int flags, ...) {
  MODE(flags)
  return open_at(at, path, flags, mode);
}
int openat64(int at, const char *path, int flags, ...) {
  MODE(flags)
  return open_at(at, path, flags, mode);
}

int close(int fd) {
  pthread_mutex_lock(&disk);
  if (fd >= 0 && fd < MOST_DESCRIPTORS) {
    open_contents[fd] = NULL;
    free(open_folders[fd]);
    open_folders[fd] = NULL;
  }
  int result = REAL(close)(fd);
  int failure = errno;
  pthread_mutex_unlock(&disk);
  errno = failure;
  return result;
}

/* ---- Bytes -------------------------------------------------------------------------------------------------------- */

static Content *content_of(int fd) { return fd >= 0 && fd < MOST_DESCRIPTORS ? open_contents[fd] : NULL; }

static void note_write(Content *content, off_t offset, const void *bytes, ssize_t length) {
  if (length <= 0) return;
  Change *change = add_change(
      (Change){.kind = WRITE, .content = content, .offset = (size_t)offset, .length = (size_t)length});
  change->bytes = allocate((size_t)length);
  memcpy(change->bytes, bytes, (size_t)length);
}

static int fails_by_chance(void) { return one_fails_of > 0 && chance(one_fails_of) == 0; }

/* Why a write up to this end does not happen; 0 when it does. */
static int refusal(int fd, off_t end) {
  struct stat status;
  if (fails_by_chance()) return EIO;
  return is_full && fstat(fd, &status) == 0 && end > status.st_size ? ENOSPC : 0;
}

static size_t length_of(const struct iovec *parts, int count) {
  size_t length = 0;
  for (int index = 0; index < count; index += 1) length += parts[index].iov_len;
  return length;
}

/* A call that changes bytes up to an end, with the disk locked around the call and its note. */
#define LOCKED(type, end, call, note)            \
  pthread_mutex_lock(&disk);                     \
  int failure = refusal(fd, (off_t)(end));       \
  type result = -1;                              \
  if (failure == 0) {                            \
    result = call;                               \
    failure = errno;                             \
    note;                                        \
  }                                              \
  pthread_mutex_unlock(&disk);     \
  errno = failure;                 \
  return result

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  Content *content = content_of(fd);
  if (content == NULL) return REAL(pwrite)(fd, bytes, length, offset);
  LOCKED(ssize_t, offset + (off_t)length, REAL(pwrite)(fd, bytes, length, offset), note_write(content, offset, bytes, result));
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) { return pwrite(fd, bytes, length, offset); }

ssize_t write(int fd, const void *bytes, size_t length) {
  Content *content = content_of(fd);
  if (content == NULL) return REAL(write)(fd, bytes, length);
  LOCKED(ssize_t, lseek(fd, 0, SEEK_CUR) + (off_t)length, REAL(write)(fd, bytes, length),
         note_write(content, lseek(fd, 0, SEEK_CUR) - result, bytes, result));
}

static void note_vector(Content *content, off_t offset, const struct iovec *parts, int count, ssize_t length) {
  for (int index = 0; index < count && length > 0; index += 1) {
    ssize_t part = (ssize_t)parts[index].iov_len < length ? (ssize_t)parts[index].iov_len : length;
    note_write(content, offset, parts[index].iov_base, part);
    offset += part;
    length -= part;
  }
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  Content *content = content_of(fd);
  if (content == NULL) return REAL(pwritev)(fd, parts, count, offset);
  LOCKED(ssize_t, offset + (off_t)length_of(parts, count), REAL(pwritev)(fd, parts, count, offset), note_vector(content, offset, parts, count, result));
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  return pwritev(fd, parts, count, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  Content *content = content_of(fd);
  if (content == NULL) return REAL(writev)(fd, parts, count);
  LOCKED(ssize_t, lseek(fd, 0, SEEK_CUR) + (off_t)length_of(parts, count), REAL(writev)(fd, parts, count),
         note_vector(content, lseek(fd, 0, SEEK_CUR) - result, parts, count, result));
}

int ftruncate(int fd, off_t length) {
  Content *content = content_of(fd);
  if (content == NULL) return REAL(ftruncate)(fd, length);
  LOCKED(int, length, REAL(ftruncate)(fd, length), if (result == 0) add_change((Change){
      .kind = TRUNCATE, .content = content, .offset = (size_t)length}));
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

/* ---- Syncing ------------------------------------------------------------------------------------------------------ */

/* The real disk is not asked: it would only make the test slow. */
static int sync_content(Content *content) {
  int result = 0;
  while (is_stalled) usleep(1000);
  pthread_mutex_lock(&disk);
  if (fail_next_sync || fails_by_chance()) {
    fail_next_sync = 0;
    settle(content, NULL, 0);
    errno = EIO;
    result = -1;
  } else if (!files_lie) {
    settle(content, NULL, 1);
  }
  pthread_mutex_unlock(&disk);
  return result;
}

static int sync_descriptor(int fd, const char *call) {
  Content *content = content_of(fd);
  if (content != NULL) return sync_content(content);
  const char *folder = fd >= 0 && fd < MOST_DESCRIPTORS ? open_folders[fd] : NULL;
  if (folder == NULL) return ((int (*)(int))real(call))(fd);
  pthread_mutex_lock(&disk);
  if (!folders_lie) settle(NULL, folder, 1);
  pthread_mutex_unlock(&disk);
  return 0;
}

int fsync(int fd) { return sync_descriptor(fd, "fsync"); }
int fdatasync(int fd) { return sync_descriptor(fd, "fdatasync"); }

/* ---- Names -------------------------------------------------------------------------------------------------------- */

int unlink(const char *path) {
  char *watched = watched_path(AT_FDCWD, path);
  if (watched == NULL) return REAL(unlink)(path);
  pthread_mutex_lock(&disk);
  int result = REAL(unlink)(path);
  int failure = errno;
  if (result == 0) {
    remove_name(&current_names, watched);
    change_names(UNLINK, watched, NULL, NULL);
  }
  pthread_mutex_unlock(&disk);
  free(watched);
  errno = failure;
  return result;
}

int rename(const char *from, const char *to) {
  char *old = watched_path(AT_FDCWD, from), *new = watched_path(AT_FDCWD, to);
  pthread_mutex_lock(&disk);
  int result = REAL(rename)(from, to);
  int failure = errno;
  if (result == 0 && old != NULL && new != NULL) {
    Name *name = find_name(current_names, old);
    Content *content = name == NULL ? NULL : name->content;
    remove_name(&current_names, old);
    set_name(&current_names, new, content);
    change_names(RENAME, old, new, content);
  }
  pthread_mutex_unlock(&disk);
  free(old);
  free(new);
  errno = failure;
  return result;
}

int mkdir(const char *path, mode_t mode) {
  char *watched = watched_path(AT_FDCWD, path);
  if (watched == NULL) return REAL(mkdir)(path, mode);
  pthread_mutex_lock(&disk);
  int result = REAL(mkdir)(path, mode);
  int failure = errno;
  if (result == 0) {
    set_name(&current_names, watched, NULL);
    change_names(LINK, watched, NULL, NULL);
  }
  pthread_mutex_unlock(&disk);
  free(watched);
  errno = failure;
  return result;
}

int rmdir(const char *path) {
  char *watched = watched_path(AT_FDCWD, path);
  if (watched == NULL) return REAL(rmdir)(path);
  pthread_mutex_lock(&disk);
  int result = REAL(rmdir)(path);
  int failure = errno;
  if (result == 0) {
    remove_name(&current_names, watched);
    change_names(UNLINK, watched, NULL, NULL);
  }
  pthread_mutex_unlock(&disk);
  free(watched);
  errno = failure;
  return result;
}
