-- A rule with for_each has one alert an instance.
CREATE TABLE rule_instances (
  rule TEXT NOT NULL,
  instance TEXT NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (rule, instance)
) WITHOUT ROWID;

ALTER TABLE episodes ADD COLUMN instance TEXT NOT NULL DEFAULT '';
