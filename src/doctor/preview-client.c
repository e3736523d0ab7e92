#include "doctor/preview-client.h"

#include "doctor/client.h"
#include "mail/address.h"

/* Answers from the database, and keeps the last response with the document. */
struct preview_source {
	struct response_source source;
	const struct context *context;
	struct client_preview *preview;
	const char *domain;
	int r; /* of the response that is kept */
	struct error *err;
};

/* The domain's own web site is not this daemon, and there are no responses without TLS. */
static void fetch_for_preview(struct response_source *source, struct arena *memory,
			      const struct http_request *request, struct http_answer *ret_answer)
{
	struct preview_source *from = (struct preview_source *)source;
	struct client_preview *preview = from->preview;
	/* Autodiscover v2 may be followed by a request for Outlook's document. */
	bool is_kept = !text_equals(preview->document, "autodiscover-v2") ||
		       !text_equals(request->target, PATH_AUTODISCOVER);
	struct http_request local = *request;
	struct response response;
	struct error err;
	int r;

	*ret_answer = HTTP_NO_ANSWER;
	if (!request->is_tls || text_equals(request->host, from->domain))
		return;
	if (is_kept && preview->host)
		local.host = preview->host;
	r = client_answer(from->context, memory, &local, preview->from, ret_answer, &response,
			  &err);
	if (!is_kept)
		return;
	preview->response = response;
	from->r = r;
	if (r < 0)
		*from->err = err;
}

const char *client_preview_check(struct arena *memory, const struct client_preview *preview)
{
	const struct client_model *model = client_model_find(preview->client);

	return client_model_reads(model, preview->document)
		       ? NULL
		       : arena_printf(memory, "%s does not request %s; it requests %s", model->name,
				      preview->document, client_model_documents(memory, model));
}

int client_preview_make(const struct context *context, struct arena *memory,
			struct client_preview *preview, struct error *err)
{
	const struct client_model *model = client_model_find(preview->client);
	struct preview_source from = {
		.source = { .fetch = fetch_for_preview, .document = preview->document },
		.context = context,
		.preview = preview,
		.err = err,
	};
	struct client_result result;
	struct address address;

	if (address_parse(memory, preview->address, &address, err) < 0)
		return -1;
	from.domain = address.domain;
	client_play(model, &from.source, memory, &address, &result);
	preview->settings = arena_printf(memory, "%s: %s%s%s", model->name,
					 settings_text(memory, &result.settings),
					 settings_are_there(&result.settings) ? "" : ": ",
					 settings_are_there(&result.settings)
						 ? ""
						 : result.refusal ?: "it finds no server");
	return from.r;
}
