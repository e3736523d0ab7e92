#pragma once

/* What Outlook and MobileSync share: one URL, one request format, one way to say no. */

#include "protocol/protocol.h"

/* MS-OXDSCLI 2.2.3, MS-ASCMD 2.2.1.1: the schema that the client accepts decides who answers. */
struct question autodiscover_parse(struct arena *memory, const struct request *request);

/* MS-OXDSCLI 2.2.4.1.1.3: an error document, sent with status 200, for clients take any other
 * status for a URL that is not Autodiscover's. */
void autodiscover_fail(const struct site *site, struct arena *memory, enum failure failure,
		       struct response *response);

/* The data of templates/outlook-redirect.xml and mobilesync-redirect.xml. */
struct value autodiscover_redirect_view(struct arena *memory, const struct profile *profile);

/* The data of templates/autodiscover-error.xml. */
struct value autodiscover_error_view(struct arena *memory, const struct profile *profile);
