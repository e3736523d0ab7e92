#include "cli/renewal-timer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "cli/print.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/process.h"

#define TIMER "mailconfd-renew.timer"
#define PATIENCE_SECONDS 10

/* As sd_booted(3) does it. */
static bool runs_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

/* "enabled", "disabled", or another state of systemctl(1); NULL if there is no such unit, or
 * systemctl cannot be run. */
static const char *find_state(struct arena *memory)
{
	static const char *const words[] = { "systemctl", "is-enabled", TIMER, NULL };
	struct process_end end;
	struct error ignored;
	const char *state;

	if (process_run(memory, words, NULL, PATIENCE_SECONDS, &end, &ignored) < 0)
		return NULL;
	state = arena_strndup(memory, end.output, strcspn(end.output, "\n"));
	return strchr(state, ' ') || !*state || text_equals(state, "not-found") ? NULL : state;
}

void renewal_timer_tell(struct admin *admin)
{
	const char *state;

	if (!runs_systemd())
		return;
	state = find_state(admin->memory);
	if (!state)
		warning_print("systemd has no " TIMER,
			      "run 'mailconfctl certificate renew --scheduled' from cron");
	else if (text_starts_with_ignoring_case(state, "enabled"))
		puts(TIMER " is enabled and renews certificates");
	else
		warning_print(arena_printf(admin->memory,
					   TIMER " is %s, so systemd does not renew certificates",
					   state),
			      "run 'systemctl enable --now " TIMER "'");
}
