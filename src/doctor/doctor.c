/*
 * The database belongs to the calling thread: it reads what each domain ought to be, and puts the
 * checks into the pool, at most WINDOW domains ahead of the one that it reports next. A service or
 * public name that several domains have is looked at once.
 */

#include "doctor/doctor.h"

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/check.h"
#include "doctor/stream.h"
#include "doctor/examination.h"
#include "doctor/memo.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* Most of them wait for somebody; more would keep a small server of ours busy for too long. */
#define THREADS 64
#define WINDOW 256

struct run {
	const struct context *context;
	const struct doctor_options *options;
	struct world world;
	struct pool *pool;
	struct memo *looked_at; /* checks that domains share, by what they look at */
	struct check **shared;	/* all of those, to be freed */
	size_t n_shared;

	pthread_mutex_t lock; /* guards is_done of all checks */
	pthread_cond_t done;
};

static void *begin_thread(void *context)
{
	const struct run *run = context;
	struct resolver *resolver = NULL;
	struct error err;

	/* That it can be made was seen before. */
	if (resolver_new(run->options->resolver, &resolver, &err) < 0)
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
	struct run *run = check->run;

	check->examine(check, own);
	pthread_mutex_lock(&run->lock);
	check->is_done = true;
	pthread_cond_broadcast(&run->done);
	pthread_mutex_unlock(&run->lock);
}

static struct check *check_new(struct run *run,
			       void (*examine)(struct check *check, struct resolver *resolver))
{
	struct check *check = xnew(struct check);

	check->job.run = run_check;
	check->run = run;
	check->world = &run->world;
	check->examine = examine;
	check->port = HTTPS;
	check->findings.memory = &check->memory;
	return check;
}

static void check_free(struct check *check)
{
	arena_clear(&check->memory);
	free(check);
}

/* One of the patient's own. */
static struct check *add_check(struct run *run, struct patient *patient,
			       void (*examine)(struct check *check, struct resolver *resolver))
{
	struct check *check = check_new(run, examine);

	check->examined = &patient->examined;
	patient->is_own[patient->n_checks] = true;
	patient->checks[patient->n_checks++] = check;
	return check;
}

/* What the check looks at: the same for all domains that have the service. */
static const char *service_key(struct arena *memory, const struct endpoint *endpoint)
{
	struct bytes key = BYTES_IN(memory);

	bytes_add_format(&key, "%d %d %s:%u %s", endpoint->kind, endpoint->security, endpoint->host,
			 endpoint->port, endpoint->url ? endpoint->url : "");
	for (size_t i = 0; i < endpoint->n_authentications; i++)
		bytes_add_format(&key, " %d", endpoint->authentications[i]);
	return bytes_text(&key);
}

/* The domain's endpoint, as long as the check lives. */
static struct endpoint endpoint_copy(struct arena *memory, const struct endpoint *endpoint)
{
	struct endpoint copy = *endpoint;
	size_t count = endpoint->n_authentications;
	enum authentication *list = arena_array(memory, enum authentication, count);

	memcpy(list, endpoint->authentications, count * sizeof(*list));
	copy.host = arena_strdup(memory, endpoint->host);
	copy.url = endpoint->url ? arena_strdup(memory, endpoint->url) : NULL;
	copy.authentications = list;
	copy.login = copy.login_template = NULL;
	return copy;
}

/* Starts a check that other domains may have too. */
static void share(struct run *run, const char *key, struct check *check)
{
	(void)memo_put(run->looked_at, key, check);
	run->shared = xrealloc(run->shared, run->n_shared + 1, sizeof(*run->shared));
	run->shared[run->n_shared++] = check;
	pool_add(run->pool, &check->job);
}

static void add_service_check(struct run *run, struct patient *patient,
			      const struct endpoint *endpoint)
{
	const char *key = service_key(&patient->memory, endpoint);
	struct check *check = memo_get(run->looked_at, key);

	if (!check) {
		check = check_new(run, check_service);
		check->endpoint = endpoint_copy(&check->memory, endpoint);
		share(run, key, check);
	}
	patient->checks[patient->n_checks++] = check;
}

/* Redirects and Autodiscover v2 send clients to the public name, which mostly is no name of the
 * domain's. */
static void add_target_check(struct run *run, struct patient *patient)
{
	const struct expected *subject = &patient->examined.subject;
	const char *key = arena_printf(&patient->memory, "public name %s:%u", subject->target,
				       subject->target_port);
	struct check *check = memo_get(run->looked_at, key);

	if (!check) {
		check = check_new(run, check_name);
		check->name = arena_strdup(&check->memory, subject->target);
		check->port = subject->target_port;
		share(run, key, check);
	}
	patient->checks[patient->n_checks++] = check;
}

/* Whether the domain's own checks do not look at the public name already. */
static bool has_other_target(const struct patient *patient)
{
	const struct expected *subject = &patient->examined.subject;

	return subject->target && (subject->target_port != HTTPS ||
				   (!is_wanted_name(&patient->examined, subject->target) &&
				    !text_equals(subject->target, patient->domain)));
}

static struct patient *admit(struct run *run, const char *domain)
{
	struct patient *patient = xnew(struct patient);
	const struct profile *profile = &patient->examined.subject.profile;
	size_t most;
	struct error err;

	patient->domain = domain;
	patient->findings.memory = &patient->memory;
	if (domain_is_pattern(domain)) {
		patient_note_pattern(patient);
		return patient;
	}
	if (patient_examine(patient, run->context, run->options, &err) < 0) {
		patient_note_broken(patient, err.text);
		return patient;
	}
	most = profile->n_endpoints + patient->examined.n_names + 4;
	patient->checks = arena_array(&patient->memory, struct check *, most);
	patient->is_own = arena_array(&patient->memory, bool, most);
	(void)add_check(run, patient, check_dns);
	(void)add_check(run, patient, check_clients);
	for (size_t i = 0; i < patient->examined.n_names; i++)
		add_check(run, patient, check_name)->name = patient->examined.names[i];
	add_check(run, patient, check_name)->name = domain;
	for (size_t i = 0; i < patient->n_checks; i++)
		pool_add(run->pool, &patient->checks[i]->job);
	for (size_t i = 0; i < profile->n_endpoints; i++)
		add_service_check(run, patient, &profile->endpoints[i]);
	if (has_other_target(patient))
		add_target_check(run, patient);
	return patient;
}

static void await(struct run *run, const struct check *check)
{
	pthread_mutex_lock(&run->lock);
	while (!check->is_done)
		pthread_cond_wait(&run->done, &run->lock);
	pthread_mutex_unlock(&run->lock);
}

static void dismiss(struct run *run, struct patient *patient)
{
	for (size_t i = 0; i < patient->n_checks; i++) {
		await(run, patient->checks[i]);
		if (patient->is_own[i])
			check_free(patient->checks[i]);
	}
	arena_clear(&patient->memory);
	free(patient);
}

/* The worst first; among those by kind, for what is wrong with DNS and TLS is why clients get
 * nothing; among equals the order in which they were found. */
static int compare_findings(const void *a, const void *b)
{
	const struct finding *const *one = a, *const *other = b;
	int levels = (int)finding_level((*other)->kind) - (int)finding_level((*one)->kind);
	int kinds = (int)(*one)->kind - (int)(*other)->kind;

	if (levels != 0)
		return levels;
	if (kinds != 0)
		return kinds;
	return *one < *other ? -1 : 1;
}

static void sort_findings(struct arena *memory, struct findings *findings)
{
	const struct finding **order = arena_array(memory, const struct finding *, findings->count);
	struct finding *sorted = arena_array(memory, struct finding, findings->count);

	for (size_t i = 0; i < findings->count; i++)
		order[i] = &findings->items[i];
	qsort(order, findings->count, sizeof(const struct finding *), compare_findings);
	for (size_t i = 0; i < findings->count; i++)
		sorted[i] = *order[i];
	findings->items = sorted;
}

static int discharge(struct run *run, struct patient *patient, doctor_reporter reporter,
		     void *reporter_context, struct error *err)
{
	struct findings *findings = &patient->findings;
	int r;

	for (size_t i = 0; i < patient->n_checks; i++) {
		const struct check *check = patient->checks[i];

		await(run, check);
		for (size_t j = 0; j < check->findings.count; j++)
			findings_add(findings, &check->findings.items[j]);
	}
	sort_findings(&patient->memory, findings);
	r = reporter(patient->domain, findings->items, findings->count, reporter_context, err);
	dismiss(run, patient);
	return r;
}

static int examine_all(struct run *run, const char *const *domains, size_t count,
		       doctor_reporter reporter, void *reporter_context, struct error *err)
{
	struct patient *patients[WINDOW];
	size_t admitted = 0, discharged = 0;
	int r = 0;

	while (r == 0 && discharged < count) {
		while (admitted < count && admitted - discharged < WINDOW) {
			patients[admitted % WINDOW] = admit(run, domains[admitted]);
			store_release(run->context->store);
			admitted++;
		}
		r = discharge(run, patients[discharged % WINDOW], reporter, reporter_context, err);
		discharged++;
	}
	for (; discharged < admitted; discharged++)
		dismiss(run, patients[discharged % WINDOW]);
	return r;
}

/* HOST:PORT, where HOST is looked up as any program does. */
static int find_override(struct arena *memory, const char *text, struct world *world,
			 struct error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(text, ':'), *host;
	struct addrinfo *found = NULL;
	unsigned long port;
	size_t length = colon ? (size_t)(colon - text) : 0;

	if (!length || !number_parse(colon + 1, 1, UINT16_MAX, &port))
		return error_set(err, ERROR_INPUT,
				 "'%s' is not HOST:PORT; write it as in 192.0.2.10:443", text);
	host = text[0] == '[' && text[length - 1] == ']'
		       ? arena_strndup(memory, text + 1, length - 2)
		       : arena_strndup(memory, text, length);
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return error_set(err, ERROR_INPUT, "'%s' in --connect has no address", host);
	memcpy(&world->connect, found->ai_addr, found->ai_addrlen);
	world->connect_length = found->ai_addrlen;
	world->connect_text = text;
	freeaddrinfo(found);
	return 0;
}

/* One thread for each domain's checks is as many as can ever be of use. */
static size_t threads_for(size_t domains)
{
	size_t wanted = domains * 16;

	return wanted < THREADS ? wanted : THREADS;
}

static int start(struct run *run, struct arena *memory, struct trust **trust, size_t count,
		 struct error *err)
{
	const struct pool_hooks hooks = { begin_thread, end_thread, run };
	struct resolver *resolver = NULL;

	if (trust_load(run->options->ca_file, trust, err) < 0 ||
	    (run->options->connect &&
	     find_override(memory, run->options->connect, &run->world, err) < 0) ||
	    resolver_new(run->options->resolver, &resolver, err) < 0)
		return -1;
	resolver_free(resolver);
	run->world.trust = *trust;
	return pool_new(threads_for(count), &hooks, &run->pool, err);
}

int doctor_run(const struct context *context, const struct doctor_options *options,
	       const char *const *domains, size_t count, doctor_reporter reporter,
	       void *reporter_context, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(trust_freep) struct trust *trust = NULL;
	struct run run = {
		.context = context,
		.options = options,
		.world.silent = memo_new(),
		.looked_at = memo_new(),
	};
	int r;

	pthread_mutex_init(&run.lock, NULL);
	pthread_cond_init(&run.done, NULL);
	r = count ? start(&run, &memory, &trust, count, err) : 0;
	if (r == 0)
		r = examine_all(&run, domains, count, reporter, reporter_context, err);
	pool_free(run.pool);
	for (size_t i = 0; i < run.n_shared; i++)
		check_free(run.shared[i]);
	free(run.shared);
	memo_free(run.looked_at);
	memo_free(run.world.silent);
	pthread_cond_destroy(&run.done);
	pthread_mutex_destroy(&run.lock);
	return r;
}
