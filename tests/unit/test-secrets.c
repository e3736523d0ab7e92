/* A key that is not needed any more is nowhere in memory: all of this process's is searched. What
 * is looked for is kept inverted, for the test must not find itself. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <gnutls/abstract.h>

#include "tls/certificates.h"
#include "tls/cms.h"
#include "unit/fixture.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"

#define NEEDLE_SIZE 12

/* What free() leaves of a chunk begins after its own two pointers. */
#define NEEDLE_OFFSET 17

#define NEEDLES_MAX 8

/* A sanitizer's shadow takes terabytes, in which there is nothing of ours. */
#define MAPPING_MAX (1UL << 28)

struct needles {
	unsigned char inverted[NEEDLES_MAX][NEEDLE_SIZE];
	size_t count;
};

static void add_needle(struct needles *needles, const unsigned char *secret)
{
	unsigned char *inverted = needles->inverted[needles->count++];

	for (size_t i = 0; i < NEEDLE_SIZE; i++)
		inverted[i] = (unsigned char)~secret[i];
}

/* A number as it is written and as limbs hold it, lowest byte first. The datum is wiped and freed.
 */
static void add_number(struct needles *needles, gnutls_datum_t *number)
{
	assert_true(number->size >= NEEDLE_OFFSET + NEEDLE_SIZE);
	add_needle(needles, number->data + NEEDLE_OFFSET);
	for (size_t i = 0; i < number->size / 2; i++) {
		unsigned char byte = number->data[i];

		number->data[i] = number->data[number->size - 1 - i];
		number->data[number->size - 1 - i] = byte;
	}
	add_needle(needles, number->data + NEEDLE_OFFSET);
	gnutls_memset(number->data, 0, number->size);
	gnutls_free(number->data);
}

static void free_public(gnutls_datum_t *number)
{
	gnutls_free(number->data);
}

static void add_key(struct needles *needles, gnutls_privkey_t key)
{
	_cleanup_(free_public) gnutls_datum_t first = { 0 };
	_cleanup_(free_public) gnutls_datum_t second = { 0 };
	gnutls_datum_t d, p, q, u, e1, e2;
	gnutls_ecc_curve_t curve;

	if (gnutls_privkey_get_pk_algorithm(key, NULL) == GNUTLS_PK_ECDSA) {
		assert_int_equal(gnutls_privkey_export_ecc_raw2(key, &curve, &first, &second, &d,
								GNUTLS_EXPORT_FLAG_NO_LZ),
				 0);
		add_number(needles, &d);
		return;
	}
	assert_int_equal(gnutls_privkey_export_rsa_raw2(key, &first, &second, &d, &p, &q, &u, &e1,
							&e2, GNUTLS_EXPORT_FLAG_NO_LZ),
			 0);
	add_number(needles, &d);
	add_number(needles, &p);
	add_number(needles, &q);
	gnutls_memset(u.data, 0, u.size);
	gnutls_memset(e1.data, 0, e1.size);
	gnutls_memset(e2.data, 0, e2.size);
	gnutls_free(u.data);
	gnutls_free(e1.data);
	gnutls_free(e2.data);
}

/* From the middle of the key's block, which is of the secret half: its text. */
static void add_text(struct needles *needles, const char *path)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[16384], *begin, *end, *line;
	ssize_t size = read(fd, text, sizeof(text) - 1);

	assert_true(size > 0);
	text[size] = '\0';
	begin = strstr(text, "PRIVATE KEY-----\n");
	assert_non_null(begin);
	end = strstr(begin, "-----END");
	assert_non_null(end);
	line = strchr(begin + (end - begin) / 3, '\n') + 1;
	add_needle(needles, (unsigned char *)line);
	explicit_bzero(text, sizeof(text));
}

static size_t count_in(const struct needles *needles, const unsigned char *data, size_t size)
{
	size_t found = 0;

	for (size_t n = 0; n < needles->count; n++) {
		const unsigned char *inverted = needles->inverted[n], *at = data;
		const unsigned char *end = data + size - NEEDLE_SIZE;
		unsigned char first = (unsigned char)~inverted[0];

		while (at <= end && (at = memchr(at, first, (size_t)(end - at) + 1))) {
			size_t same = 1;

			while (same < NEEDLE_SIZE && (at[same] ^ inverted[same]) == 0xff)
				same++;
			found += same == NEEDLE_SIZE;
			at++;
		}
	}
	return found;
}

/* How often they are in memory that can be written, which is searched in overlapping parts. */
static size_t search(const struct needles *needles)
{
	static unsigned char buffer[1 << 20];
	_cleanup_(fclosep) FILE *maps = fopen("/proc/self/maps", "re");
	_cleanup_(closep) int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	unsigned long start, end;
	size_t found = 0;
	char line[512];

	assert_non_null(maps);
	assert_true(memory >= 0);
	while (fgets(line, sizeof(line), maps)) {
		char access[5];

		if (sscanf(line, "%lx-%lx %4s", &start, &end, access) != 3 || access[1] != 'w' ||
		    end - start > MAPPING_MAX)
			continue;
		for (; start < end; start += sizeof(buffer) - NEEDLE_SIZE) {
			size_t wanted = end - start < sizeof(buffer) ? end - start : sizeof(buffer);
			ssize_t got;

			/* Not what was copied to look at. */
			if (start < (unsigned long)(buffer + sizeof(buffer)) &&
			    start + wanted > (unsigned long)buffer)
				continue;
			got = pread(memory, buffer, wanted, (off_t)start);
			if (got >= NEEDLE_SIZE)
				found += count_in(needles, buffer, (size_t)got);
			explicit_bzero(buffer, sizeof(buffer));
		}
	}
	return found;
}

static void ignore(const char *sentence, void *context)
{
}

static void load(const char *path, struct certificates **ret_certificates)
{
	const struct certificates_options options = { .globs = &path, .n_globs = 1 };
	struct error err;

	if (certificates_load(&options, ignore, NULL, ret_certificates, &err) < 0)
		fail_msg("%s", err.text);
}

static const char *make(struct arena *memory, const char *directory, const char *options)
{
	const char *root = getenv("SOURCE_ROOT");

	assert_int_equal(system(arena_printf(memory,
					     "'%s/tests/certs/make.sh' '%s' ca >/dev/null &&"
					     "'%s/tests/certs/make.sh' '%s' cert key.pem %s "
					     "a.example >/dev/null",
					     root, directory, root, directory, options)),
			 0);
	return directory_path(memory, directory, "key.pem");
}

static void check_wiped(const char *options)
{
	struct certificates *certificates = NULL;
	struct arena memory = ARENA_NULL;
	struct needles needles = { 0 };
	struct signer *signer = NULL;
	char *directory = directory_new();
	const char *path = make(&memory, directory, options);
	struct error err;

	load(path, &certificates);
	add_key(&needles, certificates_at(certificates, 0)->key);
	assert_true(search(&needles) > 0);
	assert_int_equal(signer_load(path, path, ignore, NULL, &signer, &err), 0);
	certificates_unref(certificates);
	assert_true(search(&needles) > 0);
	signer_unref(signer);
	add_text(&needles, path);
	assert_int_equal(search(&needles), 0);
	arena_clear(&memory);
	directory_free(directory);
}

static void test_ec_key_is_wiped(void **state)
{
	check_wiped("");
}

static void test_rsa_key_is_wiped(void **state)
{
	check_wiped("--rsa");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ec_key_is_wiped),
		cmocka_unit_test(test_rsa_key_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
