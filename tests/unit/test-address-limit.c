#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

#include "answer/client-limits.h"
#include "unit/fixture.h"
#include "util/arena.h"
#include "util/network.h"

#define HOUR ADDRESS_LIMIT_PERIOD_MS

struct asked {
	struct client_limits *limits;
	struct arena memory;
	int64_t now;
};

static void set(struct client_limits *limits, unsigned addresses, const char *trusted)
{
	const struct client_limits_rules rules = {
		.addresses = addresses,
		.trusted = trusted,
	};

	client_limits_set(limits, &rules);
}

static int set_up(void **state)
{
	struct asked *asked = xnew(struct asked);

	asked->limits = client_limits_new();
	*state = asked;
	return 0;
}

static int tear_down(void **state)
{
	struct asked *asked = *state;

	client_limits_free(asked->limits);
	arena_clear(&asked->memory);
	free(asked);
	return 0;
}

static bool ask(struct asked *asked, const char *client, const char *address)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };
	bool is_ipv4 = inet_pton(AF_INET, client, &ipv4.sin_addr) == 1;

	if (!is_ipv4)
		assert_int_equal(inet_pton(AF_INET6, client, &ipv6.sin6_addr), 1);
	return client_limits_allow_address(
		asked->limits, is_ipv4 ? (struct sockaddr *)&ipv4 : (struct sockaddr *)&ipv6,
		address, asked->now);
}

/* How many of so many new addresses are allowed. */
static unsigned ask_many(struct asked *asked, const char *client, const char *prefix,
			 unsigned count)
{
	unsigned allowed = 0;

	for (unsigned i = 0; i < count; i++)
		allowed += ask(asked, client,
			       arena_printf(&asked->memory, "%s%u@example.org", prefix, i));
	return allowed;
}

static void test_different_addresses_count(void **state)
{
	struct asked *asked = *state;

	set(asked->limits, 100, "");
	assert_int_equal(ask_many(asked, "192.0.2.1", "a", 1000), 100);
	assert_false(ask(asked, "192.0.2.1", "b@example.org"));
	/* What was within the bound stays so. */
	assert_int_equal(ask_many(asked, "192.0.2.1", "a", 100), 100);
	/* And the neighbours have done nothing. */
	assert_int_equal(ask_many(asked, "192.0.2.2", "a", 1000), 100);
}

static void test_the_same_address_counts_once(void **state)
{
	struct asked *asked = *state;

	set(asked->limits, 2, "");
	for (int i = 0; i < 100000; i++) {
		assert_true(ask(asked, "192.0.2.1", "a@example.org"));
		assert_true(ask(asked, "192.0.2.1", "b@example.org"));
	}
	assert_false(ask(asked, "192.0.2.1", "c@example.org"));
}

static void test_an_hour_ends(void **state)
{
	struct asked *asked = *state;

	set(asked->limits, 10, "");
	asked->now = 5;
	assert_int_equal(ask_many(asked, "192.0.2.1", "a", 20), 10);
	asked->now += HOUR - 1;
	assert_int_equal(ask_many(asked, "192.0.2.1", "b", 20), 0);
	asked->now += 1;
	assert_int_equal(ask_many(asked, "192.0.2.1", "b", 20), 10);
}

static void test_networks(void **state)
{
	static const struct {
		const char *one, *other;
		bool are_same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.0", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "192.0.2.1", "::ffff:192.0.2.2", false },
		{ "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "2001:db8:0:1::1", "2001:db8:0:1:8000::", true },
		/* Of the network of ::ffff:192.0.2.1, but not IPv4. */
		{ "::1", "192.0.2.1", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct asked *asked;

		(void)state;
		assert_int_equal(set_up((void **)&asked), 0);
		set(asked->limits, 1, "");
		assert_true(ask(asked, rows[i].one, "a@example.org"));
		check_number(rows[i].other, ask(asked, rows[i].other, "b@example.org"),
			     !rows[i].are_same);
		assert_int_equal(tear_down((void **)&asked), 0);
	}
}

static void test_nothing_set_is_no_limit(void **state)
{
	struct asked *asked = *state;

	assert_int_equal(ask_many(asked, "192.0.2.1", "a", 5000), 5000);
	set(asked->limits, 1, "");
	assert_int_equal(ask_many(asked, "192.0.2.1", "a", 5000), 1);
	set(asked->limits, 0, "");
	assert_int_equal(ask_many(asked, "192.0.2.1", "a", 5000), 5000);
}

static void test_trusted(void **state)
{
	struct asked *asked = *state;

	set(asked->limits, 1, "192.0.2.0/25 2001:db8::/48");
	assert_int_equal(ask_many(asked, "192.0.2.127", "a", 2000), 2000);
	assert_int_equal(ask_many(asked, "2001:db8:0:5::1", "a", 2000), 2000);
	assert_int_equal(ask_many(asked, "192.0.2.128", "a", 2000), 1);
	/* What they ask for is not counted, so that it uses up no network around them. */
	set(asked->limits, 1, "");
	assert_int_equal(ask_many(asked, "192.0.2.127", "b", 2000), 1);
	assert_int_equal(ask_many(asked, "2001:db8:0:6::1", "b", 2000), 1);
}

/* How many of so many new addresses each are allowed to networks of which the number is part. */
static unsigned ask_from_many(struct asked *asked, const char *format, unsigned clients,
			      unsigned count)
{
	unsigned allowed = 0;

	for (unsigned i = 0; i < clients; i++) {
		char *client = arena_strdup(&asked->memory, format);

		client = arena_printf(&asked->memory, "%.*s%x%s", (int)strcspn(format, "N"), format,
				      i, strchr(client, 'N') + 1);
		allowed += ask_many(asked, client, arena_printf(&asked->memory, "%s-", client),
				    count);
	}
	return allowed;
}

/* Addresses are kept as hashes of 32 bits with a random key: one of 14,000 that come when 8,000 are
 * counted passes for one of these in 1 run of 40. */
#define COLLISIONS_MAX 3

static void check_allowed(const char *row, unsigned got, unsigned wanted)
{
	if (got < wanted || got > wanted + COLLISIONS_MAX)
		check_number(row, got, wanted);
}

static void test_wider_networks_have_limits(void **state)
{
	static const struct {
		const char *format; /* N is the number of the client */
		unsigned clients, wanted;
	} rows[] = {
		{ "2001:db8::N", 40, 500 },	   /* one /64 */
		{ "2001:db8:0:N::1", 40, 1000 },   /* /64s of a /56 */
		{ "2001:db8:0:N00::1", 40, 2000 }, /* /56s of a /48 */
		{ "2001:db8:N::1", 40, 8000 },	   /* /48s of a /32 */
		{ "2001:N::1", 40, 20000 },	   /* /32s */
		{ "192.0.2.N", 10, 2000 },	   /* of a /24 */
		{ "192.0.N.2", 10, 5000 },	   /* /24s */
		{ "::ffff:192.0.2.N", 10, 2000 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct asked *asked;

		(void)state;
		assert_int_equal(set_up((void **)&asked), 0);
		set(asked->limits, 500, "");
		check_allowed(rows[i].format,
			      ask_from_many(asked, rows[i].format, rows[i].clients, 600),
			      rows[i].wanted);
		assert_int_equal(tear_down((void **)&asked), 0);
	}
}

/* The attack of an audit: eleven /64 of one /48, with 450 addresses each. */
static void test_enumeration_from_one_site(void **state)
{
	struct asked *asked = *state;

	set(asked->limits, 500, "");
	check_allowed("eleven /64", ask_from_many(asked, "2001:db8:0:N00::1", 11, 450), 2000);
}

static void test_a_full_network_does_not_use_up_wider_ones(void **state)
{
	struct asked *asked = *state;

	set(asked->limits, 10, "");
	assert_int_equal(ask_many(asked, "2001:db8::1", "a", 1000), 10);
	assert_int_equal(ask_many(asked, "2001:db8:0:1::1", "b", 1000), 10);
	assert_int_equal(ask_many(asked, "2001:db8:0:2::1", "c", 1000), 0);
	/* The /56 refused those; they were not counted in the /64 or the /48. */
	assert_int_equal(ask_many(asked, "2001:db8:0:100::1", "d", 1000), 10);
	assert_int_equal(ask_many(asked, "2001:db8:0:200::1", "e", 1000), 10);
	assert_int_equal(ask_many(asked, "2001:db8:0:300::1", "f", 1000), 0);
}

static void test_wider_networks_count_an_address_once(void **state)
{
	struct asked *asked = *state;

	set(asked->limits, 10, "");
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(ask_many(asked,
					  arena_printf(&asked->memory, "2001:db8:0:%x::1", i), "a",
					  10),
				 10);
	assert_int_equal(ask_many(asked, "2001:db8:0:ff::1", "b", 1000), 10);
	/* What the full /56 has counted is allowed to all of it. */
	assert_int_equal(ask_many(asked, "2001:db8:0:fe::1", "b", 1000), 10);
	assert_int_equal(ask_many(asked, "2001:db8:0:fd::1", "c", 1000), 0);
}

static void test_the_bound_may_be_moved(void **state)
{
	struct asked *asked = *state;

	set(asked->limits, 10, "");
	assert_int_equal(ask_many(asked, "192.0.2.1", "a", 20), 10);
	set(asked->limits, 15, "");
	assert_int_equal(ask_many(asked, "192.0.2.1", "b", 20), 5);
	set(asked->limits, 5, "");
	assert_int_equal(ask_many(asked, "192.0.2.1", "c", 20), 0);
	assert_int_equal(ask_many(asked, "192.0.2.1", "a", 10), 10);
}

/* So many networks more than there is room for come and go; the one that asks for the most is
 * remembered all the same. */
static void test_a_full_table_keeps_the_worst(void **state)
{
	struct asked *asked = *state;

	set(asked->limits, 3, "");
	assert_int_equal(ask_many(asked, "192.0.2.1", "a", 5), 3);
	for (unsigned i = 0; i < 20 * ADDRESS_LIMIT_NETWORKS; i++) {
		const char *client = arena_printf(&asked->memory, "10.%u.%u.%u", i >> 16,
						  i >> 8 & 255, i & 255);

		assert_true(ask(asked, client, "a@example.org"));
	}
	assert_int_equal(ask_many(asked, "192.0.2.1", "b", 5), 0);
	/* Those that are past the bound themselves take no place but from each other. */
	for (unsigned i = 0; i < 4 * ADDRESS_LIMIT_NETWORKS; i++) {
		const char *client = arena_printf(&asked->memory, "11.%u.%u.%u", i >> 16,
						  i >> 8 & 255, i & 255);

		assert_int_equal(ask_many(asked, client, "a", 4), 3);
	}
}

#define THREADS 4

struct asker {
	struct asked asked;
	pthread_t thread;
	unsigned number, allowed;
};

static void *ask_in_a_thread(void *context)
{
	struct asker *asker = context;

	asker->allowed = ask_many(&asker->asked, "192.0.2.1",
				  arena_printf(&asker->asked.memory, "%u-", asker->number), 200);
	return NULL;
}

static void test_threads_share_the_bound(void **state)
{
	struct asked *asked = *state;
	struct asker askers[THREADS] = { 0 };
	unsigned allowed = 0;

	set(asked->limits, 100, "");
	for (unsigned i = 0; i < THREADS; i++) {
		askers[i].asked.limits = asked->limits;
		askers[i].number = i;
		assert_int_equal(
			pthread_create(&askers[i].thread, NULL, ask_in_a_thread, &askers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
		allowed += askers[i].allowed;
		arena_clear(&askers[i].asked.memory);
	}
	assert_int_equal(allowed, 100);
}

static void test_names_of_networks(void **state)
{
	struct asked *asked = *state;
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };
	struct client_network network;

	assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &ipv4.sin_addr), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:0:1::1", &ipv6.sin6_addr), 1);
	network = network_of_client((struct sockaddr *)&ipv4);
	check_text("IPv4", client_network_text(&asked->memory, &network), "192.0.2.1");
	network = network_of_client((struct sockaddr *)&ipv6);
	check_text("IPv6", client_network_text(&asked->memory, &network), "2001:db8:0:1::/64");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_different_addresses_count),
		TEST(test_the_same_address_counts_once),
		TEST(test_an_hour_ends),
		cmocka_unit_test(test_networks),
		TEST(test_nothing_set_is_no_limit),
		TEST(test_trusted),
		cmocka_unit_test(test_wider_networks_have_limits),
		TEST(test_enumeration_from_one_site),
		TEST(test_a_full_network_does_not_use_up_wider_ones),
		TEST(test_wider_networks_count_an_address_once),
		TEST(test_the_bound_may_be_moved),
		TEST(test_a_full_table_keeps_the_worst),
		TEST(test_threads_share_the_bound),
		TEST(test_names_of_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
