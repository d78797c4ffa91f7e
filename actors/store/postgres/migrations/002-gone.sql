-- What retention has taken is known exactly, since there down-sampled rows answer for the samples: of a series, all samples before raw_before and all
-- minutes before minutes_before; of all series, all samples before the mark `dropped`, since days go as a whole. Each moves in the transaction that
-- takes the samples. So whatever lies before in `points` came later, and waits (stale_rollups) to be added to what is left, once.
CREATE TEMPORARY TABLE was ON COMMIT DROP AS SELECT service, raw_before FROM removed;
DROP TABLE removed;
CREATE TABLE removed (
  series_id INTEGER PRIMARY KEY,
  raw_before BIGINT NOT NULL,
  minutes_before BIGINT NOT NULL
);

-- Up to now it was known by service, to which instant they were to go: those that are kept a day longer than others series by series, the others by the day.
INSERT INTO marks (name, value) SELECT 'dropped', floor(min(raw_before) / 86400000.0) * 86400000 FROM was HAVING count(*) > 0;
INSERT INTO removed (series_id, raw_before, minutes_before)
  SELECT id, raw, least(floor(raw / 3600000.0), floor((SELECT min(ts) FROM rollups WHERE series_id = id AND step = 60000) / 3600000.0)) * 3600000
  FROM (
    SELECT id, CASE WHEN raw_before >= (SELECT min(raw_before) FROM was) + 86400000 THEN raw_before
      ELSE (SELECT value::bigint FROM marks WHERE name = 'dropped') END AS raw
    FROM was JOIN series USING (service)
  ) AS gone;

CREATE VIEW gone AS
  SELECT series_id, raw_before, minutes_before FROM (
    SELECT id AS series_id, greatest(raw_before, (SELECT value::bigint FROM marks WHERE name = 'dropped')) AS raw_before,
      coalesce(minutes_before, -8640000000000000) AS minutes_before
    FROM series LEFT JOIN removed ON series_id = id
  ) AS one
  WHERE raw_before IS NOT NULL;
