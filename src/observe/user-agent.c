#include "observe/user-agent.h"

/* Mail programs first, then the libraries that they are made with, then what says nothing. The
 * first row of which the mark is in the field decides, so "Outlook-iOS" stands above "Outlook". */
static const struct {
	const char *mark, *name;
} agents[] = {
	{ "Thunderbird/", "thunderbird" },
	{ "K-9", "thunderbird-android" },
	{ "FairEmail", "fairemail" },
	{ "Evolution/", "evolution" },
	{ "ispdb/", "kde" },
	{ "KIO/", "kde" },
	{ "Akonadi", "kde" },
	{ "eM Client", "em-client" },
	{ "eMClient", "em-client" },
	{ "Outlook-iOS", "outlook-mobile" },
	{ "Outlook-Android", "outlook-mobile" },
	{ "OutlookMobile", "outlook-mobile" },
	{ "Microsoft Office/", "outlook" },
	{ "Microsoft Outlook", "outlook" },
	{ "MacOutlook/", "outlook-mac" },
	{ "Outlook", "outlook" },
	{ "Microsoft.Exchange", "exchange" },
	{ "ExchangeServicesClient/", "exchange" },
	{ "exchangelib/", "exchangelib" },
	{ "accountsd", "apple" },
	{ "dataaccessd", "apple" },
	{ "Apple-", "apple" },
	{ "profiled", "apple" },
	{ "iOS/", "apple" },
	{ "Nextcloud", "nextcloud" },
	{ "deltachat", "delta-chat" },
	{ "Mailspring", "mailspring" },
	{ "Samsung", "samsung" },
	{ "SAMSUNG", "samsung" },
	{ "Android-", "android" },
	{ "Android/", "android" },
	{ "okhttp/", "android" },
	{ "Dalvik/", "android" },
	{ "Let's Encrypt", "acme" },
	{ "Prometheus/", "monitoring" },
	{ "check_http", "monitoring" },
	{ "UptimeRobot", "monitoring" },
	{ "curl/", "script" },
	{ "Wget/", "script" },
	{ "python-requests/", "script" },
	{ "Python-urllib/", "script" },
	{ "Go-http-client/", "script" },
	{ "bot", "robot" },
	{ "Bot", "robot" },
	{ "crawler", "robot" },
	{ "Mozilla/", "browser" },
	{ "", "other" },
	{ NULL, "none" },
};

#define AGENTS (sizeof(agents) / sizeof(*agents))

_Static_assert(AGENTS <= USER_AGENTS_MAX, "too many rows");

user_agent_t user_agent_find(const char *user_agent)
{
	user_agent_t agent = 0;

	if (!user_agent || !*user_agent)
		return AGENTS - 1;
	while (!strstr(user_agent, agents[agent].mark))
		agent++;
	return agent;
}

const char *user_agent_name(user_agent_t agent)
{
	return agents[agent].name;
}

size_t user_agents_count(void)
{
	return AGENTS;
}
