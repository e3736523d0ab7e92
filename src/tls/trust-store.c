#include "tls/trust-store.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>

#include "tls/certificate.h"
#include "util/arena.h"

struct trust_store {
	gnutls_x509_trust_list_t list;
};

DEFINE_CLEANUP(gnutls_x509_crt_t, gnutls_x509_crt_deinit);

struct trust_store *trust_store_open(void)
{
	struct trust_store *store = xnew(struct trust_store);

	if (gnutls_x509_trust_list_init(&store->list, 0) < 0)
		abort();
	gnutls_x509_trust_list_add_system_trust(store->list, 0, 0);
	return store;
}

void trust_store_close(struct trust_store *store)
{
	if (!store)
		return;
	gnutls_x509_trust_list_deinit(store->list, 1);
	free(store);
}

static const char *issuer_name(struct arena *memory, gnutls_x509_crt_t certificate)
{
	gnutls_datum_t name = { 0 };
	const char *text = "?";

	if (gnutls_x509_crt_get_issuer_dn3(certificate, &name, 0) == 0)
		text = arena_strndup(memory, (const char *)name.data, name.size);
	gnutls_free(name.data);
	return text;
}

const char *trust_store_chain_warning(const struct trust_store *store, struct arena *memory,
				      const struct certificate *certificate)
{
	_cleanup_(gnutls_x509_crt_deinitp) gnutls_x509_crt_t leaf = NULL, issuer = NULL;

	if (certificate->has_issuer || gnutls_x509_crt_init(&leaf) < 0 ||
	    gnutls_x509_crt_import(leaf, &certificate->chain[0].cert, GNUTLS_X509_FMT_DER) < 0 ||
	    gnutls_x509_trust_list_get_issuer(store->list, leaf, &issuer, GNUTLS_TL_GET_COPY) == 0)
		return NULL;
	return arena_printf(memory,
			    "certificate '%s' has no chain: the certificate of its issuer '%s' is "
			    "neither in the file nor a root that this system trusts; append it, or "
			    "clients that do not have it reject the certificate",
			    certificate->file, issuer_name(memory, leaf));
}
