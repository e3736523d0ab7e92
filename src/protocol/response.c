#include "protocol/response.h"

void response_set_text(struct response *response, unsigned status, const char *text)
{
	response->status = status;
	response->is_refusal = true;
	response->media_type = "text/plain; charset=utf-8";
	response->cache_control = "no-store";
	response->body = text;
	response->size = strlen(text);
}
