-- Names, keys and places are compared byte by byte, as SQLite does it. Milliseconds are numbers as JavaScript has them: DOUBLE PRECISION.

CREATE TABLE series (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  service TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  tags TEXT COLLATE "C" NOT NULL,
  -- SHA-256 of the three, since an index takes no row of more than 2.7 kB.
  hash BYTEA NOT NULL UNIQUE
);

-- By day, in partitions that are made as they are needed; what is far from today, or comes while one cannot be made, lies in the default one.
-- seq tells two samples of one instant apart: it grows with every sample, so that COPY never meets a row that is there. The index holds the value
-- too: then a range of one series is read from it alone.
CREATE TABLE points (
  series_id INTEGER NOT NULL,
  ts BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  value DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (series_id, ts, seq) INCLUDE (value)
) PARTITION BY RANGE (ts);
CREATE TABLE points_default PARTITION OF points DEFAULT;
-- One number for so many samples: a node takes them by the block.
CREATE SEQUENCE sample_blocks;

CREATE TABLE logs (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ts BIGINT NOT NULL,
  service TEXT COLLATE "C" NOT NULL,
  level TEXT COLLATE "C" NOT NULL,
  message TEXT NOT NULL,
  tags TEXT NOT NULL
);
CREATE INDEX logs_by_service ON logs (service, ts, id);
CREATE INDEX logs_by_time ON logs (ts, id);

-- One row a node. `last_group` is the number of the last transaction that it has committed: whether one came through is read from it.
CREATE TABLE nodes (
  node TEXT COLLATE "C" PRIMARY KEY,
  last_group BIGINT NOT NULL DEFAULT 0,
  judged BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- What was acknowledged and is not yet judged: a batch a row, gone when the rules of its node have done with it. Numbers little-endian, as they came.
CREATE TABLE unjudged (
  node TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  at_ms DOUBLE PRECISION NOT NULL,
  protocol TEXT NOT NULL,
  series BYTEA NOT NULL,
  ts BYTEA NOT NULL,
  value BYTEA NOT NULL,
  texts TEXT NOT NULL,
  PRIMARY KEY (node, seq)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 50000);
-- They live for a moment: not worth the time to compress them.
ALTER TABLE unjudged ALTER series SET STORAGE EXTERNAL, ALTER ts SET STORAGE EXTERNAL, ALTER value SET STORAGE EXTERNAL, ALTER texts SET STORAGE EXTERNAL;

-- Numbers that all nodes share: `rolled` is the instant before which all is down-sampled.
CREATE TABLE marks (
  name TEXT COLLATE "C" PRIMARY KEY,
  value DOUBLE PRECISION NOT NULL
);
-- Down-sampled: one row a series, step (60000 or 3600000 ms) and bucket. `increase` is that of a counter, resets taken out; `sketch` holds the
-- distribution, `first_at` and `last_at` are ms after ts. NULL: not a number. Complete for what ends before the mark `rolled`, but for stale_rollups.
CREATE TABLE rollups (
  series_id INTEGER NOT NULL,
  step INTEGER NOT NULL,
  ts BIGINT NOT NULL,
  count BIGINT NOT NULL,
  sum DOUBLE PRECISION,
  min DOUBLE PRECISION NOT NULL,
  max DOUBLE PRECISION NOT NULL,
  first DOUBLE PRECISION NOT NULL,
  first_at INTEGER NOT NULL,
  last DOUBLE PRECISION NOT NULL,
  last_at INTEGER NOT NULL,
  increase DOUBLE PRECISION,
  sketch BYTEA NOT NULL,
  PRIMARY KEY (series_id, step, ts)
);
-- Minutes that have got samples when they may have been rolled up already, and are to be made anew from theirs.
CREATE TABLE stale_rollups (
  series_id INTEGER NOT NULL,
  ts BIGINT NOT NULL,
  PRIMARY KEY (series_id, ts)
);
-- What retention has taken: of these services, all samples before are gone or go.
CREATE TABLE removed (
  service TEXT COLLATE "C" PRIMARY KEY,
  raw_before BIGINT NOT NULL
);

CREATE TABLE traces (
  trace_id TEXT COLLATE "C" NOT NULL,
  span_id TEXT COLLATE "C" NOT NULL,
  parent_id TEXT COLLATE "C",
  ts BIGINT NOT NULL,
  duration_ms DOUBLE PRECISION NOT NULL,
  service TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  status TEXT NOT NULL,
  tags TEXT NOT NULL,
  PRIMARY KEY (trace_id, span_id)
);
CREATE INDEX traces_by_time ON traces (ts);
CREATE INDEX traces_by_service ON traces (service, ts);

CREATE TABLE rule_states (
  rule TEXT COLLATE "C" PRIMARY KEY,
  state TEXT NOT NULL
);

CREATE TABLE monitor_states (
  monitor TEXT COLLATE "C" PRIMARY KEY,
  at_ms DOUBLE PRECISION NOT NULL,
  fields TEXT NOT NULL
);

CREATE TABLE episodes (
  id TEXT COLLATE "C" PRIMARY KEY,
  rule TEXT COLLATE "C" NOT NULL,
  severity TEXT NOT NULL,
  details TEXT NOT NULL,
  started_ms DOUBLE PRECISION NOT NULL,
  ended_ms DOUBLE PRECISION
);
CREATE INDEX episodes_by_time ON episodes (started_ms);
CREATE INDEX episodes_ended ON episodes (ended_ms) WHERE ended_ms IS NOT NULL;

CREATE TABLE jobs (
  id TEXT COLLATE "C" PRIMARY KEY,
  rule TEXT COLLATE "C" NOT NULL,
  action TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_ms DOUBLE PRECISION NOT NULL,
  created_ms DOUBLE PRECISION NOT NULL,
  job TEXT NOT NULL,
  owner TEXT,
  lease_ms DOUBLE PRECISION,
  fence BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX jobs_due ON jobs (due_ms) WHERE status IN ('queued', 'running', 'retrying');
CREATE INDEX jobs_failed ON jobs (created_ms) WHERE status = 'failed';
CREATE INDEX jobs_by_rule ON jobs (rule, created_ms);
-- From due_ms on a job is at its end.
CREATE INDEX jobs_ended ON jobs (due_ms) WHERE status NOT IN ('queued', 'running', 'retrying');

CREATE TABLE attempts (
  job_id TEXT COLLATE "C" NOT NULL,
  number INTEGER NOT NULL,
  started_ms DOUBLE PRECISION NOT NULL,
  duration_ms DOUBLE PRECISION NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT,
  PRIMARY KEY (job_id, number)
);

CREATE TABLE config_versions (
  number BIGINT PRIMARY KEY,
  at_ms DOUBLE PRECISION NOT NULL,
  author TEXT NOT NULL,
  reason TEXT NOT NULL,
  diff TEXT NOT NULL,
  overlay TEXT NOT NULL
);

CREATE TABLE retained (
  topic TEXT COLLATE "C" PRIMARY KEY,
  at_ms DOUBLE PRECISION NOT NULL,
  qos INTEGER NOT NULL,
  payload BYTEA NOT NULL
);

CREATE TABLE audit (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_ms DOUBLE PRECISION NOT NULL,
  author TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  outcome TEXT NOT NULL
);

CREATE INDEX audit_by_time ON audit (at_ms);

-- Only the hash of a key is kept (SHA-256 of 256 random bits).
CREATE TABLE api_keys (
  id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT NOT NULL,
  hash BYTEA NOT NULL,
  roles TEXT NOT NULL,
  created_ms DOUBLE PRECISION NOT NULL,
  expires_ms DOUBLE PRECISION
);
