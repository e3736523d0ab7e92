#include <string.h>

#include "store/database.h"
#include "util/arena.h"
#include "util/error.h"

/* The links of one provider, as rows come in; the last one's texts are still being gathered. */
struct gathered {
	struct arena *memory;
	struct link links[LINKS_MAX];
	size_t n_links;
	struct link_text texts[LINK_TEXTS_MAX];
	size_t n_texts;
};

static void end_link(struct gathered *gathered)
{
	struct link *link;

	if (gathered->n_links == 0)
		return;
	link = &gathered->links[gathered->n_links - 1];
	link->texts = arena_copy(gathered->memory, gathered->texts, gathered->n_texts,
				 sizeof(*gathered->texts));
	link->n_texts = gathered->n_texts;
	gathered->n_texts = 0;
}

static void begin_link(struct gathered *gathered, const struct link *link)
{
	end_link(gathered);
	gathered->links[gathered->n_links++] = *link;
}

static void add_text(struct gathered *gathered, const struct link_text *text)
{
	if (text->language && gathered->n_texts < LINK_TEXTS_MAX)
		gathered->texts[gathered->n_texts++] = *text;
}

/* A link with one of its texts, the language of which is NULL where it has none. */
struct link_row {
	int64_t position;
	struct link link;
	struct link_text text;
};

static struct link_row read_link(struct row *row)
{
	struct link_row values = {
		.position = row_integer(row, 0, INT64_MIN, INT64_MAX),
		.link.kind = row_choice(row, 1, LINK_KIND_WORDS),
		.link.url = row_text(row, 2),
		.text.language = row_text_or_null(row, 3),
	};

	if (values.text.language)
		values.text.text = row_text(row, 4);
	return values;
}

/* More rows than LINKS_MAX links can have are there only where the table is corrupted. */
#define ROWS_MAX ((size_t)LINKS_MAX * LINK_TEXTS_MAX)

int links_load(struct store *store, struct arena *memory, struct provider *provider,
	       struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	struct gathered gathered;
	int64_t position = 0;
	int r;

	gathered.memory = memory;
	gathered.n_links = gathered.n_texts = 0;
	r = query_begin(store, LIST_LINKS, &query, err);
	if (r != 0)
		return r;
	sqlite3_bind_int64(query, 1, provider->id);
	for (size_t i = 0; i < ROWS_MAX && (r = sqlite3_step(query)) == SQLITE_ROW; i++) {
		struct row row = row_begin(store, memory, query, TABLE_LINK);
		struct link_row values = read_link(&row);
		int end = row_end_in_list(&row, err);

		if (end < 0)
			return -1;
		if (end == ROW_SKIPPED)
			continue;
		if (gathered.n_links == 0 || values.position != position) {
			if (gathered.n_links == LINKS_MAX)
				break;
			begin_link(&gathered, &values.link);
		}
		position = values.position;
		add_text(&gathered, &values.text);
	}
	if (r != SQLITE_DONE && r != SQLITE_ROW)
		return store_fail(store, err, "looking up links");
	end_link(&gathered);
	provider->links = arena_copy(memory, gathered.links, gathered.n_links,
				     sizeof(*gathered.links));
	provider->n_links = gathered.n_links;
	return 0;
}

static int add_link(struct store *store, int64_t provider, size_t position, const struct link *link,
		    struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, ADD_LINK, &query, err);
	if (r != 0)
		return r;
	sqlite3_bind_int64(query, 1, provider);
	sqlite3_bind_int64(query, 2, (int64_t)position);
	query_bind_text(query, 3, link_kind_name(link->kind));
	query_bind_text(query, 4, link->url);
	return query_run(store, query, "adding a link", err);
}

static int add_link_text(struct store *store, int64_t provider, size_t link, size_t position,
			 const struct link_text *text, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, ADD_LINK_TEXT, &query, err);
	if (r != 0)
		return r;
	sqlite3_bind_int64(query, 1, provider);
	sqlite3_bind_int64(query, 2, (int64_t)link);
	sqlite3_bind_int64(query, 3, (int64_t)position);
	query_bind_text(query, 4, text->language);
	query_bind_text(query, 5, text->text);
	return query_run(store, query, "adding a link", err);
}

static int remove_links(struct store *store, int64_t provider, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, REMOVE_LINKS, &query, err);
	if (r != 0)
		return r;
	sqlite3_bind_int64(query, 1, provider);
	return query_run(store, query, "changing links", err);
}

int store_set_links(struct store *store, int64_t provider, const struct link *links, size_t count,
		    struct error *err)
{
	int r;

	if (count > LINKS_MAX)
		return error_set(err, ERROR_INPUT, "a provider has at most %d links", LINKS_MAX);
	r = remove_links(store, provider, err);
	for (size_t i = 0; i < count && r == 0; i++) {
		r = add_link(store, provider, i, &links[i], err);
		for (size_t j = 0; j < links[i].n_texts && r == 0; j++)
			r = add_link_text(store, provider, i, j, &links[i].texts[j], err);
	}
	if (r == STORE_EXISTS)
		return error_set(err, ERROR_INPUT, "the same link is given twice");
	return r;
}
