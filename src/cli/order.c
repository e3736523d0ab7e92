#include "cli/order.h"

#include <string.h>

#include "acme/ours.h"
#include "cli/cli.h"
#include "cli/issuing.h"
#include "tls/certificate.h"
#include "tls/coverage.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/idna.h"

int order_validate(const struct order *order, struct error *err)
{
	const char *invalid = host_name_is_valid(order->domain) ? NULL : order->domain;

	for (size_t i = 0; i < order->count && !invalid; i++)
		if (!host_name_is_valid(order->places[i].name))
			invalid = order->places[i].name;
	if (!invalid)
		return 0;
	return error_set(err, ERROR_DATA, "'%s' is not a host name; nothing is requested for it",
			 invalid);
}

void order_add(struct issuing *issuing, struct order *order, const char *name)
{
	struct arena *memory = issuing->cli->memory;
	struct name_place *places;

	for (size_t i = 0; i < order->count; i++)
		if (text_equals(order->places[i].name, name))
			return;
	places = arena_array(memory, struct name_place, order->count + 1);
	if (order->count)
		memcpy(places, order->places, order->count * sizeof(*places));
	places[order->count++].name = name;
	order->places = places;
}

static bool has_name(const struct certificate *certificate, const char *name)
{
	for (size_t i = 0; certificate && i < certificate->n_names; i++)
		if (text_equals(certificate->names[i], name))
			return true;
	return false;
}

void order_leave_to_others(struct issuing *issuing, struct order *order)
{
	const struct certificate *ours = issuing_held(issuing, order->domain);
	size_t kept = 0, first_optional = order->count - order->n_optional;

	order->n_optional = 0;
	for (size_t i = 0; i < order->count; i++) {
		const char *name = order->places[i].name;

		if (coverage_has(issuing->cli->memory, &issuing->coverage, name) &&
		    !has_name(ours, name))
			continue;
		order->places[kept++] = order->places[i];
		if (i >= first_optional)
			order->n_optional++;
	}
	order->count = kept;
}

bool order_is_served(const struct issuing *issuing, const struct order *order,
		     const char *const *names, size_t count)
{
	const struct certificate *ours = issuing_held(issuing, order->domain);

	if (order->is_renewal || !ours || issuing_is_due(issuing, ours, 0))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!has_name(ours, names[i]))
			return false;
	return true;
}

size_t order_choose_names(const struct order *order, const char **names)
{
	size_t count = 0;

	for (size_t i = 0; i < order->count; i++)
		if (order->places[i].where == HERE)
			names[count++] = order->places[i].name;
	if (count == 0 && order->is_renewal)
		for (; count < order->count; count++)
			names[count] = order->places[count].name;
	return count;
}
