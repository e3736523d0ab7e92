
#include "store/database.h"
#include "store/row.h"
#include "util/base.h"

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
	_cleanup_(row_close) struct row row;
	struct gathered gathered;
	int64_t position = 0;
	int r = row_open(store, memory, LIST_LINKS, VALUES(NUMBER(provider->id)), &row, err);

	gathered.memory = memory;
	gathered.n_links = gathered.n_texts = 0;
	for (size_t i = 0; r == 0 && i < ROWS_MAX && (r = row_next(&row, err)) == 0; i++) {
		struct link_row values = read_link(&row);
		int end = row_check_in_list(&row, err);

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
	if (r != 0 && r != STORE_NOT_FOUND)
		return r;
	end_link(&gathered);
	provider->links = arena_copy(memory, gathered.links, gathered.n_links,
				     sizeof(*gathered.links));
	provider->n_links = gathered.n_links;
	return 0;
}

static int add_link(struct store *store, int64_t provider, size_t position, const struct link *link,
		    struct error *err)
{
	int r = store_run(store, ADD_LINK,
			  VALUES(NUMBER(provider), NUMBER(position),
				 TEXT(link_kind_name(link->kind)), TEXT(link->url)),
			  err);

	for (size_t i = 0; i < link->n_texts && r == 0; i++)
		r = store_run(store, ADD_LINK_TEXT,
			      VALUES(NUMBER(provider), NUMBER(position), NUMBER(i),
				     TEXT(link->texts[i].language), TEXT(link->texts[i].text)),
			      err);
	return r;
}

int store_set_links(struct store *store, int64_t provider, const struct link *links, size_t count,
		    struct error *err)
{
	int r;

	if (count > LINKS_MAX)
		return error_set(err, ERROR_INPUT, "a provider has at most %d links", LINKS_MAX);
	r = store_run(store, REMOVE_LINKS, VALUES(NUMBER(provider)), err);
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_link(store, provider, i, &links[i], err);
	if (r == STORE_EXISTS)
		return error_set(err, ERROR_INPUT, "the same link is given twice");
	return r;
}
