#include "store/database.h"

/* More rows than LINKS_MAX links can have are there only where the table is corrupted. */
#define ROWS_MAX ((size_t)LINKS_MAX * LINK_TEXTS_MAX)

int links_load(struct store *store, struct arena *memory, struct provider *provider,
	       struct error *err)
{
	_cleanup_(row_close) struct row row;
	struct link links[LINKS_MAX];
	struct link_text texts[LINKS_MAX][LINK_TEXTS_MAX];
	int64_t positions[LINKS_MAX];
	size_t count = 0;
	/* A row for each text, or one without a text. */
	int r = row_open(store, memory,
			 SQL_OF(TABLE_LINK, "looking up links",
				"SELECT link.position, kind, url, language, text FROM link "
				"LEFT JOIN link_text ON link_text.provider = link.provider "
				"AND link_text.link = link.position WHERE link.provider = ?1 "
				"ORDER BY link.position, link_text.position"),
			 VALUES(NUMBER(provider->id)), &row, err);

	for (size_t i = 0; r == 0 && i < ROWS_MAX && (r = row_next(&row, err)) == 0; i++) {
		int64_t position = row_integer(&row, 0, INT64_MIN, INT64_MAX);
		struct link link = { .kind = row_choice(&row, 1, LINK_KIND_WORDS),
				     .url = row_text(&row, 2) };
		struct link_text text = { .language = row_text_or_null(&row, 3) };
		int end;

		if (text.language)
			text.text = row_text(&row, 4);
		end = row_check_in_list(&row, err);
		if (end < 0)
			return -1;
		if (end == ROW_SKIPPED)
			continue;
		if (count == 0 || position != positions[count - 1]) {
			if (count == LINKS_MAX)
				break;
			positions[count] = position;
			links[count++] = link;
		}
		if (text.language && links[count - 1].n_texts < LINK_TEXTS_MAX)
			texts[count - 1][links[count - 1].n_texts++] = text;
	}
	if (r != 0 && r != STORE_NOT_FOUND)
		return r;
	for (size_t i = 0; i < count; i++)
		links[i].texts = arena_copy(memory, texts[i], links[i].n_texts, sizeof(**texts));
	provider->links = arena_copy(memory, links, count, sizeof(*links));
	provider->n_links = count;
	return 0;
}

int store_set_links(struct store *store, int64_t provider, const struct link *links, size_t count,
		    struct error *err)
{
	int r;

	if (count > LINKS_MAX)
		return error_set(err, ERROR_INPUT, "a provider has at most %d links", LINKS_MAX);
	r = store_run(store, SQL("changing links", "DELETE FROM link WHERE provider = ?1"),
		      VALUES(NUMBER(provider)), err);
	for (size_t i = 0; i < count && r == 0; i++) {
		const struct link *link = &links[i];

		r = store_run(store,
			      SQL("adding a link",
				  "INSERT INTO link (provider, position, kind, url) "
				  "VALUES (?1, ?2, ?3, ?4)"),
			      VALUES(NUMBER(provider), NUMBER(i), TEXT(link_kind_name(link->kind)),
				     TEXT(link->url)),
			      err);
		for (size_t j = 0; j < link->n_texts && r == 0; j++)
			r = store_run(
				store,
				SQL("adding a link", "INSERT INTO link_text "
						     "(provider, link, position, language, text) "
						     "VALUES (?1, ?2, ?3, ?4, ?5)"),
				VALUES(NUMBER(provider), NUMBER(i), NUMBER(j),
				       TEXT(link->texts[j].language), TEXT(link->texts[j].text)),
				err);
	}
	if (r == STORE_EXISTS)
		return error_set(err, ERROR_INPUT, "the same link is given twice");
	return r;
}
