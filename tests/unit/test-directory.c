#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "unit/fixture.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/directory.h"
#include "util/file.h"

#define SOMEBODY 12345

struct place {
	struct arena memory;
	char *directory;
	const char *theirs, *target; /* a directory of somebody else's, and one of ours */
};

static const char *make(struct place *place, const char *name, uid_t owner)
{
	const char *path = directory_path(&place->memory, place->directory, name);

	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(chown(path, owner, (gid_t)-1), 0);
	return path;
}

static int set_up(void **state)
{
	struct place *place = xnew(struct place);

	place->directory = directory_new();
	place->theirs = make(place, "theirs", SOMEBODY);
	place->target = make(place, "target", 0);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const made[] = { "theirs/a",	  "theirs/link", "theirs",
					    "target/a/b", "target/a",	 "target/link",
					    "target",	  "linked",	 "over" };
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		(void)remove(directory_path(&place->memory, place->directory, made[i]));
	directory_free(place->directory);
	arena_clear(&place->memory);
	free(place);
	return 0;
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

/* -1 where nobody in particular controls it. */
static long owner_of(const char *path)
{
	struct error err;
	uid_t user;
	gid_t group;

	return directory_find_owner(path, &user, &group, &err) == 0 ? (long)user : -1;
}

static const char *link_in(struct place *place, const char *directory, const char *target)
{
	const char *path = arena_printf(&place->memory, "%s/link", directory);

	assert_int_equal(symlink(target, path), 0);
	return path;
}

static void test_missing_directories_are_created(void **state)
{
	struct place *place = *state;
	_cleanup_(closep) int fd = -1;
	const char *path;
	struct error err;
	mode_t mask;

	path = arena_printf(&place->memory, "%s/a//b/", place->target);
	check_number("without a mode", directory_open_ours(path, 0, &err), -1);
	check_error("without a mode", &err, ERROR_SYSTEM, "No such file or directory");
	mask = umask(077);
	fd = directory_open_ours(path, 0755, &err);
	(void)umask(mask);
	assert_true(fd >= 0);
	assert_true(directory_is_ours(fd));
	check_number("above", mode_of(arena_printf(&place->memory, "%s/a", place->target)), 0755);
	check_number("itself", mode_of(path), 0755);
}

/* Each leads to a directory that is root's, but another user could lead it elsewhere. */
static void test_paths_that_others_can_change(void **state)
{
	struct place *place = *state;
	const char *below, *link, *linked, *over;
	struct error err;

	below = arena_printf(&place->memory, "%s/a", place->theirs);
	assert_int_equal(mkdir(below, 0755), 0);
	link = link_in(place, place->theirs, place->target);
	linked = directory_path(&place->memory, place->directory, "linked");
	over = directory_path(&place->memory, place->directory, "over");
	assert_int_equal(symlink("theirs/a", linked), 0);
	assert_int_equal(symlink(link, over), 0);
	for (size_t i = 0; i < 5; i++) {
		const char *const paths[] = { place->theirs, below, link, linked, over };

		check_number(paths[i], directory_open_ours(paths[i], 0755, &err), -1);
		check_error(paths[i], &err, ERROR_CONFIG, "another user can write in ");
		check_number(paths[i], owner_of(paths[i]), SOMEBODY);
	}
	check_number("created",
		     directory_open_ours(arena_printf(&place->memory, "%s/new", link), 0755, &err),
		     -1);
	check_number("empty", rmdir(place->target), 0);
}

static void test_our_links_are_followed(void **state)
{
	struct place *place = *state;
	_cleanup_(closep) int fd = -1;
	struct error err;
	const char *link;

	link = link_in(place, place->directory, "target");
	fd = directory_open_ours(link, 0, &err);
	assert_true(fd >= 0);
	check_number("owner", owner_of(link), 0);
	assert_int_equal(unlink(link), 0);
	link = link_in(place, place->directory, "link");
	check_number("circle", directory_open_ours(link, 0755, &err), -1);
	check_error("circle", &err, ERROR_SYSTEM, "Too many levels of symbolic links");
}

/* Others can create there what is missing, and cannot take away what is ours. */
static void test_directories_that_all_share(void **state)
{
	struct place *place = *state;
	_cleanup_(closep) int fd = -1;
	struct error err;
	const char *ours, *link;

	assert_int_equal(chmod(place->target, 01777), 0);
	check_number("itself", owner_of(place->target), -1);
	check_number("missing", owner_of(arena_printf(&place->memory, "%s/b/c", place->target)),
		     -1);
	ours = arena_printf(&place->memory, "%s/a", place->target);
	assert_int_equal(mkdir(ours, 0755), 0);
	fd = directory_open_ours(ours, 0, &err);
	assert_true(fd >= 0);
	check_number("ours", owner_of(ours), 0);
	assert_int_equal(chown(ours, SOMEBODY, (gid_t)-1), 0);
	check_number("theirs", owner_of(ours), SOMEBODY);
	link = link_in(place, place->target, place->directory);
	check_number("link", directory_open_ours(link, 0, &err), -1);
	check_error("link", &err, ERROR_SYSTEM, "'link' is a link that another user");
}

static void test_owner_of_what_is_missing(void **state)
{
	struct place *place = *state;

	check_number("ours", owner_of(arena_printf(&place->memory, "%s/a/b", place->target)), 0);
	check_number("theirs", owner_of(arena_printf(&place->memory, "%s/a/b", place->theirs)),
		     SOMEBODY);
}

static void test_relative_paths(void **state)
{
	struct place *place = *state;
	_cleanup_(closep) int here = open(".", O_PATH | O_DIRECTORY);

	assert_int_equal(mkdir(arena_printf(&place->memory, "%s/a", place->theirs), 0755), 0);
	assert_int_equal(chdir(arena_printf(&place->memory, "%s/a", place->theirs)), 0);
	check_number("below one of theirs", owner_of("."), SOMEBODY);
	assert_int_equal(fchdir(here), 0);
}

static void test_a_name_as_long_as_can_be(void **state)
{
	struct place *place = *state;
	char name[NAME_MAX + 1] = "";
	struct error err;
	const char *file;

	memset(name, 'a', NAME_MAX);
	file = directory_path(&place->memory, place->directory, name);
	check_number("write", file_replace(file, 0644, (gid_t)-1, "x", 1, &err), 0);
	check_number("again", file_replace(file, 0600, (gid_t)-1, "y", 1, &err), 0);
	check_number("mode", mode_of(file), 0600);
}

static void test_whose_it_is(void **state)
{
	struct place *place = *state;
	_cleanup_(closep) int theirs = -1, ours = -1;

	theirs = open(place->theirs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ours = open(place->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_false(directory_is_ours(theirs));
	assert_true(directory_is_ours(ours));
	assert_int_equal(chmod(place->target, 0757), 0);
	assert_false(directory_is_ours(ours));
	assert_int_equal(chmod(place->target, 0775), 0);
	assert_true(directory_is_ours(ours));
	assert_int_equal(chown(place->target, 0, SOMEBODY), 0);
	assert_false(directory_is_ours(ours));
	check_number("owner", owner_of(place->target), -1);
}

/* user::rwx user:12345:rwx group::r-x mask::rwx other::r-x, as linux/posix_acl_xattr.h has it, in
 * little endian */
static const unsigned char acl[] = {
	2, 0,  0,   0,	 1,   0,   7,  0, 255, 255, 255, 255, 2,   0,	7,
	0, 57, 48,  0,	 0,   4,   0,  5, 0,   255, 255, 255, 255, 16,	0,
	7, 0,  255, 255, 255, 255, 32, 0, 5,   0,   255, 255, 255, 255,
};

static bool set_acl(const char *directory)
{
	return setxattr(directory, "system.posix_acl_access", acl, sizeof(acl), 0) == 0;
}

static bool file_system_has_acls(void)
{
	char *directory = directory_new();
	bool has_acls = set_acl(directory);

	directory_free(directory);
	return has_acls;
}

/* acl(5): the mode shows the mask in place of the group's rights. */
static void test_acls(void **state)
{
	struct place *place = *state;
	struct error err;

	assert_true(set_acl(place->target));
	check_number("mode", mode_of(place->target), 0775);
	check_number("opened", directory_open_ours(place->target, 0, &err), -1);
	check_error("opened", &err, ERROR_CONFIG, "another user can write in it");
	check_number("owner", owner_of(place->target), -1);
	/* The remedy that it names. */
	assert_int_equal(chmod(place->target, 0755), 0);
	check_number("without the right to write", owner_of(place->target), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_missing_directories_are_created, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_paths_that_others_can_change, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_our_links_are_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_directories_that_all_share, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_owner_of_what_is_missing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_relative_paths, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_name_as_long_as_can_be, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_whose_it_is, set_up, tear_down),
		/* This needs a file system with ACLs. */
		cmocka_unit_test_setup_teardown(test_acls, set_up, tear_down),
	};

	/* cmocka 1.1 reports its own skip() as "not ok". */
	if (geteuid() != 0) {
		puts("1..0 # SKIP only root can create directories of another user");
		return 0;
	}
	return _cmocka_run_group_tests("directory", tests,
				       sizeof(tests) / sizeof(*tests) - !file_system_has_acls(),
				       NULL, NULL);
}
