#include "cli/commands/certificate-run.h"

#include <stdio.h>

#include "acme/local-names.h"
#include "acme/order.h"
#include "cli/print.h"
#include "util/arena.h"
#include "util/bytes.h"

/* Whether the requested certificate lacks the name, and the user is warned. */
static bool is_left_out(const struct outcome *outcome, size_t index)
{
	const struct name_place *place = &outcome->order->places[index];

	if (!order_must_tell(outcome->order, place))
		return false;
	for (size_t i = 0; i < outcome->n_names; i++)
		if (text_equals(outcome->names[i], place->name))
			return false;
	return true;
}

json_t *outcome_entry(const struct outcome *outcome)
{
	json_t *entry = json_object(), *names = json_array(), *left_out = json_array();
	const struct order *order = outcome->order;

	for (size_t i = 0; i < outcome->n_names; i++)
		json_array_append_new(names, json_string(outcome->names[i]));
	for (size_t i = 0; order && i < order->count; i++) {
		json_t *place;

		if (!is_left_out(outcome, i))
			continue;
		place = json_object();
		entry_put_text(place, "name", order->places[i].name);
		entry_put_text(place, "reason", order->places[i].reason);
		json_array_append_new(left_out, place);
	}
	entry_put_text(entry, "domain", outcome->domain);
	entry_put_text(entry, "outcome", outcome->word);
	entry_put(entry, "names", names);
	entry_put(entry, "left_out", left_out);
	entry_put_text(entry, "file", outcome->file);
	entry_put_text(entry, "expires", outcome->expires);
	entry_put_text(entry, "unserved", outcome->unserved);
	entry_put_text(entry, "problem", outcome->problem);
	return entry;
}

static const char *join(struct arena *memory, const char *const *names, size_t count)
{
	struct bytes joined = BYTES_IN(memory);

	for (size_t i = 0; i < count; i++)
		bytes_add_format(&joined, "%s%s", i ? ", " : "", names[i]);
	return bytes_text(&joined);
}

static void tell_left_out(struct arena *memory, const struct outcome *outcome)
{
	const char *domain = outcome->domain, *fate = "it is left out";
	const struct order *order = outcome->order;

	if (outcome->kept_until)
		fate = arena_printf(memory,
				    "the certificate keeps the name until %s and is then renewed "
				    "without it; 'mailconfctl certificate request %s' does so now",
				    outcome->kept_until, domain);
	for (size_t i = 0; order && i < order->count; i++)
		if (is_left_out(outcome, i))
			warning_print(arena_printf(memory, "%s: %s %s; %s", domain,
						   order->places[i].name, order->places[i].reason,
						   fate),
				      NULL);
}

/* At once, because it may take minutes until all orders are done. */
void outcome_print(struct arena *memory, const struct outcome *outcome)
{
	if (!outcome->is_unanswered)
		tell_left_out(memory, outcome);
	for (size_t i = 0; outcome->order && i < outcome->order->count; i++)
		if (outcome->order->places[i].unseen)
			warning_print(arena_printf(memory,
						   "%s: %s cannot be reached on port 80 from this "
						   "server (%s); the CA "
						   "may be able to",
						   outcome->domain, outcome->order->places[i].name,
						   outcome->order->places[i].unseen),
				      NULL);
	if (outcome->problem) {
		error_print(arena_printf(memory, "%s: %s", outcome->domain, outcome->problem),
			    NULL);
		return;
	}
	if (outcome->kept_until)
		return;
	printf("%s: %s", outcome->domain, outcome->remark);
	if (outcome->n_names)
		printf(" %s", join(memory, outcome->names, outcome->n_names));
	if (outcome->expires)
		printf("; valid until %s", outcome->expires);
	putchar('\n');
	fflush(stdout);
	if (outcome->unserved)
		warning_print(arena_printf(memory, "%s: %s", outcome->domain, outcome->unserved),
			      NULL);
}
