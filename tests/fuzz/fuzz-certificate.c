#include "fuzz.h"

#include "tls/certificate-file.h"
#include "tls/client-hello.h"
#include "tls/key.h"
#include "util/arena.h"
#include "util/error.h"

static void ignore(const char *sentence, void *context)
{
}

/* The bytes of a PEM file, and once more as what a client might send. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct certificate_source source = {
		.file = "fuzz.pem",
		.key_file = "fuzz.pem",
		.data = (const char *)data,
		.size = size,
	};
	gnutls_datum_t hello = { (unsigned char *)data, (unsigned)size };
	struct client_suites suites;
	struct certificate certificate = { 0 };
	struct arena memory = ARENA_NULL;
	struct error err;

	if (size <= CERTIFICATE_FILE_LIMIT &&
	    certificate_parse(&memory, &source, ignore, NULL, &certificate, &err) == 0 &&
	    certificate.chain_length == 0)
		__builtin_trap();
	certificate_clear(&certificate);
	arena_clear(&memory);
	if (client_suites_init("NORMAL", &suites, &err) == 0)
		(void)client_hello_read(&suites, &hello);
	return 0;
}
