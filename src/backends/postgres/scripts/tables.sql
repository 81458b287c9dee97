-- The tables of all dictionaries of a schema. @schema@ is the schema's quoted name.

-- One row for each key. value is the plain JSON; encoded is the text that the encoding made, where JSONB cannot reproduce it
-- exactly: then it is what the dictionary reads. Characters that the database cannot store are U+0001 and four hexadecimal digits.
CREATE TABLE IF NOT EXISTS @schema@.durabledict_entries (
  dictionary text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  value jsonb,
  encoded text,
  PRIMARY KEY (dictionary, key)
);

-- One row for each dictionary. A version is a number, the epoch (one for each creation) and the nonce (one for each change).
-- bytes is how much was ever logged. bound is for how long some replica relies on its memory after a check, in milliseconds.
-- The other columns describe the history: the positions of its newest commit and of the newest that was dropped with all before
-- it, how many positions have no commit any more, the policy (keep = 0: none), and the keys of which newer commits were dropped.
CREATE TABLE IF NOT EXISTS @schema@.durabledict_heads (
  dictionary text COLLATE "C" PRIMARY KEY,
  format integer NOT NULL,
  epoch text NOT NULL CHECK (epoch ~ '^[0-9a-f]{1,64}$'),
  number bigint NOT NULL CHECK (number BETWEEN 0 AND 4503599627370496),
  nonce text NOT NULL CHECK (nonce ~ '^[0-9a-f]{1,64}$'),
  bytes bigint NOT NULL,
  bound double precision NOT NULL,
  history_epoch text NOT NULL CHECK (history_epoch ~ '^[0-9a-f]{1,64}$'),
  position bigint NOT NULL,
  floor bigint NOT NULL,
  gone bigint NOT NULL,
  keep integer,
  days double precision,
  dropped jsonb
);

-- The latest changes. previous is the nonce of the change before, batch identifies the write. keys lists the keys that were
-- touched; NULL: all. effects is a list: ["set", key, text], ["json", key, value], ["delete", key], ["clear"]; NULL: everything must be
-- read again. notes says whose effects they are. outcomes is what the writer was answered.
CREATE TABLE IF NOT EXISTS @schema@.durabledict_changes (
  dictionary text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  format integer NOT NULL,
  nonce text NOT NULL,
  previous text NOT NULL,
  batch text NOT NULL,
  keys text[] COLLATE "C",
  effects text,
  notes text,
  outcomes text,
  bytes bigint NOT NULL,
  PRIMARY KEY (dictionary, number)
);

-- The history: one row for each commit. number and nonce are those of the version after it. changes is a list of [key, before,
-- after]: null where the key was absent, {"json": value}, or the text that the encoding made.
CREATE TABLE IF NOT EXISTS @schema@.durabledict_commits (
  dictionary text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  format integer NOT NULL,
  number bigint NOT NULL,
  nonce text NOT NULL,
  at timestamptz NOT NULL,
  author text,
  reason text,
  via text NOT NULL,
  keys text[] COLLATE "C" NOT NULL,
  changes json NOT NULL,
  PRIMARY KEY (dictionary, position)
);
