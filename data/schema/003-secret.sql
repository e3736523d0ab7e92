-- What only this installation knows: the identifiers of Apple profiles are made with it, so that
-- they stay the same and nobody else can tell them.
CREATE TABLE secret (
	name TEXT NOT NULL PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO secret VALUES ('profile', randomblob(32));
