#include "config/settings.h"

#include "config/type.h"
#include "util/base.h"

#define PLACE(member) .place = offsetof(struct settings, member)

static const struct settings_key keys[] = {
	{ "server", "public-name", "", &setting_public_name, PLACE(server.public_name),
	  .allowed = "a host name such as autoconfig.example.org, with :PORT where it is not 443" },
	{ "server", "listen-https", "[::]:443", &setting_listen, PLACE(server.listen_https),
	  .allowed = "ADDRESS:PORT", .needs_restart = true },
	{ "server", "listen-http", "", &setting_listen, PLACE(server.listen_http),
	  .allowed = "ADDRESS:PORT", .needs_restart = true },
	{ "server", "http-autoconfig", "no", &setting_choice, PLACE(server.http_autoconfig),
	  .allowed = "no | yes" },
	{ "server", "redirect", "public-name", &setting_choice, PLACE(server.redirect),
	  .allowed = "public-name | same-host" },
	{ "server", "behind-proxy", "", &setting_proxy_listen, PLACE(server.behind_proxy),
	  .allowed = "ADDRESS:PORT, or unix: and an absolute path", .needs_restart = true },
	{ "server", "trusted-proxies", "127.0.0.0/8 ::1", &setting_networks,
	  PLACE(server.trusted_proxies),
	  .allowed = "networks such as 127.0.0.0/8 ::1, or nothing" },
	{ "server", "threads", "auto", &setting_threads, PLACE(server.threads), .low = 1,
	  .high = 256, .allowed = "auto, or a number from 1 to 256", .needs_restart = true },
	{ "tls", "certificates", "/etc/mailconfd/certificates/*.pem", &setting_globs,
	  PLACE(tls.certificates),
	  .allowed = "absolute paths, such as /etc/mailconfd/certificates/*.pem" },
	{ "tls", "default-certificate", "", &setting_host_name, PLACE(tls.default_certificate),
	  .allowed = "a host name that a certificate is for, such as autoconfig.example.org" },
	{ "tls", "unknown-name", "refuse", &setting_choice, PLACE(tls.unknown_name),
	  .allowed = "refuse | default" },
	{ "tls", "priorities", "", &setting_priorities, PLACE(tls.priorities),
	  .allowed = "a priority string of GnuTLS", .needs_restart = true },
	{ "database", "file", "/var/lib/mailconfd/mailconfd.db", &setting_path,
	  PLACE(database.file),
	  .allowed = "an absolute path, such as /var/lib/mailconfd/mailconfd.db",
	  .needs_restart = true },
	{ "database", "lock-timeout", "20s", &setting_seconds, PLACE(database.lock_timeout),
	  .low = 1, .high = 3600, .allowed = "a time from 1s to 3600s" },
	{ "templates", "directory", "", &setting_optional_path, PLACE(templates.directory),
	  .allowed = "an absolute path, or nothing" },
	{ "acme", "directory", "/var/lib/mailconfd-acme/.well-known/acme-challenge",
	  &setting_optional_path, PLACE(acme.directory),
	  .allowed = "an absolute path, or nothing" },
	{ "acme", "server", "https://acme-v02.api.letsencrypt.org/directory", &setting_https_url,
	  PLACE(acme.server), .allowed = "the https URL of the directory of an ACME server" },
	{ "acme", "request-missing", "no", &setting_choice, PLACE(acme.request_missing),
	  .allowed = "no | yes" },
	{ "acme", "dns-hook", "", &setting_optional_path, PLACE(acme.dns_hook),
	  .allowed = "the absolute path of a program, or nothing" },
	{ "profile", "certificate", "", &setting_optional_path, PLACE(profile.certificate),
	  .allowed = "an absolute path, or nothing" },
	{ "profile", "key", "", &setting_optional_path, PLACE(profile.key),
	  .allowed = "an absolute path, or nothing" },
	{ "log", "level", "info", &setting_choice, PLACE(log.level),
	  .allowed = "error | warning | info | debug" },
	{ "log", "format", "text", &setting_choice, PLACE(log.format), .allowed = "text | json" },
	{ "log", "addresses", "domain", &setting_choice, PLACE(log.addresses),
	  .allowed = "none | domain | hash | full" },
	{ "log", "slow", "500ms", &setting_milliseconds, PLACE(log.slow), .low = 0, .high = 600000,
	  .allowed = "a time such as 500ms or 2s, or 0 for never" },
	{ "log", "trace", "", &setting_networks, PLACE(log.trace),
	  .allowed = "networks such as 192.0.2.0/24 2001:db8::/32, or nothing" },
	{ "metrics", "listen", "", &setting_proxy_listen, PLACE(metrics.listen),
	  .allowed = "ADDRESS:PORT, or unix: and an absolute path", .needs_restart = true },
	{ "sandbox", "require", "no", &setting_choice, PLACE(sandbox.require),
	  .allowed = "no | yes", .needs_restart = true },
	{ "limits", "handshake-timeout", "10s", &setting_seconds, PLACE(limits.handshake_timeout),
	  .low = 1, .high = 300, .allowed = "a time from 1s to 300s" },
	{ "limits", "idle-timeout", "30s", &setting_seconds, PLACE(limits.idle_timeout), .low = 1,
	  .high = 3600, .allowed = "a time from 1s to 3600s", .needs_restart = true },
	{ "limits", "connections", "20000", &setting_number, PLACE(limits.connections), .low = 16,
	  .high = 1000000, .allowed = "a number from 16 to 1000000", .needs_restart = true },
	{ "limits", "connections-per-network", "25%", &setting_percent,
	  PLACE(limits.connections_per_network), .low = 1, .high = 100,
	  .allowed = "a share from 1% to 100%" },
	{ "limits", "requests-per-second", "50", &setting_number, PLACE(limits.requests_per_second),
	  .low = 0, .high = 100000, .allowed = "a number from 0 to 100000" },
	{ "limits", "requests-at-once", "500", &setting_number, PLACE(limits.requests_at_once),
	  .low = 1, .high = 100000, .allowed = "a number from 1 to 100000" },
	{ "limits", "addresses-per-network", "500", &setting_number,
	  PLACE(limits.addresses_per_network), .low = 0, .high = ADDRESSES_PER_NETWORK_MAX,
	  .allowed = "a number from 0 to 1000" },
	{ "limits", "trusted", "127.0.0.0/8 ::1", &setting_networks, PLACE(limits.trusted),
	  .allowed = "networks such as 192.0.2.0/24 2001:db8::/32, or nothing" },
};

#define KEYS (sizeof(keys) / sizeof(*keys))

#define FIXED_NETWORKS                                                                   \
	"remove this line, because the limits apply to networks of fixed sizes; change " \
	"addresses-per-network or requests-per-second to scale them"

static const struct settings_obsolete_key obsolete_keys[] = {
	{ "limits", "ipv4-network", FIXED_NETWORKS },
	{ "limits", "ipv6-network", FIXED_NETWORKS },
};

const struct settings_key *settings_keys(size_t *ret_count)
{
	*ret_count = KEYS;
	return keys;
}

const struct settings_obsolete_key *settings_obsolete_keys(size_t *ret_count)
{
	*ret_count = sizeof(obsolete_keys) / sizeof(*obsolete_keys);
	return obsolete_keys;
}

bool settings_differ(const struct settings_key *key, const struct settings *a,
		     const struct settings *b)
{
	return !key->type->equals((const char *)a + key->place, (const char *)b + key->place);
}

void settings_default(struct arena *memory, struct settings *ret_settings)
{
	struct settings settings = { 0 };
	struct error err;

	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].type->parse(memory, &keys[i], keys[i].text, &settings, &err) < 0)
			abort();
	*ret_settings = settings;
}
