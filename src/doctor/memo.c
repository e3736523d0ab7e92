#include "doctor/memo.h"

#include <pthread.h>
#include <search.h>

struct remembered {
	const char *text;
	void *pointer;
};

struct memo {
	pthread_mutex_t lock; /* guards the rest */
	void *tree;
	struct arena memory;
};

static int compare_texts(const void *a, const void *b)
{
	return strcmp(((const struct remembered *)a)->text, ((const struct remembered *)b)->text);
}

struct memo *memo_new(void)
{
	struct memo *memo = xnew(struct memo);

	pthread_mutex_init(&memo->lock, NULL);
	return memo;
}

/* Entries live in the memo's own memory. */
static void leave_entry(void *entry)
{
}

void memo_free(struct memo *memo)
{
	if (!memo)
		return;
	tdestroy(memo->tree, leave_entry);
	arena_clear(&memo->memory);
	pthread_mutex_destroy(&memo->lock);
	free(memo);
}

void *memo_get(struct memo *memo, const char *text)
{
	const struct remembered wanted = { .text = text };
	struct remembered *const *found;
	void *pointer;

	pthread_mutex_lock(&memo->lock);
	found = tfind(&wanted, &memo->tree, compare_texts);
	pointer = found ? (*found)->pointer : NULL;
	pthread_mutex_unlock(&memo->lock);
	return pointer;
}

void *memo_put(struct memo *memo, const char *text, void *pointer)
{
	struct remembered *entry;
	struct remembered *const *kept;

	pthread_mutex_lock(&memo->lock);
	entry = arena_new(&memo->memory, struct remembered);
	*entry = (struct remembered){ arena_strdup(&memo->memory, text), pointer };
	kept = tsearch(entry, &memo->tree, compare_texts);
	if (!kept)
		abort(); /* out of memory */
	pointer = (*kept)->pointer;
	pthread_mutex_unlock(&memo->lock);
	return pointer;
}
