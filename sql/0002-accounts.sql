-- Accounts, and all that belongs to one: keys, the listing of secrets with the
-- log of their views, secret requests, mail.  Whatever was typed by people is
-- sealed and lies in rowid tables, like the records.  The numbers of accounts,
-- keys and mails are remembered by people and by requests that are on their
-- way: none is given again.

CREATE TABLE account (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	name		TEXT NOT NULL,
	created_at	INTEGER NOT NULL,
	allowance	INTEGER NOT NULL,	-- a month; -1: no limit
	request_allowance INTEGER NOT NULL,
	month		INTEGER NOT NULL,	-- of what follows, in UTC
	usage		INTEGER NOT NULL,	-- secrets made in it
	request_usage	INTEGER NOT NULL,
	listed		INTEGER NOT NULL,	-- rows of listing
	requested	INTEGER NOT NULL	-- rows of secret_request
) STRICT;

CREATE UNIQUE INDEX account_name ON account (name);

-- A key is found by 63 bits of a keyed hash, like a secret.
CREATE TABLE api_key (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	account		INTEGER NOT NULL,
	private		INTEGER NOT NULL,
	hash_id		INTEGER NOT NULL,
	hash		BLOB NOT NULL,
	created_at	INTEGER NOT NULL,
	used_day	INTEGER NOT NULL	-- since 1970; 0: never
) STRICT;

CREATE UNIQUE INDEX api_key_hash ON api_key (hash_id);

CREATE INDEX api_key_account ON api_key (account);

-- What an account sees of a secret: made with the secret, gone with its
-- tombstone or before.  The message goes with the sealed record.
CREATE TABLE listing (
	secret		INTEGER PRIMARY KEY,
	account		INTEGER NOT NULL,
	flags		INTEGER NOT NULL,
	views		INTEGER NOT NULL,	-- taken
	note		BLOB NOT NULL,		-- sealed
	message		BLOB			-- sealed
) STRICT;

CREATE INDEX listing_account ON listing (account, secret);

CREATE TABLE view (
	id		INTEGER PRIMARY KEY,
	secret		INTEGER NOT NULL,
	viewed_at	INTEGER NOT NULL,
	viewer		BLOB NOT NULL		-- sealed
) STRICT;

CREATE INDEX view_secret ON view (secret);

-- The password of its secrets goes with the last use, or its time.
CREATE TABLE secret_request (
	id		INTEGER PRIMARY KEY,
	account		INTEGER NOT NULL,
	lookup_id	INTEGER NOT NULL,
	lookup		BLOB NOT NULL,
	created_at	INTEGER NOT NULL,
	expires_at	INTEGER NOT NULL,
	due_at		INTEGER NOT NULL,
	uses_left	INTEGER NOT NULL,
	note		BLOB NOT NULL,		-- sealed
	password	BLOB			-- sealed
) STRICT;

CREATE UNIQUE INDEX secret_request_lookup ON secret_request (lookup_id);

CREATE INDEX secret_request_account ON secret_request (account);

CREATE INDEX secret_request_due ON secret_request (due_at);

-- Mail that waits for sendmail, about a request or a secret, and gone with it.
CREATE TABLE outbox (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	account		INTEGER NOT NULL,
	request		INTEGER,
	secret		INTEGER,
	created_at	INTEGER NOT NULL,
	expires_at	INTEGER NOT NULL,	-- of what it is about
	due_at		INTEGER NOT NULL,	-- the next try
	tries		INTEGER NOT NULL,
	letter		BLOB NOT NULL		-- sealed
) STRICT;

CREATE INDEX outbox_request ON outbox (request);

CREATE INDEX outbox_secret ON outbox (secret);

CREATE INDEX outbox_due ON outbox (due_at);
