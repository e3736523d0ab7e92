#pragma once

/* What Outlook and MobileSync share: one URL, one request format, one way to refuse. */

#include "protocol/protocol.h"

#define AUTODISCOVER_SCHEMAS "http://schemas.microsoft.com/exchange/autodiscover/"
#define AUTODISCOVER_OUTLOOK_SCHEMA AUTODISCOVER_SCHEMAS "outlook/responseschema/2006a"
#define AUTODISCOVER_MOBILESYNC_SCHEMA AUTODISCOVER_SCHEMAS "mobilesync/responseschema/2006"

/* MS-OXDSCLI 2.2.3, MS-ASCMD 2.2.1.1: the schema that the client accepts decides who answers. */
struct question autodiscover_parse(struct arena *memory, const struct request *request);

/* The request that a client sends for the document (MS-OXDSCLI 2.2.3, MS-ASCMD 2.2.1.1), which is
 * protocol_outlook or protocol_mobilesync. Lives in memory. */
const char *autodiscover_request_body(struct arena *memory, const struct protocol *document,
				      const char *address);

/* MS-OXDSCLI 2.2.4.1.1.3: an error document, sent with status 200, for clients take any other
 * status for a URL that is not Autodiscover's. */
void autodiscover_fail(const struct site *site, struct arena *memory, enum failure failure,
		       struct response *response);

/* The data of templates/outlook-redirect.xml and mobilesync-redirect.xml. */
struct value autodiscover_redirect_view(struct arena *memory, const struct profile *profile);

/* templates/autodiscover-error.xml */
extern const struct document_template autodiscover_error_template;
