#pragma once

/* What an admin is warned of: settings that can be meant so, but that clients trip over. */

struct cli;
struct provider;
struct service;

/* Warns that the provider has no services at all. */
void provider_warn_if_empty(struct cli *cli, const struct provider *provider);

/* Warns of services without which clients refuse the provider's documents. */
void provider_warn_of_gaps(struct cli *cli, const struct provider *provider);

/* Warns of what the database holds and means nothing, and says what mends it. */
void provider_warn_of_spoiled(struct cli *cli, const struct provider *provider);

/* Warns of services that offer OAuth2 where nothing says who issues the tokens. */
void provider_warn_of_oauth2(struct cli *cli, const struct provider *provider);

/* Warns of a port that a client takes for something else. */
void service_warn_of_port(struct cli *cli, const struct service *service);

/* Likewise as provider_warn_of_oauth2(), for one service of the provider. */
void service_warn_of_oauth2(struct cli *cli, const struct provider *provider,
			    const struct service *service);

/* Warns where FairEmail, which takes the last user name of an autoconfig document, gets another one
 * than that for mail. */
void provider_warn_of_last_login(struct cli *cli, const struct provider *provider);
