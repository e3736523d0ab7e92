#include "tls/ticket-key.h"

#include <pthread.h>

struct ticket_key {
	pthread_rwlock_t lock; /* of what follows */
	gnutls_datum_t data;
	int64_t until;
};

int ticket_key_new(int64_t now, struct ticket_key **ret_key, struct error *err)
{
	_cleanup_(ticket_key_freep) struct ticket_key *key = xnew(struct ticket_key);
	int result;

	pthread_rwlock_init(&key->lock, NULL);
	key->until = now + TICKET_KEY_LIFE_MS;
	result = gnutls_session_ticket_key_generate(&key->data);
	if (result < 0)
		return error_set(err, ERROR_TLS, "cannot generate a session ticket key: %s",
				 gnutls_strerror(result));
	*ret_key = TAKE(key);
	return 0;
}

static void erase_key(gnutls_datum_t *data)
{
	if (data->data)
		gnutls_memset(data->data, 0, data->size);
	gnutls_free(data->data);
}

void ticket_key_free(struct ticket_key *key)
{
	if (!key)
		return;
	erase_key(&key->data);
	pthread_rwlock_destroy(&key->lock);
	free(key);
}

bool ticket_key_renew(struct ticket_key *key, int64_t now)
{
	gnutls_datum_t data, old;

	if (now < key->until || gnutls_session_ticket_key_generate(&data) < 0)
		return false;
	pthread_rwlock_wrlock(&key->lock);
	old = key->data;
	key->data = data;
	key->until = now + TICKET_KEY_LIFE_MS;
	pthread_rwlock_unlock(&key->lock);
	erase_key(&old);
	return true;
}

void ticket_key_enable(struct ticket_key *key, gnutls_session_t session)
{
	pthread_rwlock_rdlock(&key->lock);
	gnutls_session_ticket_enable_server(session, &key->data);
	pthread_rwlock_unlock(&key->lock);
}
