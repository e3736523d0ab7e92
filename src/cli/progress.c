#include "cli/progress.h"

#include <unistd.h>

#include "cli/print.h"
#include "util/clock.h"

#define PAUSE_MS 100
#define BAR_WIDTH 40

void progress_begin(struct progress *progress, const char *doing, long long whole)
{
	progress_end(progress);
	*progress = (struct progress){
		.doing = doing,
		.whole = whole,
		.next = clock_now() + PAUSE_MS,
		.is_shown = isatty(STDERR_FILENO) && !print_is_quiet(),
	};
}

static void draw(const struct progress *progress, long long done)
{
	static const char full[] = "########################################";
	int filled;

	if (progress->whole <= 0) {
		fprintf(stderr, "\r%s %lld", progress->doing, done);
		return;
	}
	if (done > progress->whole)
		done = progress->whole;
	filled = (int)(done * BAR_WIDTH / progress->whole);
	fprintf(stderr, "\r%-8s [%.*s%*s] %3d %%", progress->doing, filled, full,
		BAR_WIDTH - filled, "", (int)(done * 100 / progress->whole));
}

void progress_at(struct progress *progress, long long done)
{
	int64_t now;

	if (!progress->is_shown)
		return;
	now = clock_now();
	if (now < progress->next)
		return;
	draw(progress, done);
	fflush(stderr);
	progress->is_drawn = true;
	progress->next = now + PAUSE_MS;
}

void progress_end(struct progress *progress)
{
	if (progress->is_drawn)
		fputs("\r\033[K", stderr);
	progress->is_drawn = false;
}
