-- Whether people are found by the MD5 of their address, which is all that Evolution tells.
ALTER TABLE provider ADD COLUMN md5_lookup INTEGER NOT NULL DEFAULT 0
	CHECK (md5_lookup IN (0, 1));

CREATE INDEX provider_md5_lookup ON provider (id) WHERE md5_lookup = 1;

-- Of the domains whose provider has it: the MD5 of "local@domain" for each local part that has a user
-- there, or in the domain that it is an alias of. Kept by store/md5.c.
CREATE TABLE user_md5 (
	domain TEXT NOT NULL,
	md5 BLOB NOT NULL,
	local TEXT NOT NULL,
	PRIMARY KEY (domain, md5)
) STRICT, WITHOUT ROWID;
