-- What a provider sends to which clients, and how.
ALTER TABLE provider ADD COLUMN public_name TEXT;
ALTER TABLE provider ADD COLUMN ttl INTEGER NOT NULL DEFAULT 168 CHECK (ttl BETWEEN 0 AND 8760);
ALTER TABLE provider ADD COLUMN pox_dav INTEGER NOT NULL DEFAULT 0 CHECK (pox_dav IN (0, 1));
ALTER TABLE provider ADD COLUMN activesync_v2 INTEGER NOT NULL DEFAULT 0
	CHECK (activesync_v2 IN (0, 1));
ALTER TABLE provider ADD COLUMN unknown_users TEXT NOT NULL DEFAULT 'pattern'
	CHECK (unknown_users IN ('pattern', 'refuse'));
ALTER TABLE provider ADD COLUMN without_address TEXT NOT NULL DEFAULT 'pattern'
	CHECK (without_address IN ('pattern', 'refuse'));

-- "everyone", "nobody", or networks separated by spaces.
ALTER TABLE provider ADD COLUMN send_logins_to TEXT NOT NULL DEFAULT 'everyone';

-- Where clients are redirected: an https URL or another domain; another address.
ALTER TABLE domain ADD COLUMN moved_to TEXT;
ALTER TABLE user ADD COLUMN moved_to TEXT;

CREATE INDEX user_moved_to ON user (domain, local) WHERE moved_to IS NOT NULL;
