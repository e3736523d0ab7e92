#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
	struct place *place;

	if (geteuid() != 0) /* there is nobody else */
		return 0;
	place = xnew(struct place);
	place->directory = directory_new();
	place->theirs = make(place, "theirs", SOMEBODY);
	place->target = make(place, "target", 0);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const made[] = { "theirs/a/b", "theirs/a", "theirs/link", "theirs",
					    "target" };
	struct place *place = *state;

	if (!place)
		return 0;
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

static const char *link_in(struct place *place, const char *directory, const char *target)
{
	const char *path = arena_printf(&place->memory, "%s/link", directory);

	assert_int_equal(symlink(target, path), 0);
	return path;
}

static void test_what_is_missing_is_made(void **state)
{
	struct place *place = *state;
	_cleanup_(closep) int fd = -1;
	const char *path;
	struct error err;
	mode_t mask;

	if (!place)
		skip();
	path = arena_printf(&place->memory, "%s/a//b/", place->theirs);
	check_number("without a mode", directory_open(path, 0, &err), -1);
	check_error("without a mode", &err, ERROR_SYSTEM, "No such file or directory");
	mask = umask(077);
	fd = directory_open(path, 0755, &err);
	(void)umask(mask);
	assert_true(fd >= 0);
	assert_true(directory_is_ours(fd));
	check_number("above", mode_of(arena_printf(&place->memory, "%s/a", place->theirs)), 0755);
	check_number("itself", mode_of(path), 0755);
}

static void test_links_of_others_are_not_followed(void **state)
{
	struct place *place = *state;
	struct error err;
	const char *link;

	if (!place)
		skip();
	assert_int_equal(chmod(place->target, 0700), 0);
	link = link_in(place, place->theirs, place->target);
	check_number("open", directory_open(link, 0755, &err), -1);
	check_error("open", &err, ERROR_SYSTEM, "'link' is a link that another user");
	check_number("below",
		     directory_open(arena_printf(&place->memory, "%s/new", link), 0755, &err), -1);
	check_number("write",
		     file_replace(arena_printf(&place->memory, "%s/a", link), 0644, (gid_t)-1, "x",
				  1, &err),
		     -1);
	check_error("write", &err, ERROR_SYSTEM, "'link' is a link that another user");
	check_number("mode", mode_of(place->target), 0700);
	check_number("empty", rmdir(place->target), 0);
}

static void test_our_links_are_followed(void **state)
{
	struct place *place = *state;
	struct error err;
	const char *file, *link;
	size_t size;

	if (!place)
		skip();
	link = link_in(place, place->directory, place->theirs);
	file = arena_printf(&place->memory, "%s/a", link);
	check_number("write", file_replace(file, 0644, (gid_t)-1, "x", 1, &err), 0);
	file = arena_printf(&place->memory, "%s/a", place->theirs);
	check_text("read", file_read(&place->memory, file, 10, &size, &err), "x");
	check_number("mode", mode_of(file), 0644);
	file_remove(arena_printf(&place->memory, "%s/a", link));
	check_number("removed", access(file, F_OK), -1);
}

/* Made by somebody else under the name: it goes, and what it leads to stays as it is. */
static void test_a_link_in_the_place_of_the_file_is_replaced(void **state)
{
	struct place *place = *state;
	struct stat status;
	struct error err;
	const char *link;

	if (!place)
		skip();
	link = link_in(place, place->theirs, place->target);
	check_number("write", file_replace(link, 0644, (gid_t)-1, "x", 1, &err), 0);
	assert_int_equal(lstat(link, &status), 0);
	assert_true(S_ISREG(status.st_mode));
}

static void test_a_name_as_long_as_can_be(void **state)
{
	struct place *place = *state;
	char name[NAME_MAX + 1] = "";
	struct error err;
	const char *file;

	if (!place)
		skip();
	memset(name, 'a', NAME_MAX);
	file = directory_path(&place->memory, place->directory, name);
	check_number("write", file_replace(file, 0644, (gid_t)-1, "x", 1, &err), 0);
	check_number("again", file_replace(file, 0600, (gid_t)-1, "y", 1, &err), 0);
	check_number("mode", mode_of(file), 0600);
}

/* The way to the target of a link is looked at as any other. */
static void test_links_that_lead_over_those_of_others(void **state)
{
	struct place *place = *state;
	struct error err;
	const char *link, *ours;

	if (!place)
		skip();
	link = link_in(place, place->theirs, place->target);
	ours = link_in(place, place->directory, link);
	check_number("open", directory_open(ours, 0755, &err), -1);
	check_error("open", &err, ERROR_SYSTEM, "'link' is a link that another user");
	assert_int_equal(unlink(ours), 0);
	ours = link_in(place, place->directory, "link");
	check_number("circle", directory_open(ours, 0755, &err), -1);
	check_error("circle", &err, ERROR_SYSTEM, "Too many levels of symbolic links");
}

/* Its owner could put another directory, or a link, in the place of one that is ours. */
static void test_ours_all_the_way(void **state)
{
	struct place *place = *state;
	_cleanup_(closep) int ours = -1, below = -1, linked = -1;
	const char *inner, *link;
	struct error err;

	if (!place)
		skip();
	ours = directory_open_ours(place->target, 0, &err);
	assert_true(ours >= 0);
	check_number("theirs", directory_open_ours(place->theirs, 0, &err), -1);
	check_error("theirs", &err, ERROR_CONFIG, "another user can write in it");
	inner = arena_printf(&place->memory, "%s/a", place->theirs);
	below = directory_open(inner, 0755, &err);
	assert_true(directory_is_ours(below));
	check_number("below", directory_open_ours(inner, 0, &err), -1);
	check_error("below", &err, ERROR_CONFIG, "/theirs'; give that to root");
	link = link_in(place, place->directory, "theirs/a");
	check_number("linked", directory_open_ours(link, 0, &err), -1);
	assert_int_equal(unlink(link), 0);
	link = link_in(place, place->directory, "target");
	linked = directory_open_ours(link, 0, &err);
	assert_true(linked >= 0);
}

static void test_whose_it_is(void **state)
{
	struct place *place = *state;
	_cleanup_(closep) int theirs = -1, ours = -1;
	struct error err;

	if (!place)
		skip();
	theirs = directory_open(place->theirs, 0, &err);
	ours = directory_open(place->target, 0, &err);
	assert_false(directory_is_ours(theirs));
	assert_true(directory_is_ours(ours));
	assert_int_equal(chmod(place->target, 0757), 0);
	assert_false(directory_is_ours(ours));
	assert_int_equal(chmod(place->target, 0775), 0);
	assert_true(directory_is_ours(ours));
	assert_int_equal(chown(place->target, 0, SOMEBODY), 0);
	assert_false(directory_is_ours(ours));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "what_is_missing_is_made", test_what_is_missing_is_made, set_up, tear_down,
		  NULL },
		{ "links_of_others_are_not_followed", test_links_of_others_are_not_followed, set_up,
		  tear_down, NULL },
		{ "our_links_are_followed", test_our_links_are_followed, set_up, tear_down, NULL },
		{ "a_link_in_the_place_of_the_file_is_replaced",
		  test_a_link_in_the_place_of_the_file_is_replaced, set_up, tear_down, NULL },
		{ "a_name_as_long_as_can_be", test_a_name_as_long_as_can_be, set_up, tear_down,
		  NULL },
		{ "links_that_lead_over_those_of_others", test_links_that_lead_over_those_of_others,
		  set_up, tear_down, NULL },
		{ "ours_all_the_way", test_ours_all_the_way, set_up, tear_down, NULL },
		{ "whose_it_is", test_whose_it_is, set_up, tear_down, NULL },
	};

	return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
