#pragma once

/*
 * The unencrypted listener. It redirects clients to HTTPS at the public name, and serves the
 * challenges of ACME (RFC 8555 8.3). It sends no settings, unless the operator enables the document
 * without an address for old clients.
 */

#include "answer/answer.h"

struct serving;

/* As answer(); a redirect leads where settings and database say: to a host that the request named
 * only if it was found there. */
int plain_http_answer(const struct context *context, const struct serving *serving,
		      struct arena *memory, const struct request *request,
		      struct response *ret_response, struct error *err);

/* Whether the request is refused before its body is read: nothing on this listener takes one. The
 * response is then filled in. */
bool plain_http_refuses(struct arena *memory, const struct request *request,
			struct response *ret_response);

/* Whether the text can be the token of a challenge, and so the name of its file: the base64url
 * alphabet has no dot and no slash, so there is no way out of the directory (RFC 8555 8.1). */
bool plain_http_is_token(const char *text);
