CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  service TEXT NOT NULL,
  name TEXT NOT NULL,
  tags TEXT NOT NULL,
  UNIQUE (service, name, tags)
);

-- Clustered by series and time: a range of one series lies together on disk. seq tells two samples of one instant apart.
CREATE TABLE points (
  series_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (series_id, ts, seq)
) WITHOUT ROWID;

CREATE TABLE logs (
  id INTEGER PRIMARY KEY,
  ts INTEGER NOT NULL,
  service TEXT NOT NULL,
  level TEXT NOT NULL,
  message TEXT NOT NULL,
  tags TEXT NOT NULL
);
CREATE INDEX logs_by_service ON logs (service, ts);

CREATE TABLE rule_states (
  rule TEXT PRIMARY KEY,
  state TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  rule TEXT NOT NULL,
  action TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_ms INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  job TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (due_ms) WHERE status IN ('queued', 'running', 'retrying');
CREATE INDEX jobs_failed ON jobs (created_ms) WHERE status = 'failed';
CREATE INDEX jobs_by_rule ON jobs (rule, created_ms);

CREATE TABLE attempts (
  job_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT,
  PRIMARY KEY (job_id, number)
) WITHOUT ROWID;

CREATE TABLE config_versions (
  number INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  author TEXT NOT NULL,
  reason TEXT NOT NULL,
  diff TEXT NOT NULL,
  overlay TEXT NOT NULL
);
