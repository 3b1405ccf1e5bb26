-- The latest time at which anything was written: time does not go back behind
-- it, and a clock that is far ahead of it ends nothing.
CREATE TABLE clock (
	id		INTEGER PRIMARY KEY CHECK (id = 1),
	latest		INTEGER NOT NULL
) STRICT;
