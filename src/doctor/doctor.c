/*
 * The database belongs to the calling thread: it prepares each examination and adds its checks to
 * the pool, at most WINDOW domains ahead of the one to be reported next. A service or public name
 * that several domains have is checked once.
 */

#include "doctor/doctor.h"

#include <netdb.h>

#include "doctor/check.h"
#include "doctor/memo.h"
#include "doctor/stream.h"
#include "store/store.h"

/* Threads mostly wait; more connections at once would be a burden for a small server. */
#define THREADS_MAX 64
#define THREADS_PER_DOMAIN 16
#define WINDOW 256

struct doctor {
	const struct context *context;
	const struct doctor_options *options;
	doctor_reporter report;
	void *report_context;
	struct sockaddr_storage connect; /* of options->connect */
	struct world world;
	struct pool *pool;
	struct memo *shared_checks; /* by what they check */
	struct check *first_shared; /* the same as a list */
};

static void *begin_thread(void *context)
{
	const struct doctor *doctor = context;
	struct resolver *resolver = NULL;
	struct error err;

	/* doctor_run() has shown that this works. */
	if (resolver_new(doctor->options->resolver, &resolver, &err) < 0)
		abort();
	return resolver;
}

static void end_thread(void *own)
{
	resolver_free(own);
}

static void run_check(struct job *job, void *own)
{
	struct check *check = (struct check *)job;

	check->resolver = own;
	check->run(check);
}

static struct check *check_new(struct doctor *doctor, check_runner *run)
{
	struct check *check = xnew(struct check);

	check->job.run = run_check;
	check->world = &doctor->world;
	check->run = run;
	check->port = HTTPS_PORT;
	check->findings.memory = &check->memory;
	return check;
}

static void check_free(struct check *check)
{
	arena_clear(&check->memory);
	free(check);
}

static void add_own_check(struct doctor *doctor, struct examination *examination, check_runner *run,
			  const char *name)
{
	struct check *check = check_new(doctor, run);

	check->examination = examination;
	check->name = name;
	examination->checks[examination->n_checks++] = check;
	pool_add(doctor->pool, &check->job);
}

/* Adds the check of the key to the examination. Returns it if it is new, for the caller to fill in
 * and to start; else NULL. */
static struct check *add_shared_check(struct doctor *doctor, struct examination *examination,
				      check_runner *run, const char *key)
{
	struct check *check = memo_get(doctor->shared_checks, key), *old = check;

	if (!check) {
		check = check_new(doctor, run);
		memo_put(doctor->shared_checks, key, check);
		check->next = doctor->first_shared;
		doctor->first_shared = check;
	}
	examination->checks[examination->n_checks++] = check;
	return old ? NULL : check;
}

/* The key has all that the check depends on: it is equal for all domains that have the service. */
static void add_service_check(struct doctor *doctor, struct examination *examination,
			      const struct endpoint *endpoint)
{
	struct bytes key = BYTES_IN(&examination->database.memory);
	struct check *check;

	bytes_add_format(&key, "%d %d %s:%u %s", endpoint->kind, endpoint->security, endpoint->host,
			 endpoint->port, endpoint->url ?: "");
	for (size_t i = 0; i < endpoint->n_authentications; i++)
		bytes_add_format(&key, " %d", endpoint->authentications[i]);
	check = add_shared_check(doctor, examination, check_announced_service, bytes_text(&key));
	if (!check)
		return;
	/* The check outlives the examination. */
	check->endpoint = *endpoint;
	check->endpoint.host = arena_strdup(&check->memory, endpoint->host);
	check->endpoint.url = endpoint->url ? arena_strdup(&check->memory, endpoint->url) : NULL;
	check->endpoint.authentications = arena_copy(&check->memory, endpoint->authentications,
						     endpoint->n_authentications,
						     sizeof(*endpoint->authentications));
	check->endpoint.login = check->endpoint.login_template = NULL;
	pool_add(doctor->pool, &check->job);
}

/* Redirects and Autodiscover v2 send clients to the public name, which is mostly outside the
 * domain. */
static void add_public_name_check(struct doctor *doctor, struct examination *examination)
{
	const char *name = examination->expected.target, *key;
	uint16_t port = examination->expected.target_port;
	struct check *check;

	if (!name || (port == HTTPS_PORT && (examination_has_name(examination, name) ||
					     text_equals(name, examination->domain))))
		return;
	key = arena_printf(&examination->database.memory, "public name %s:%u", name, port);
	check = add_shared_check(doctor, examination, check_name, key);
	if (!check)
		return;
	check->name = arena_strdup(&check->memory, name);
	check->port = port;
	pool_add(doctor->pool, &check->job);
}

/* Starts all checks of the domain. */
static struct examination *begin_examination(struct doctor *doctor, const char *domain)
{
	struct examination *examination = xnew(struct examination);
	const struct profile *profile = &examination->expected.profile;

	examination->domain = domain;
	examination->database.findings.memory = &examination->database.memory;
	examination->plain_autoconfig = doctor->options->plain_autoconfig;
	if (examination_prepare(examination, doctor->context, doctor->options->coverage) < 0)
		return examination;
	examination->checks = arena_array(&examination->database.memory, struct check *,
					  profile->n_endpoints + examination->n_names + 4);
	add_own_check(doctor, examination, check_dns, NULL);
	add_own_check(doctor, examination, check_clients, NULL);
	for (size_t i = 0; i < examination->n_names; i++)
		add_own_check(doctor, examination, check_name, examination->names[i]);
	add_own_check(doctor, examination, check_name, domain);
	for (size_t i = 0; i < profile->n_endpoints; i++)
		add_service_check(doctor, examination, &profile->endpoints[i]);
	add_public_name_check(doctor, examination);
	return examination;
}

static void end_examination(struct doctor *doctor, struct examination *examination)
{
	for (size_t i = 0; i < examination->n_checks; i++) {
		pool_wait(doctor->pool, &examination->checks[i]->job);
		if (examination->checks[i]->examination)
			check_free(examination->checks[i]);
	}
	arena_clear(&examination->database.memory);
	free(examination);
}

/* The worst first; among those by kind, because faults of DNS and TLS are the causes of others;
 * among equals the order in which they were found. */
static int compare_findings(const void *a, const void *b)
{
	const struct finding *one = a, *other = b;
	int levels = (int)finding_level(other->kind) - (int)finding_level(one->kind);
	int kinds = (int)one->kind - (int)other->kind;

	return levels ?: kinds ?: one->number < other->number ? -1 : 1;
}

static int report_examination(struct doctor *doctor, struct examination *examination,
			      struct error *err)
{
	struct findings *findings = &examination->database.findings;
	int r;

	for (size_t i = 0; i < examination->n_checks; i++) {
		const struct check *check = examination->checks[i];

		pool_wait(doctor->pool, &check->job);
		for (size_t j = 0; j < check->findings.count; j++)
			findings_add(findings, &check->findings.items[j]);
	}
	if (findings->count)
		qsort(findings->items, findings->count, sizeof(*findings->items), compare_findings);
	r = doctor->report(examination->domain, findings->items, findings->count,
			   doctor->report_context, err);
	end_examination(doctor, examination);
	return r;
}

/* HOST:PORT; the system looks HOST up. */
static int parse_connect(struct doctor *doctor, struct error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *text = doctor->options->connect, *colon = strrchr(text, ':');
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct addrinfo *found = NULL;
	const char *host;
	uint16_t port;
	size_t length = colon ? (size_t)(colon - text) : 0;

	if (!length || !port_parse(colon + 1, &port)) {
		error_set(err, ERROR_INPUT, "'%s' is not HOST:PORT", text);
		return error_hint(err, "write it as in 192.0.2.10:443");
	}
	host = text[0] == '[' && text[length - 1] == ']'
		       ? arena_strndup(&memory, text + 1, length - 2)
		       : arena_strndup(&memory, text, length);
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return error_set(err, ERROR_INPUT, "'%s' in --connect has no address", host);
	memcpy(&doctor->connect, found->ai_addr, found->ai_addrlen);
	doctor->world.connect = (struct host_address){
		.text = text,
		.is_ipv6 = found->ai_family == AF_INET6,
		.socket = (const struct sockaddr *)&doctor->connect,
		.socket_length = found->ai_addrlen,
	};
	freeaddrinfo(found);
	return 0;
}

int doctor_run(const struct context *context, const struct doctor_options *options,
	       const char *const *domains, size_t count, doctor_reporter report,
	       void *report_context, struct error *err)
{
	_cleanup_(trust_freep) struct trust *trust = NULL;
	_cleanup_(resolver_freep) struct resolver *resolver = NULL;
	_cleanup_(memo_freep) struct memo *silent = memo_new(), *shared_checks = memo_new();
	struct doctor doctor = {
		.context = context,
		.options = options,
		.report = report,
		.report_context = report_context,
		.world.silent = silent,
		.shared_checks = shared_checks,
	};
	const struct pool_hooks hooks = { begin_thread, end_thread, &doctor };
	size_t threads = count < THREADS_MAX / THREADS_PER_DOMAIN ? count * THREADS_PER_DOMAIN
								  : THREADS_MAX;
	struct examination *window[WINDOW];
	size_t begun = 0, reported = 0;
	int r = 0;

	if (count == 0)
		return 0;
	if (trust_load(options->ca_file, &trust, err) < 0 ||
	    (options->connect && parse_connect(&doctor, err) < 0) ||
	    resolver_new(options->resolver, &resolver, err) < 0)
		return -1;
	doctor.world.trust = trust;
	if (pool_new(threads, &hooks, &doctor.pool, err) < 0)
		return -1;
	while (r == 0 && reported < count) {
		while (begun < count && begun - reported < WINDOW) {
			window[begun % WINDOW] = begin_examination(&doctor, domains[begun]);
			store_release(context->store);
			begun++;
		}
		r = report_examination(&doctor, window[reported++ % WINDOW], err);
	}
	while (reported < begun)
		end_examination(&doctor, window[reported++ % WINDOW]);
	pool_free(doctor.pool);
	while (doctor.first_shared) {
		struct check *check = doctor.first_shared;

		doctor.first_shared = check->next;
		check_free(check);
	}
	return r;
}
