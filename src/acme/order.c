#include "acme/order.h"

#include "acme/local-names.h"
#include "acme/run.h"
#include "dns/wanted.h"
#include "mail/address.h"
#include "store/store.h"
#include "tls/certificate.h"
#include "util/idna.h"

/* Of the lifetime of a certificate, the last part in which it may lose names. */
#define LAST_PART 9

#define DAYS_LEFT ((time_t)30 * 24 * 60 * 60)

time_t order_due_time(const struct certificate *certificate)
{
	time_t part = (certificate->expires - certificate->starts) / 3;

	return certificate->expires - (part < DAYS_LEFT ? part : DAYS_LEFT);
}

void order_add(struct acme_run *run, struct order *order, const char *name)
{
	const struct certificate *present = order->present;
	struct name_place place = { .name = name }, *places;

	for (size_t i = 0; i < order->count; i++)
		if (text_equals(order->places[i].name, name))
			return;
	for (size_t i = 0; present && i < present->n_names; i++)
		place.is_in_certificate |= text_equals(present->names[i], name);
	places = arena_array(run->memory, struct name_place, order->count + 1);
	if (order->count)
		memcpy(places, order->places, order->count * sizeof(*places));
	places[order->count++] = place;
	order->places = places;
}

struct order order_begin(struct acme_run *run, enum order_kind kind, const char *domain,
			 const char *server)
{
	const struct managed_certificate *managed = acme_run_managed(run, domain);
	struct order order = { .kind = kind, .domain = domain, .server = server };

	if (managed && !managed->listed->problem)
		order.present = &managed->listed->certificate;
	order.is_due = order.present && run->now > order_due_time(order.present);
	for (size_t i = 0; kind != ORDER_NAMED && order.present && i < order.present->n_names; i++)
		order_add(run, &order, order.present->names[i]);
	return order;
}

/* Outlook asks the domain itself before all other names, and so do clients of CalDAV and CardDAV
 * (RFC 6764 5). Mostly it is another web server, so that it is optional. */
int order_add_wanted(struct acme_run *run, struct order *order, struct error *err)
{
	const struct query query = { .domain = order->domain };
	const char *const *names;
	struct match match;
	size_t count, before;
	int r;

	if (domain_is_pattern(order->domain)) {
		order_add(run, order, order->domain);
		return 0;
	}
	r = store_match(run->store, run->memory, &query, &match, err);
	if (r != 0)
		return r == STORE_NOT_FOUND ? r : -1;
	names = wanted_names(run->memory, order->domain, match.provider.pacc, &count);
	for (size_t i = 0; i < count; i++)
		order_add(run, order, names[i]);
	for (size_t i = 0; i < run->hosts.count; i++)
		if (host_name_is_within(run->hosts.items[i], order->domain))
			order_add(run, order, run->hosts.items[i]);
	before = order->count;
	order_add(run, order, order->domain);
	if (order->count > before)
		order->places[before].is_optional = !order->places[before].is_in_certificate;
	return 0;
}

int order_validate(const struct order *order, struct error *err)
{
	const char *invalid = host_pattern_is_valid(order->domain) ? NULL : order->domain;

	for (size_t i = 0; i < order->count && !invalid; i++)
		if (!host_pattern_is_valid(order->places[i].name))
			invalid = order->places[i].name;
	if (!invalid)
		return 0;
	return error_set(err, ERROR_DATA, "'%s' is not a host name; nothing is requested for it",
			 invalid);
}

void order_leave_to_others(struct acme_run *run, struct order *order)
{
	size_t kept = 0;

	for (size_t i = 0; i < order->count; i++)
		if (order->places[i].is_in_certificate ||
		    !coverage_has(run->memory, &run->coverage, order->places[i].name))
			order->places[kept++] = order->places[i];
	order->count = kept;
}

bool orders_locate(struct acme_run *run, struct order *orders, size_t count)
{
	struct name_place *all;
	size_t total = 0, at = 0;
	bool has_answer = false;

	for (size_t i = 0; i < count; i++)
		total += orders[i].count;
	all = arena_array(run->memory, struct name_place, total);
	for (size_t i = 0; i < count; at += orders[i++].count)
		if (orders[i].count)
			memcpy(all + at, orders[i].places, orders[i].count * sizeof(*all));
	local_names_locate(run->memory, run->resolver, &run->addresses, all, total);
	at = 0;
	for (size_t i = 0; i < count; at += orders[i++].count) {
		orders[i].places = all + at;
		orders[i].is_located = true;
	}
	for (size_t i = 0; i < total && !has_answer; i++)
		has_answer = all[i].location != NAME_UNKNOWN;
	return has_answer;
}

/* If no name of a certificate that is renewed resolves to this server, its addresses may not be
 * known, as behind NAT: then the names count at whose addresses no other server was seen. */
static void choose_names(const struct order *order, struct choice *choice)
{
	for (size_t i = 0; i < order->count; i++)
		if (order->places[i].location == NAME_HERE)
			texts_add(&choice->names, order->places[i].name);
	if (choice->names.count || order->kind != ORDER_RENEWAL)
		return;
	for (size_t i = 0; i < order->count; i++) {
		const struct name_place *place = &order->places[i];

		if (place->is_in_certificate && place->location == NAME_ELSEWHERE &&
		    !place->response)
			texts_add(&choice->names, place->name);
	}
}

struct choice order_judge(struct acme_run *run, const struct order *order)
{
	struct choice choice = { .names = TEXTS_IN(run->memory) };
	const struct name_place *unanswered = NULL; /* the first whose lookup must succeed */
	const struct certificate *present = order->present;
	size_t n_gained = 0, n_lost = 0, n_required = 0;

	choose_names(order, &choice);
	for (size_t i = 0; i < order->count; i++) {
		const struct name_place *place = &order->places[i];
		bool chosen = texts_has(&choice.names, place->name);

		n_gained += chosen && !place->is_in_certificate;
		n_lost += !chosen && place->is_in_certificate && order->kind != ORDER_NAMED;
		n_required += !place->is_optional;
		/* One that is new to a renewal is added by a later run. */
		if (!unanswered && place->location == NAME_UNKNOWN &&
		    (order->kind != ORDER_RENEWAL || place->is_in_certificate))
			unanswered = place;
	}
	if (present)
		choice.until = present->expires - (present->expires - present->starts) / LAST_PART;
	if (unanswered && order->kind == ORDER_RENEWAL && !order->is_due)
		choice.verdict = ORDER_COMPLETE;
	else if (unanswered) {
		choice.verdict = ORDER_UNANSWERED;
		choice.problem = arena_printf(run->memory,
					      "%s %s; nothing is requested before DNS answers",
					      unanswered->name, unanswered->reason);
	} else if (choice.names.count == 0 && n_required == 0)
		choice.verdict = ORDER_COVERED;
	else if (present && !order->is_due && n_gained == 0)
		choice.verdict = choice.names.count || n_lost ? ORDER_COMPLETE : ORDER_EMPTY;
	else if (n_lost && run->now < choice.until)
		choice.verdict = ORDER_WAITS;
	else
		choice.verdict = choice.names.count ? ORDER_REQUEST : ORDER_EMPTY;
	return choice;
}

bool order_must_report(const struct order *order, const struct name_place *place)
{
	return !place->is_optional && (order->kind != ORDER_RENEWAL || place->is_in_certificate);
}
