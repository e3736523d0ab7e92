#include "import/download.h"

#include <curl/curl.h>

#define REDIRECTS_MAX 5L
#define PATIENCE_SECONDS 30L
#define CONNECT_SECONDS 10L

DEFINE_CLEANUP(CURL *, curl_easy_cleanup);

struct body {
	struct bytes bytes;
	size_t limit;
	bool is_too_large;
};

bool download_is_url(const char *text)
{
	return text_starts_with_ignoring_case(text, "https://") ||
	       text_starts_with_ignoring_case(text, "http://");
}

static size_t add_to_body(char *data, size_t size, size_t count, void *context)
{
	struct body *body = context;

	if (count > body->limit - body->bytes.size) {
		body->is_too_large = true;
		return 0;
	}
	bytes_add(&body->bytes, data, count);
	return count;
}

static const char *set_download_error(struct error *err, const char *url, const char *reason)
{
	error_set(err, ERROR_INPUT, "cannot download '%s': %s", url, reason);
	return NULL;
}

const char *download(struct arena *memory, const char *url, bool may_be_plain, const char *ca_file,
		     size_t limit, size_t *ret_size, struct error *err)
{
	struct body body = { .bytes = BYTES_IN(memory), .limit = limit };
	_cleanup_(curl_easy_cleanupp) CURL *curl = NULL;
	char reason[CURL_ERROR_SIZE] = "";
	CURLcode code;

	if (!may_be_plain && !text_starts_with_ignoring_case(url, "https://")) {
		set_download_error(err, url, "anyone on the network path could change it");
		error_hint(err, "give an https URL, or use --allow-plaintext");
		return NULL;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(curl = curl_easy_init()))
		return set_download_error(err, url, "libcurl cannot be initialised");
	/* Of the environment only a proxy is used. No cookie, netrc or login is sent. */
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, may_be_plain ? "http,https" : "https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, PATIENCE_SECONDS);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "mailconfctl/" MAILCONFD_VERSION);
	if (ca_file) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, add_to_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
	code = curl_easy_perform(curl);
	if (body.is_too_large)
		return set_download_error(
			err, url, arena_printf(memory, "it has more than %zu bytes", limit));
	if (code != CURLE_OK)
		return set_download_error(err, url, *reason ? reason : curl_easy_strerror(code));
	*ret_size = body.bytes.size;
	return bytes_text(&body.bytes);
}
