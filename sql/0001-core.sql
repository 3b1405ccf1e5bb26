-- The first schema: secrets, their sealed records and the claims on them.
--
-- A sealed byte lives in `record` alone, a rowid table whose rows are only
-- ever appended and deleted: an index or a WITHOUT ROWID table keeps pieces of
-- deleted rows in spite of secure_delete.

-- What is known of a secret while it lives, and its tombstone and receipt
-- afterwards.  Rows lie in the order of their making, which is nearly that of
-- their reading and their end, so that few pages change at a time.
-- `lookup_id` is 63 bits of `lookup`, `receipt_id` of `receipt`: both are
-- keyed hashes, so that a number of 8 bytes finds a row and nobody can make
-- two of them meet.
CREATE TABLE secret (
	id		INTEGER PRIMARY KEY,
	lookup_id	INTEGER NOT NULL,
	lookup		BLOB NOT NULL,
	kind		INTEGER NOT NULL,
	state		INTEGER NOT NULL,
	created_at	INTEGER NOT NULL,
	changed_at	INTEGER NOT NULL,
	expires_at	INTEGER NOT NULL,
	due_at		INTEGER NOT NULL,
	views_left	INTEGER NOT NULL,
	attempts_left	INTEGER NOT NULL,
	verifier	BLOB,
	passes		INTEGER NOT NULL,
	memory		INTEGER NOT NULL,
	key_id		INTEGER NOT NULL,
	epoch		INTEGER NOT NULL,
	receipt_id	INTEGER,
	receipt		BLOB,
	knocks		INTEGER NOT NULL,
	knocked_at	INTEGER NOT NULL,
	record		INTEGER NOT NULL,
	record_bytes	INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX secret_lookup ON secret (lookup_id);

CREATE UNIQUE INDEX secret_receipt ON secret (receipt_id)
    WHERE receipt_id IS NOT NULL;

-- When the sweeper must look at a row: the end of its time, of its last
-- claim, or of its tombstone.
CREATE INDEX secret_due ON secret (due_at);

CREATE TABLE record (
	id		INTEGER PRIMARY KEY,
	sealed		BLOB NOT NULL
) STRICT;

-- One row a view that was taken; at most as many as a secret has views, and
-- gone with its record.
CREATE TABLE claim (
	secret		INTEGER NOT NULL,
	hash		BLOB NOT NULL,
	until		INTEGER NOT NULL,
	PRIMARY KEY (secret, hash)
) STRICT, WITHOUT ROWID;
