-- How much a client has made in this hour.  `id' is 63 bits of a hash of the
-- client's network and the hour, keyed with the server's key and that of the
-- day, which is destroyed when the day is over: no address is stored, no row
-- can be told to be of the same client as another.
CREATE TABLE quota (
	id		INTEGER PRIMARY KEY,
	due_at		INTEGER NOT NULL,	-- the end of the hour
	secrets		INTEGER NOT NULL,
	bytes		INTEGER NOT NULL	-- of their records
) STRICT;

CREATE INDEX quota_due ON quota (due_at);

-- How many sealed records there are: counting them takes as long as reading
-- them all.
CREATE TABLE total (
	id		INTEGER PRIMARY KEY CHECK (id = 1),
	records		INTEGER NOT NULL
) STRICT;

INSERT INTO total (id, records) SELECT 1, count(*) FROM record;
