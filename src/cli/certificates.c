#include "cli/certificates.h"

#include "cli/cli.h"
#include "config/settings.h"
#include "tls/certificate-file.h"
#include "tls/certificates.h"
#include "util/arena.h"
#include "util/error.h"

/* What deserves the eye can be read in the list. */
static void ignore(const char *sentence, void *context)
{
}

int certificates_of_settings(struct cli *cli, struct loaded_certificates *loaded, struct error *err)
{
	const struct words *globs = &cli->settings->tls.certificates;
	struct certificate_files files;
	int r = certificate_files_find(cli->memory, globs->items, globs->count, &files, err);

	if (r != 0)
		return r;
	loaded->files = arena_array(cli->memory, const char *, files.count);
	loaded->n_files = files.count;
	loaded->certificates = arena_array(cli->memory, struct certificate, loaded->n_files);
	loaded->of_file = arena_array(cli->memory, const struct certificate *, loaded->n_files);
	loaded->problems = arena_array(cli->memory, const char *, loaded->n_files);
	for (size_t i = 0; i < loaded->n_files; i++) {
		struct certificate *certificate = &loaded->certificates[loaded->count];
		struct error why;

		loaded->files[i] = files.items[i].path;
		loaded->problems[i] = files.items[i].problem;
		if (loaded->problems[i])
			continue;
		if (certificate_file_load(cli->memory, loaded->files[i], ignore, NULL, certificate,
					  &why) < 0) {
			loaded->problems[i] = arena_strdup(cli->memory, why.text);
			continue;
		}
		loaded->of_file[i] = certificate;
		loaded->count++;
	}
	return 0;
}

void loaded_certificates_clear(struct loaded_certificates *loaded)
{
	for (size_t i = 0; i < loaded->count; i++)
		certificate_clear(&loaded->certificates[i]);
}
