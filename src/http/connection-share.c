#include "http/connection-share.h"

#include <stdlib.h>
#include <string.h>

#include "http/connection.h"
#include "util/arena.h"

/* Where an IPv6 client has its /48 among its networks. */
#define SITE 2

/* Its connections, in the order in which they wait. */
struct share {
	struct shares *shares; /* in which it is */
	struct client_network network;
	size_t count;
	struct connection *oldest, *newest;
	struct share *next; /* in its chain */
};

struct shares *shares_new(void)
{
	struct shares *shares = xnew(struct shares);

	shares->key = hash_key_new();
	return shares;
}

void shares_free(struct shares *shares)
{
	free(shares);
}

static struct share **chain_of(struct shares *shares, const struct client_network *network)
{
	return &shares->chains[hash_of(&shares->key, network, sizeof(*network)) % SHARES_CHAINS];
}

static struct share *find(struct shares *shares, const struct client_network *network)
{
	struct share **chain = chain_of(shares, network), *share = *chain;

	while (share && memcmp(&share->network, network, sizeof(*network)) != 0)
		share = share->next;
	if (share)
		return share;
	share = xnew(struct share);
	share->shares = shares;
	share->network = *network;
	share->next = *chain;
	*chain = share;
	return share;
}

static void unlink_from(struct share *share, struct connection *connection)
{
	*(connection->longer ? &connection->longer->shorter : &share->oldest) = connection->shorter;
	*(connection->shorter ? &connection->shorter->longer : &share->newest) = connection->longer;
}

static void append_to(struct share *share, struct connection *connection)
{
	connection->shorter = NULL;
	connection->longer = share->newest;
	*(share->newest ? &share->newest->shorter : &share->oldest) = connection;
	share->newest = connection;
}

void share_join(struct shares *shares, struct connection *connection, const struct sockaddr *client)
{
	const struct client_networks networks = networks_of_client(client);
	const struct client_network *network =
		&networks.items[networks.count > SITE ? SITE : 0].network;

	if (network->bits == 0)
		return;
	connection->share = find(shares, network);
	connection->share->count++;
	append_to(connection->share, connection);
}

void share_leave(struct connection *connection)
{
	struct share *share = TAKE(connection->share), **at;

	if (!share)
		return;
	unlink_from(share, connection);
	if (--share->count > 0)
		return;
	for (at = chain_of(share->shares, &share->network); *at != share; at = &(*at)->next)
		;
	*at = share->next;
	free(share);
}

void share_renew(struct connection *connection)
{
	if (!connection->share)
		return;
	unlink_from(connection->share, connection);
	append_to(connection->share, connection);
}

struct connection *share_surplus(const struct connection *connection)
{
	const struct share *share = connection->share;
	size_t max = share ? share->shares->max : 0;

	return max && share->count > max ? share->oldest : NULL;
}

const struct client_network *share_network(const struct connection *connection)
{
	return connection->share ? &connection->share->network : NULL;
}
