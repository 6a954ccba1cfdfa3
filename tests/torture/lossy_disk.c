/* A disk that keeps nothing but what was synced, for a power cut in a test.
 *
 * Preloaded into a program, it copies a file aside whenever the program syncs it, and the list of names of a
 * folder whenever the folder is synced. LOSSY_ROOT is the folder that is watched, LOSSY_KEEP the folder of the
 * copies (outside of it). What a name pointed to counts from the last sync of its folder; a file that was
 * synced keeps its own name, too, as on the file systems of today. After the cut the test puts back what was
 * kept: see disk.py.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int path_of(int fd, char *path) {
  char link[64];
  const char *root = getenv("LOSSY_ROOT");
  if (!root || !getenv("LOSSY_KEEP")) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strncmp(path, root, strlen(root)) == 0;
}

/* An inode's number is given away again; together with its birth it names one file. */
static void name_of(int fd, char *name) {
  struct statx found;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &found)) found.stx_ino = 0;
  snprintf(name, 80, "%llu-%lld-%u", (unsigned long long)found.stx_ino,
           (long long)found.stx_btime.tv_sec, found.stx_btime.tv_nsec);
}

static void put(const char *kind, const char *name, int (*fill)(int, void *), void *from) {
  char target[PATH_MAX], fresh[PATH_MAX];
  snprintf(target, sizeof target, "%s/%s-%s", getenv("LOSSY_KEEP"), kind, name);
  snprintf(fresh, sizeof fresh, "%s/fresh-%d-%s", getenv("LOSSY_KEEP"), gettid(), name);
  int out = open(fresh, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (out < 0) return;
  int failed = fill(out, from);
  close(out);
  if (failed) unlink(fresh); else rename(fresh, target);
}

static int copy_file(int out, void *from) {
  static __thread char buffer[1 << 16];
  ssize_t got;
  for (off_t at = 0; (got = pread(*(int *)from, buffer, sizeof buffer, at)) > 0; at += got)
    if (write(out, buffer, got) != got) return 1;
  return got < 0;
}

static int list_folder(int out, void *from) {
  DIR *folder = opendir(from);
  if (!folder) return 1;
  for (struct dirent *entry; (entry = readdir(folder));) {
    int fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_NOFOLLOW);
    struct stat state;
    if (fd < 0) continue;
    if (!fstat(fd, &state) && S_ISREG(state.st_mode)) {
      char name[80];
      name_of(fd, name);
      dprintf(out, "%s\t%s\n", entry->d_name, name);
    }
    close(fd);
  }
  closedir(folder);
  return 0;
}

static int one_line(int out, void *text) { return dprintf(out, "%s\n", (char *)text) < 0; }

static void kept(int fd) {
  char path[PATH_MAX], name[80];
  struct stat state;
  if (!path_of(fd, path) || fstat(fd, &state)) return;
  name_of(fd, name);
  if (S_ISDIR(state.st_mode)) {
    char line[PATH_MAX + 8];
    put("list", name, list_folder, path);
    snprintf(line, sizeof line, "%s", path);
    put("folder", name, one_line, line);
  } else if (S_ISREG(state.st_mode)) {
    size_t length = strlen(path);
    if (length > 4 && !strcmp(path + length - 4, "-shm")) return; /* shared memory, never on a disk */
    int readable = open(path, O_RDONLY | O_NOFOLLOW); /* the program may have opened it for writing alone */
    if (readable < 0) return;
    put("file", name, copy_file, &readable);
    close(readable);
    put("name", name, one_line, path);
  }
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  int failed = real(fd);
  if (!failed) kept(fd);
  return failed;
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  int failed = real(fd);
  if (!failed) kept(fd);
  return failed;
}
