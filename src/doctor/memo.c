#include "doctor/memo.h"

#include <pthread.h>
#include <search.h>

struct remembered {
	const char *text; /* the copy */
	void *pointer;
	char copy[];
};

struct memo {
	pthread_mutex_t lock; /* guards the tree */
	void *tree;
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

void memo_free(struct memo *memo)
{
	if (!memo)
		return;
	tdestroy(memo->tree, free);
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

void memo_put(struct memo *memo, const char *text, void *pointer)
{
	size_t size = strlen(text) + 1;
	struct remembered *entry = xcalloc(1, sizeof(*entry) + size);
	struct remembered *const *kept;

	entry->text = memcpy(entry->copy, text, size);
	entry->pointer = pointer;
	pthread_mutex_lock(&memo->lock);
	kept = tsearch(entry, &memo->tree, compare_texts);
	if (!kept)
		abort(); /* out of memory */
	if (*kept != entry)
		free(entry);
	pthread_mutex_unlock(&memo->lock);
}
