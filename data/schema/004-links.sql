-- Pages on the web that documents lead people to, and who issues tokens for OAuth2: all four of
-- these, or none.
ALTER TABLE provider ADD COLUMN webmail TEXT;
ALTER TABLE provider ADD COLUMN oauth2_issuer TEXT;
ALTER TABLE provider ADD COLUMN oauth2_scope TEXT;
ALTER TABLE provider ADD COLUMN oauth2_auth_url TEXT;
ALTER TABLE provider ADD COLUMN oauth2_token_url TEXT;

-- What POP3 clients should do; NULL leaves it to them.
ALTER TABLE service ADD COLUMN leave_on_server INTEGER CHECK (leave_on_server IN (0, 1));
ALTER TABLE service ADD COLUMN leave_days INTEGER CHECK (leave_days BETWEEN 1 AND 3650);
ALTER TABLE service ADD COLUMN check_interval INTEGER CHECK (check_interval BETWEEN 1 AND 1440);
ALTER TABLE service ADD COLUMN download_at_check INTEGER CHECK (download_at_check IN (0, 1));

-- position is the order of documents.
CREATE TABLE link (
	provider INTEGER NOT NULL REFERENCES provider ON DELETE CASCADE,
	position INTEGER NOT NULL,
	kind TEXT NOT NULL CHECK (kind IN ('documentation', 'enable')),
	url TEXT NOT NULL,
	PRIMARY KEY (provider, position),
	UNIQUE (provider, kind, url)
) STRICT, WITHOUT ROWID;

-- What a link says in each language; link is the position of the link.
CREATE TABLE link_text (
	provider INTEGER NOT NULL,
	link INTEGER NOT NULL,
	position INTEGER NOT NULL,
	language TEXT NOT NULL,
	text TEXT NOT NULL,
	PRIMARY KEY (provider, link, position),
	UNIQUE (provider, link, language),
	FOREIGN KEY (provider, link) REFERENCES link (provider, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
