-- What was acknowledged and is not yet judged: a batch a row, gone when the rules have done with it.
CREATE TABLE unjudged (
  seq INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  protocol TEXT NOT NULL,
  series BLOB NOT NULL,
  ts BLOB NOT NULL,
  value BLOB NOT NULL,
  texts TEXT NOT NULL
);
-- Numbers that outlive the node: `judged` is the seq up to which the rules have judged.
CREATE TABLE marks (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX logs_by_time ON logs (ts);

-- Down-sampled: one row a series, step (60000 or 3600000 ms) and bucket. `increase` is that of a counter, resets taken out; `sketch` holds the
-- distribution, `first_at` and `last_at` are ms after ts. NULL: not a number. Complete for what ends before the mark `rolled`, but for stale_rollups and late_points.
CREATE TABLE rollups (
  series_id INTEGER NOT NULL,
  step INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  count INTEGER NOT NULL,
  sum REAL,
  min REAL NOT NULL,
  max REAL NOT NULL,
  first REAL NOT NULL,
  first_at INTEGER NOT NULL,
  last REAL NOT NULL,
  last_at INTEGER NOT NULL,
  increase REAL,
  sketch BLOB NOT NULL,
  PRIMARY KEY (series_id, step, ts)
) WITHOUT ROWID;
-- Minutes that have got samples since they were rolled up, and are to be made anew from theirs.
CREATE TABLE stale_rollups (
  series_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  PRIMARY KEY (series_id, ts)
) WITHOUT ROWID;

-- What retention has taken or is taking: all before is gone or goes, samples and minutes alike.
CREATE TABLE removed (
  series_id INTEGER PRIMARY KEY,
  raw_before INTEGER NOT NULL,
  minutes_before INTEGER NOT NULL
);
-- Samples from before `raw_before`: what came with them is gone, so that they are added to the rollup that is there, once.
CREATE TABLE late_points (
  id INTEGER PRIMARY KEY,
  series_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  value REAL NOT NULL
);
CREATE INDEX late_points_by_series ON late_points (series_id, ts);

CREATE TABLE traces (
  trace_id TEXT NOT NULL,
  span_id TEXT NOT NULL,
  parent_id TEXT,
  ts INTEGER NOT NULL,
  duration_ms REAL NOT NULL,
  service TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  tags TEXT NOT NULL,
  PRIMARY KEY (trace_id, span_id)
) WITHOUT ROWID;
CREATE INDEX traces_by_time ON traces (ts);
CREATE INDEX traces_by_service ON traces (service, ts);

CREATE TABLE monitor_states (
  monitor TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  fields TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE episodes (
  id TEXT PRIMARY KEY,
  rule TEXT NOT NULL,
  severity TEXT NOT NULL,
  details TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX episodes_by_time ON episodes (started_ms);
CREATE INDEX episodes_ended ON episodes (ended_ms) WHERE ended_ms IS NOT NULL;

ALTER TABLE jobs ADD COLUMN owner TEXT;
ALTER TABLE jobs ADD COLUMN lease_ms INTEGER;
ALTER TABLE jobs ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
-- From due_ms on a job is at its end.
CREATE INDEX jobs_ended ON jobs (due_ms) WHERE status NOT IN ('queued', 'running', 'retrying');

CREATE TABLE retained (
  topic TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  qos INTEGER NOT NULL,
  payload BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  author TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  outcome TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at_ms);

-- Only the hash of a key is kept (SHA-256 of 256 random bits).
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  hash BLOB NOT NULL,
  roles TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER
) WITHOUT ROWID;
