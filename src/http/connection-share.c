#include "http/connection-share.h"

/* Where an IPv6 client has its /48 among its networks. */
#define SITE 2

/* Its connections, in the order in which they wait. */
struct share {
	struct shares *shares; /* in which it is */
	struct client_network network;
	size_t count;
	struct share_member *oldest, *newest;
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

static void unlink_from(struct share *share, struct share_member *member)
{
	*(member->longer ? &member->longer->shorter : &share->oldest) = member->shorter;
	*(member->shorter ? &member->shorter->longer : &share->newest) = member->longer;
}

static void append_to(struct share *share, struct share_member *member)
{
	member->shorter = NULL;
	member->longer = share->newest;
	*(share->newest ? &share->newest->shorter : &share->oldest) = member;
	share->newest = member;
}

void share_join(struct shares *shares, struct share_member *member, const struct sockaddr *client)
{
	const struct client_networks networks = networks_of_client(client);
	const struct client_network *network =
		&networks.items[networks.count > SITE ? SITE : 0].network;

	if (network->bits == 0)
		return;
	member->share = find(shares, network);
	member->share->count++;
	append_to(member->share, member);
}

void share_leave(struct share_member *member)
{
	struct share *share = TAKE(member->share), **at;

	if (!share)
		return;
	unlink_from(share, member);
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
	unlink_from(member->share, member);
	append_to(member->share, member);
}

struct share_member *share_surplus(const struct share_member *member)
{
	const struct share *share = member->share;
	size_t max = share ? share->shares->max : 0;

	return max && share->count > max ? share->oldest : NULL;
}

const struct client_network *share_network(const struct share_member *member)
{
	return member->share ? &member->share->network : NULL;
}
