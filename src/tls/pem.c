#include "tls/pem.h"

#include <string.h>

static bool text_has(const char *text, size_t length, const char *word)
{
	return memmem(text, length, word, strlen(word)) != NULL;
}

static bool label_is(const char *label, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(label, word, length) == 0;
}

static const char *find_text(const char *at, const char *end, const char *text)
{
	return memmem(at, (size_t)(end - at), text, strlen(text));
}

/* Where the block ends whose label was before this place: after its end mark, or where the next
 * block begins if that was lost. */
static const char *block_end(const char *at, const char *end)
{
	static const char mark[] = "-----END ", dashes[] = "-----";
	const char *next = find_text(at, end, "-----BEGIN ");

	end = next ? next : end;
	at = find_text(at, end, mark);
	at = at ? find_text(at + sizeof(mark) - 1, end, dashes) : NULL;
	return at ? at + sizeof(dashes) - 1 : end;
}

/*
 *     -----BEGIN EC PRIVATE KEY-----
 *     Proc-Type: 4,ENCRYPTED              (in the older form, RFC 1421 4.6.1.1)
 *     -----END EC PRIVATE KEY-----
 */
struct pem_content pem_scan(const char *data, size_t size)
{
	static const char mark[] = "-----BEGIN ";
	const char *end = data + size, *at = data;
	struct pem_content content = { 0 };

	while ((at = find_text(at, end, mark))) {
		const char *label = at + sizeof(mark) - 1, *stop;
		const char *after = find_text(label, end, "-----");
		size_t length = after ? (size_t)(after - label) : 0;

		if (!after)
			break;
		stop = block_end(after, end);
		content.blocks++;
		if (label_is(label, length, "CERTIFICATE") ||
		    label_is(label, length, "X509 CERTIFICATE"))
			content.certificates++;
		if (text_has(label, length, "PRIVATE KEY") && content.keys++ == 0) {
			content.key.data = (unsigned char *)at;
			content.key.size = (unsigned)(stop - at);
			content.key_is_encrypted = text_has(at, (size_t)(stop - at), "ENCRYPTED");
		}
		at = stop;
	}
	return content;
}
