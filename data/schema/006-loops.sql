-- Redirect loops are searched after each change: these indexes find the redirects without reading
-- the tables.
CREATE INDEX domain_moved_to ON domain (name) WHERE moved_to IS NOT NULL;
CREATE INDEX provider_public_name ON provider (public_name) WHERE public_name IS NOT NULL;
CREATE INDEX service_asks ON service (url)
	WHERE url LIKE 'ca%dav+https://%/.well-known/ca%dav%';
