#pragma once

/* How ACME clients and orchestrators name the two files of a certificate: its chain and its key,
 * which lie in one directory. */

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct texts;

/* What messages recommend. */
#define LAYOUT_CHAIN "fullchain.pem"
#define LAYOUT_KEY "privkey.pem"

/* The file of the key for a file of a chain: the first one that exists, or else the most common
 * one. NULL where the name of the chain is in no layout. Lives in memory. */
const char *layout_key_of(struct arena *memory, const char *chain_file);

/* The file of the chain, where the file is the key of a pair or belongs to it otherwise, as the
 * certificate of the issuer does; NULL for others, and where the pair is not complete. Lives in
 * memory. */
const char *layout_chain_of(struct arena *memory, const char *file);

/* Adds the files of chains in the directory whose keys are beside them: those of the first layout
 * that has any. They live in the memory of the texts. Returns 0, or -1 with errno set where the
 * directory had to be read and could not. */
int layout_find(struct texts *chain_files, const char *directory);

/* Whether a file of this name is the chain or the key of some layout. */
bool layout_has(const char *name);

/* Adds the names of the other halves that a name may have, be it a chain's or a key's. The name may
 * be a pattern of names. */
void layout_partners(struct texts *partners, const char *name);
