-- What only this installation knows: the identifiers of Apple profiles are made with it, so that
-- they stay the same and others cannot guess them.
CREATE TABLE secret (
	name TEXT NOT NULL PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO secret VALUES ('profile', randomblob(32));

-- Whether a provider publishes its document of PACC.
ALTER TABLE provider ADD COLUMN pacc INTEGER NOT NULL DEFAULT 0 CHECK (pacc IN (0, 1));
