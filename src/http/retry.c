#include "http/retry.h"

#include <microhttpd.h>

void retry_wait(struct waiting *waiting, struct waiter *waiter, int64_t until)
{
	waiter->until = until;
	waiter->waiting = waiting;
	waiter->newer = NULL;
	waiter->older = waiting->newest;
	*(waiting->newest ? &waiting->newest->newer : &waiting->oldest) = waiter;
	waiting->newest = waiter;
	waiting->count++;
	MHD_suspend_connection(waiter->connection);
}

void retry_cancel(struct waiter *waiter)
{
	struct waiting *waiting = waiter->waiting;

	if (!waiting)
		return;
	waiter->waiting = NULL;
	*(waiter->older ? &waiter->older->newer : &waiting->oldest) = waiter->newer;
	*(waiter->newer ? &waiter->newer->older : &waiting->newest) = waiter->older;
	waiting->count--;
}

void retry_resume(struct waiting *waiting, int64_t now)
{
	struct waiter *waiter;

	while ((waiter = waiting->oldest) && waiter->until <= now) {
		retry_cancel(waiter);
		MHD_resume_connection(waiter->connection);
	}
}

int64_t retry_next(const struct waiting *waiting)
{
	return waiting->oldest ? waiting->oldest->until : INT64_MAX;
}
