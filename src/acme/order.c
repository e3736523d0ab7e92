#include "acme/order.h"

#include <string.h>

#include "acme/local-names.h"
#include "admin/admin.h"
#include "acme/issue.h"
#include "dns/wanted.h"
#include "mail/address.h"
#include "store/store.h"
#include "tls/certificate.h"
#include "tls/coverage.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/idna.h"

/* Of the lifetime of a certificate, the last part in which it may lose names. */
#define LAST_PART 9

static bool has_name(const struct certificate *certificate, const char *name)
{
	for (size_t i = 0; certificate && i < certificate->n_names; i++)
		if (text_equals(certificate->names[i], name))
			return true;
	return false;
}

void order_add(struct issuing *issuing, struct order *order, const char *name)
{
	struct arena *memory = issuing->admin->memory;
	struct name_place *places;

	for (size_t i = 0; i < order->count; i++)
		if (text_equals(order->places[i].name, name))
			return;
	places = arena_array(memory, struct name_place, order->count + 1);
	if (order->count)
		memcpy(places, order->places, order->count * sizeof(*places));
	places[order->count++] = (struct name_place){ .name = name,
						      .is_held = has_name(order->held, name) };
	order->places = places;
}

struct order order_begin(struct issuing *issuing, enum order_kind kind, const char *domain,
			 const char *server)
{
	struct order order = {
		.kind = kind,
		.domain = domain,
		.server = server,
		.held = issuing_held(issuing, domain),
	};

	order.is_due = order.held && issuing_is_due(issuing, order.held, 0);
	for (size_t i = 0; kind != ORDER_NAMED && order.held && i < order.held->n_names; i++)
		order_add(issuing, &order, order.held->names[i]);
	return order;
}

/* Outlook asks the domain itself before all other names, and so do clients of CalDAV and CardDAV
 * (RFC 6764 5). Mostly it is another web server, so that it is optional. */
int order_add_wanted(struct issuing *issuing, struct order *order, struct error *err)
{
	struct admin *admin = issuing->admin;
	const struct query query = { .domain = order->domain };
	const char *const *names;
	struct match match;
	size_t count, before;
	int r;

	if (domain_is_pattern(order->domain)) {
		order_add(issuing, order, order->domain);
		return 0;
	}
	r = store_match(admin->store, admin->memory, &query, &match, err);
	if (r != 0)
		return r == STORE_NOT_FOUND ? r : -1;
	names = wanted_names(admin->memory, order->domain, match.provider.pacc, &count);
	for (size_t i = 0; i < count; i++)
		order_add(issuing, order, names[i]);
	for (size_t i = 0; i < issuing->hosts.count; i++)
		if (host_name_is_within(issuing->hosts.names[i], order->domain))
			order_add(issuing, order, issuing->hosts.names[i]);
	before = order->count;
	order_add(issuing, order, order->domain);
	if (order->count > before)
		order->places[before].is_optional = !order->places[before].is_held;
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

void order_leave_to_others(struct issuing *issuing, struct order *order)
{
	size_t kept = 0;

	for (size_t i = 0; i < order->count; i++)
		if (order->places[i].is_held ||
		    !coverage_has(issuing->admin->memory, &issuing->coverage,
				  order->places[i].name))
			order->places[kept++] = order->places[i];
	order->count = kept;
}

bool orders_locate(struct issuing *issuing, struct order *orders, size_t count)
{
	struct name_place *all;
	size_t total = 0, at = 0;
	bool has_answer = false;

	for (size_t i = 0; i < count; i++)
		total += orders[i].count;
	all = arena_array(issuing->admin->memory, struct name_place, total);
	for (size_t i = 0; i < count; at += orders[i++].count)
		if (orders[i].count)
			memcpy(all + at, orders[i].places, orders[i].count * sizeof(*all));
	ours_locate(issuing->admin->memory, issuing->resolver, &issuing->ours, all, total);
	at = 0;
	for (size_t i = 0; i < count; at += orders[i++].count) {
		orders[i].places = all + at;
		orders[i].is_located = true;
	}
	for (size_t i = 0; i < total && !has_answer; i++)
		has_answer = all[i].where != UNKNOWN;
	return has_answer;
}

/* If no name of a certificate that is renewed has an address of ours, that may be because ours are
 * not known, as behind NAT: then the names count at whose addresses no other server was seen. */
static void choose_names(const struct order *order, struct choice *choice)
{
	for (size_t i = 0; i < order->count; i++)
		if (order->places[i].where == HERE)
			choice->names[choice->count++] = order->places[i].name;
	if (choice->count > 0 || order->kind != ORDER_RENEWAL)
		return;
	for (size_t i = 0; i < order->count; i++) {
		const struct name_place *place = &order->places[i];

		if (place->is_held && place->where == ELSEWHERE && !place->response)
			choice->names[choice->count++] = place->name;
	}
}

bool choice_has(const struct choice *choice, const char *name)
{
	for (size_t i = 0; i < choice->count; i++)
		if (text_equals(choice->names[i], name))
			return true;
	return false;
}

/* The first name whose lookup must succeed before anything is requested, or NULL. One that is new
 * to a renewal is added by a later run. */
static const struct name_place *find_unanswered(const struct order *order)
{
	for (size_t i = 0; i < order->count; i++)
		if (order->places[i].where == UNKNOWN &&
		    (order->kind != ORDER_RENEWAL || order->places[i].is_held))
			return &order->places[i];
	return NULL;
}

static bool has_only_optional(const struct order *order)
{
	for (size_t i = 0; i < order->count; i++)
		if (!order->places[i].is_optional)
			return false;
	return true;
}

struct choice order_judge(struct issuing *issuing, const struct order *order)
{
	struct arena *memory = issuing->admin->memory;
	struct choice choice = { .names = arena_array(memory, const char *, order->count + 1) };
	const struct name_place *unanswered = find_unanswered(order);
	const struct certificate *held = order->held;
	size_t n_gained = 0, n_lost = 0;

	choose_names(order, &choice);
	for (size_t i = 0; i < order->count; i++) {
		const struct name_place *place = &order->places[i];
		bool chosen = choice_has(&choice, place->name);

		n_gained += chosen && !place->is_held;
		n_lost += !chosen && place->is_held && order->kind != ORDER_NAMED;
	}
	if (held)
		choice.until = held->expires - (held->expires - held->starts) / LAST_PART;
	if (unanswered && order->kind == ORDER_RENEWAL && !order->is_due)
		choice.verdict = ORDER_COMPLETE;
	else if (unanswered) {
		choice.verdict = ORDER_UNANSWERED;
		choice.problem = arena_printf(memory,
					      "%s %s; nothing is requested before DNS answers, "
					      "try again later",
					      unanswered->name, unanswered->reason);
	} else if (choice.count == 0 && has_only_optional(order))
		choice.verdict = ORDER_COVERED;
	else if (held && !order->is_due && n_gained == 0)
		choice.verdict = choice.count || n_lost ? ORDER_COMPLETE : ORDER_EMPTY;
	else if (n_lost && issuing->now < choice.until)
		choice.verdict = ORDER_WAITS;
	else
		choice.verdict = choice.count ? ORDER_REQUEST : ORDER_EMPTY;
	return choice;
}

bool order_must_tell(const struct order *order, const struct name_place *place)
{
	return !place->is_optional && (order->kind != ORDER_RENEWAL || place->is_held);
}
