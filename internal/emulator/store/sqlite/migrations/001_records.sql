-- What types, paths and kinds are called in the other tables. space is 0 for
-- types, -1 for kinds of links, and for paths the number of their type. Names
-- are never removed, so processes may remember their numbers.
CREATE TABLE names (
	id    INTEGER PRIMARY KEY,
	space INTEGER NOT NULL,
	name  TEXT    NOT NULL,
	UNIQUE (space, name)
) STRICT;

-- One row. version counts committed updates; seq and link_seq are the last
-- ones given, kept here so that none is given twice.
CREATE TABLE counters (
	id       INTEGER PRIMARY KEY CHECK (id = 1),
	version  INTEGER NOT NULL,
	seq      INTEGER NOT NULL,
	link_seq INTEGER NOT NULL
) STRICT;
INSERT INTO counters VALUES (1, 0, 0, 0);

-- entries holds the record's index entries and claims, so that they can be
-- removed without a second index. It stands before data: data may overflow.
CREATE TABLE records (
	seq      INTEGER PRIMARY KEY,
	type     INTEGER NOT NULL,
	id       TEXT    NOT NULL,
	version  TEXT    NOT NULL,
	created  INTEGER NOT NULL,
	modified INTEGER NOT NULL,
	entries  BLOB    NOT NULL,
	data     BLOB    NOT NULL,
	UNIQUE (type, id)
) STRICT;
CREATE INDEX records_order ON records (type, seq);

-- head marks the entry by which the record is sorted at this path.
CREATE TABLE entries (
	path  INTEGER NOT NULL,
	value TEXT    NOT NULL,
	seq   INTEGER NOT NULL,
	elem  INTEGER NOT NULL,
	head  INTEGER NOT NULL,
	PRIMARY KEY (path, value, seq, elem)
) STRICT, WITHOUT ROWID;

CREATE TABLE claims (
	path  INTEGER NOT NULL,
	value TEXT    NOT NULL,
	seq   INTEGER NOT NULL,
	PRIMARY KEY (path, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE links (
	seq   INTEGER PRIMARY KEY,
	kind  INTEGER NOT NULL,
	src   TEXT    NOT NULL,
	dst   TEXT    NOT NULL,
	value BLOB    NOT NULL,
	UNIQUE (kind, src, dst)
) STRICT;
CREATE INDEX links_out ON links (kind, src, seq);
CREATE INDEX links_in  ON links (kind, dst, seq);

CREATE TABLE vals (
	name TEXT PRIMARY KEY,
	data BLOB NOT NULL
) STRICT, WITHOUT ROWID;
