#include "admin/admin.h"

#include <stdarg.h>

#include "config/settings.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "util/idna.h"

void admin_say(struct admin *admin, const char *format, ...)
{
	va_list args;

	if (admin->is_trial)
		return;
	va_start(args, format);
	texts_add(&admin->messages, arena_vprintf(admin->messages.memory, format, args));
	va_end(args);
}

void admin_warn(struct admin *admin, const char *format, ...)
{
	struct arena *memory = admin->warnings.memory;
	const char *text;
	va_list args;

	if (admin->is_trial)
		return;
	va_start(args, format);
	text = arena_vprintf(memory, format, args);
	va_end(args);
	texts_add(&admin->warnings,
		  admin->place ? arena_printf(memory, "%s: %s", admin->place, text) : text);
	texts_add(&admin->hints, "");
}

void admin_hint(struct admin *admin, const char *format, ...)
{
	va_list args;

	if (admin->is_trial)
		return;
	va_start(args, format);
	admin->hints.items[admin->hints.count - 1] = arena_vprintf(admin->hints.memory, format,
								   args);
	va_end(args);
}

void admin_warn_of_error(struct admin *admin, const struct error *err)
{
	admin_warn(admin, "%s", err->text);
	if (*err->hint)
		admin_hint(admin, "%s", err->hint);
}

/* A row may be read several times. */
static void warn_of_invalid_row(const struct error *err, void *context)
{
	struct admin *admin = context;

	if (admin->is_trial || texts_has(&admin->invalid_rows, err->text))
		return;
	texts_add(&admin->invalid_rows, arena_strdup(admin->invalid_rows.memory, err->text));
	admin_warn_of_error(admin, err);
}

void admin_skip_invalid_rows(struct admin *admin, struct store *store)
{
	store_skip_invalid_rows(store, warn_of_invalid_row, admin);
}

const char *admin_public_name(struct admin *admin)
{
	const char *name = admin->settings->server.public_name, *own;

	if (*name)
		return name;
	own = own_name(admin->memory);
	return own ? own : name;
}

struct templates *admin_templates(struct admin *admin)
{
	struct texts errors = TEXTS_IN(admin->memory);
	struct templates *templates = templates_load(admin->settings->templates.directory, NULL,
						     &errors);

	for (size_t i = 0; i < errors.count; i++)
		admin_warn(admin, "%s", errors.items[i]);
	return templates;
}
