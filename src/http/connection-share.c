#include "http/connection-share.h"

/* Where an IPv6 client has its /48 among its networks. */
#define SITE 2

struct share {
	struct shares *shares; /* in which it is */
	struct client_network network;
	size_t count;
	TAILQ_HEAD(, share_member) members; /* its connections, in the order in which they wait */
	struct share *next;		    /* in its chain */
};

void shares_set_max(struct shares *shares, unsigned connections, unsigned percent)
{
	size_t max = (size_t)connections * percent / 100;

	shares->max = percent == 100 ? 0 : max > 0 ? max : 1;
}

static struct share **chain_of(struct shares *shares, const struct client_network *network)
{
	return &shares->chains[hash_of(&shares->key, network, sizeof(*network)) % SHARES_CHAINS];
}

void share_join(struct shares *shares, struct share_member *member, const struct sockaddr *client)
{
	const struct client_networks networks = networks_of_client(client);
	const struct client_network *network =
		&networks.items[networks.count > SITE ? SITE : 0].network;
	struct share **chain = chain_of(shares, network), *share = *chain;

	if (network->bits == 0)
		return;
	while (share && memcmp(&share->network, network, sizeof(*network)) != 0)
		share = share->next;
	if (!share) {
		share = xnew(struct share);
		share->shares = shares;
		share->network = *network;
		TAILQ_INIT(&share->members);
		share->next = *chain;
		*chain = share;
	}
	member->share = share;
	share->count++;
	TAILQ_INSERT_TAIL(&share->members, member, place);
}

void share_leave(struct share_member *member)
{
	struct share *share = TAKE(member->share), **at;

	if (!share)
		return;
	TAILQ_REMOVE(&share->members, member, place);
	if (--share->count > 0)
		return;
	for (at = chain_of(share->shares, &share->network); *at != share; at = &(*at)->next)
		;
	*at = share->next;
	free(share);
}

void share_renew(struct share_member *member)
{
	if (!member->share)
		return;
	TAILQ_REMOVE(&member->share->members, member, place);
	TAILQ_INSERT_TAIL(&member->share->members, member, place);
}

struct share_member *share_surplus(const struct share_member *member)
{
	const struct share *share = member->share;
	size_t max = share ? share->shares->max : 0;

	return max && share->count > max ? TAILQ_FIRST(&share->members) : NULL;
}

const struct client_network *share_network(const struct share_member *member)
{
	return &member->share->network;
}
