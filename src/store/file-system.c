/*
 * SQLite reports a lock that the file system does not have as one that another process holds, and a
 * mount that is read-only as a file that cannot be opened. In WAL mode it also needs memory that
 * processes share through the -shm file, which network file systems do not have
 * (https://sqlite.org/wal.html, https://sqlite.org/faq.html#q5).
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "store/database.h"
#include "util/clock.h"
#include "util/file.h"

#define MOVE_HINT "move the database to a local file system ('[database] file')"

/* Between two tries to lock. */
#define WAIT_MAX_MS 50

#define TYPE_FUSE 0x65735546

#define CHANGE_COUNTER_OFFSET 24 /* https://sqlite.org/fileformat.html, 1.3 */

/* statfs(2), and the kernel's sources for those that it lacks. */
static const struct {
	uint32_t type;
	const char *name;
} network_types[] = {
	{ 0x6969, "NFS" },	  { 0xff534d42, "CIFS" },  { 0xfe534d42, "SMB" },
	{ 0x517b, "SMB" },	  { 0x01021997, "9P" },	   { 0x5346414f, "AFS" },
	{ 0x6b414653, "AFS" },	  { 0x00c36400, "Ceph" },  { 0x73757245, "Coda" },
	{ 0x0bd00bd0, "Lustre" }, { 0x01161970, "GFS2" },  { 0x7461636f, "OCFS2" },
	{ 0x47504653, "GPFS" },	  { 0xaad7aaea, "PanFS" }, { 0x20030528, "OrangeFS" },
	{ 0x19830326, "BeeGFS" },
};

/* File systems of FUSE are local or not; these are not. */
static const char *const network_fuses[] = {
	"fuse.sshfs",	  "fuse.s3fs",	 "fuse.rclone",	   "fuse.glusterfs", "fuse.davfs",
	"fuse.curlftpfs", "fuse.goofys", "fuse.gcsfuse",   "fuse.juicefs",   "fuse.seaweedfs",
	"fuse.moosefs",	  "fuse.cephfs", "fuse.ceph-fuse",
};

static const char *directory_of(struct arena *memory, const char *path)
{
	return dirname(arena_strdup(memory, path));
}

/* Of the mount that the directory is on: "36 35 98:0 / /mnt rw - fuse.sshfs host:/ rw". */
static const char *fuse_name(const char *directory)
{
	_cleanup_(fclosep) FILE *mounts = fopen("/proc/self/mountinfo", "re");
	const char *found = NULL;
	struct stat status;
	char line[4096];

	if (!mounts || stat(directory, &status) < 0)
		return NULL;
	while (fgets(line, sizeof(line), mounts)) {
		unsigned high, low;
		char type[64];
		const char *end = strstr(line, " - ");

		if (!end || sscanf(line, "%*d %*d %u:%u", &high, &low) != 2 ||
		    sscanf(end, " - %63s", type) != 1 || high != major(status.st_dev) ||
		    low != minor(status.st_dev))
			continue;
		/* The last one counts: it is mounted over those before it. */
		found = NULL;
		for (size_t i = 0; i < ARRAY_SIZE(network_fuses); i++)
			if (text_equals(type, network_fuses[i]))
				found = network_fuses[i];
	}
	return found;
}

const char *store_network_file_system(const char *path)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *directory = directory_of(&memory, path);
	struct statfs status;

	if (statfs(directory, &status) < 0)
		return NULL;
	if ((uint32_t)status.f_type == TYPE_FUSE)
		return fuse_name(directory);
	for (size_t i = 0; i < ARRAY_SIZE(network_types); i++)
		if ((uint32_t)status.f_type == network_types[i].type)
			return network_types[i].name;
	return NULL;
}

/* With a file of our own: closing one of SQLite's would release its locks. */
bool file_system_lacks_locks(const char *path)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(closep) int fd = file_open_unnamed(directory_of(&memory, path));
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

	return fd >= 0 && fcntl(fd, F_SETLK, &lock) < 0 &&
	       (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL);
}

static bool is_read_only(const char *path)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct statvfs status;

	return statvfs(directory_of(&memory, path), &status) == 0 && status.f_flag & ST_RDONLY;
}

int file_system_check(const char *path, struct error *err)
{
	const char *network = store_network_file_system(path);

	if (is_read_only(path)) {
		error_set(err, ERROR_STORE,
			  "cannot use database '%s': its file system is mounted read-only, but "
			  "readers write its -shm file too",
			  path);
		return error_hint(err, "mount it for reading and writing");
	}
	if (file_system_lacks_locks(path))
		error_set(err, ERROR_STORE,
			  "cannot use database '%s': its file system%s%s%s does not support locks",
			  path, network ? " (" : "", network ? network : "", network ? ")" : "");
	else if (network)
		error_set(err, ERROR_STORE,
			  "cannot use database '%s': its file system is %s, but SQLite requires "
			  "memory that processes share, which a network file system does not have",
			  path, network);
	else
		return 0;
	return error_hint(err, MOVE_HINT);
}

int store_wait_for_lock(void *context, int count)
{
	struct store *store = context;
	int pause = count < WAIT_MAX_MS ? count + 1 : WAIT_MAX_MS;

	if (count == 0) {
		store->waiting_since = clock_now();
		if (file_system_lacks_locks(store->path))
			return 0;
	}
	if (clock_now() - store->waiting_since >= store_lock_timeout())
		return 0;
	nanosleep(&(struct timespec){ .tv_nsec = pause * 1000000L }, NULL);
	return 1;
}

int file_system_explain(struct store *store, int r, struct error *err)
{
	switch (store->database ? sqlite3_errcode(store->database) & 0xff : SQLITE_OK) {
	case SQLITE_BUSY:
		if (!file_system_lacks_locks(store->path))
			return r;
		break;
	case SQLITE_OK: /* SQLite has opened it for reading instead, or it was not created */
		if (!is_read_only(store->path))
			return r;
		break;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
	case SQLITE_NOLFS:
	case SQLITE_PROTOCOL:
	case SQLITE_READONLY:
		break;
	default:
		return r;
	}
	return file_system_check(store->path, err) < 0 ? -1 : r;
}

/*
 * SQLite keeps files open, whatever becomes of their names. Where the database was replaced, or its
 * -wal or -shm file was deleted, it continues with files that no other program sees, and other
 * programs use new ones. Overwriting the file in place leaves old pages in its cache.
 */
void store_files_look(const char *path, struct store_files *ret_files)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	*ret_files = (struct store_files){ 0 };
	for (size_t i = 0; i < STORE_FILES; i++) {
		struct stat status;

		if (stat(arena_printf(&memory, "%s%s", path, database_suffixes[i]), &status) < 0)
			continue;
		ret_files->devices[i] = status.st_dev;
		ret_files->inodes[i] = status.st_ino;
		if (i > 0)
			continue;
		ret_files->size = status.st_size;
		ret_files->modified = status.st_mtim;
	}
}

static bool is_same_file(const struct store_files *a, const struct store_files *b, size_t file)
{
	return a->devices[file] == b->devices[file] && a->inodes[file] == b->inodes[file];
}

enum store_change store_files_compare(const struct store_files *before,
				      const struct store_files *now)
{
	if (!is_same_file(before, now, 0))
		return STORE_REPLACED;
	/* The first who reads makes these two. */
	for (size_t i = 1; i < STORE_FILES; i++)
		if (before->inodes[i] && !is_same_file(before, now, i))
			return STORE_LOG_REPLACED;
	if (before->size != now->size || before->modified.tv_sec != now->modified.tv_sec ||
	    before->modified.tv_nsec != now->modified.tv_nsec)
		return STORE_WRITTEN;
	return STORE_UNCHANGED;
}

/* Through SQLite's own descriptor: closing another one of the file would release its locks. */
uint32_t store_change_counter(struct store *store)
{
	sqlite3_file *file = NULL;
	uint32_t counter;

	if (sqlite3_file_control(store->database, "main", SQLITE_FCNTL_FILE_POINTER, &file) !=
		    SQLITE_OK ||
	    !file || !file->pMethods ||
	    file->pMethods->xRead(file, &counter, sizeof(counter), CHANGE_COUNTER_OFFSET) !=
		    SQLITE_OK)
		return 0;
	return be32toh(counter);
}
