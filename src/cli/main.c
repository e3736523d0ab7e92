#include "acme/challenge.h"
#include "cli/cli.h"

int main(int argc, char **argv)
{
	return challenge_is_hook() ? challenge_hook(argc, argv) : cli_run(argc, argv);
}
