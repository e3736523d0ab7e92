-- A provider is a named set of services, texts and a default login pattern.
CREATE TABLE provider (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	display_name TEXT,
	short_name TEXT,
	login TEXT NOT NULL,
	login_case TEXT NOT NULL CHECK (login_case IN ('lower', 'keep')),
	recipient_delimiter TEXT NOT NULL,
	show_names INTEGER NOT NULL CHECK (show_names IN (0, 1)),
	mx_fallback INTEGER NOT NULL CHECK (mx_fallback IN (0, 1)),
	is_implicit INTEGER NOT NULL CHECK (is_implicit IN (0, 1))
) STRICT;

-- position is the order of documents; authentications is a comma-separated list, best first.
CREATE TABLE service (
	provider INTEGER NOT NULL REFERENCES provider ON DELETE CASCADE,
	position INTEGER NOT NULL,
	url TEXT NOT NULL,
	login TEXT,
	authentications TEXT NOT NULL,
	is_first INTEGER NOT NULL CHECK (is_first IN (0, 1)),
	PRIMARY KEY (provider, position),
	UNIQUE (provider, url)
) STRICT, WITHOUT ROWID;

-- A domain (or *.parent, or *) has a provider of its own, or is an alias of one that has.
CREATE TABLE domain (
	name TEXT NOT NULL PRIMARY KEY,
	provider INTEGER REFERENCES provider,
	alias_of TEXT REFERENCES domain,
	is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
	CHECK ((provider IS NULL) <> (alias_of IS NULL)),
	CHECK (alias_of <> name)
) STRICT, WITHOUT ROWID;

CREATE INDEX domain_provider ON domain (provider);
CREATE INDEX domain_alias_of ON domain (alias_of) WHERE alias_of IS NOT NULL;

-- An address in its normal form is domain and local part, both in lower case; the domain comes
-- first, so that the users of one domain lie together. The catch-all has an empty local part.
CREATE TABLE user (
	domain TEXT NOT NULL,
	local TEXT NOT NULL,
	login TEXT NOT NULL,
	name TEXT,
	provider INTEGER REFERENCES provider,
	PRIMARY KEY (domain, local)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_provider ON user (provider) WHERE provider IS NOT NULL;
