-- What the queue is ordered and found by: the more important first, then what is due first; what goes together; when it is of no use any more; and after how many
-- attempts it was put back by hand.
ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN group_id TEXT;
ALTER TABLE jobs ADD COLUMN expires_ms INTEGER;
ALTER TABLE jobs ADD COLUMN base INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET priority = CASE WHEN job LIKE '%"severity":"critical"%' THEN 2 ELSE 0 END
  WHERE status IN ('queued', 'running', 'retrying') AND (job LIKE '%"severity":"critical"%' OR job LIKE '%"severity":"info"%');
CREATE INDEX jobs_ready ON jobs (action, priority, due_ms, created_ms) WHERE status IN ('queued', 'running', 'retrying');
CREATE INDEX jobs_in_order ON jobs (action, created_ms, id) WHERE status IN ('queued', 'running', 'retrying');
CREATE INDEX jobs_groups ON jobs (group_id) WHERE group_id IS NOT NULL AND status IN ('queued', 'running', 'retrying');
CREATE INDEX jobs_expiring ON jobs (expires_ms) WHERE expires_ms IS NOT NULL AND status IN ('queued', 'running', 'retrying');

-- client, server, auth, rate, timeout, network; none of what succeeded.
ALTER TABLE attempts ADD COLUMN class TEXT;
