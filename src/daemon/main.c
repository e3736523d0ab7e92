#include <getopt.h>

#include "config/settings.h"
#include "daemon/server.h"
#include "util/base.h"

static const char usage[] =
	"Usage: mailconfd [--config FILE] [--user NAME] [--check-config]\n"
	"\n"
	"Tells mail clients how to reach their mailbox: Outlook, ActiveSync devices and\n"
	"everything that reads Thunderbird's autoconfig. It runs in the foreground and\n"
	"logs to standard error; 'mailconfctl' manages what it answers.\n"
	"\n"
	"      --config FILE   read FILE instead of " SETTINGS_FILE "\n"
	"      --user NAME     become this user, with its groups, once the ports are bound\n"
	"      --check-config  try what a start does, report what is wrong, and exit:\n"
	"                      0 good, 1 wrong, 2 wrong in the settings file\n"
	"      --version       print the version and exit\n"
	"      --help          print this and exit\n"
	"\n"
	"Examples:\n"
	"  mailconfd --check-config && systemctl reload mailconfd\n"
	"  mailconfd --config ./mailconfd.conf\n"
	"\n"
	"SIGHUP reloads certificates, templates and settings; SIGTERM and SIGINT stop\n"
	"after the requests under way. See mailconfd(8), mailconfd.conf(5), mailconfctl(1).\n";

int main(int argc, char **argv)
{
	enum { CONFIG = 1, USER, CHECK, VERSION, HELP };
	static const struct option options[] = {
		{ "config", required_argument, NULL, CONFIG },
		{ "user", required_argument, NULL, USER },
		{ "check-config", no_argument, NULL, CHECK },
		{ "version", no_argument, NULL, VERSION },
		{ "help", no_argument, NULL, HELP },
		{ 0 },
	};
	const char *settings_file = SETTINGS_FILE, *user = NULL;
	int option, must_check = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case CONFIG:
			settings_file = optarg;
			break;
		case USER:
			user = optarg;
			break;
		case CHECK:
			must_check = 1;
			break;
		case VERSION:
			puts("mailconfd " MAILCONFD_VERSION);
			return SERVER_DONE;
		case HELP:
			fputs(usage, stdout);
			return SERVER_DONE;
		default:
			fputs("Try 'mailconfd --help'.\n", stderr);
			return SERVER_BAD_SETTINGS;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "mailconfd: '%s' is one argument too many; try --help\n",
			argv[optind]);
		return SERVER_BAD_SETTINGS;
	}
	return must_check ? check_config(settings_file, user) : server_run(settings_file, user);
}
