-- A rule with for_each has one alert an instance.
CREATE TABLE rule_instances (
  rule TEXT COLLATE "C" NOT NULL,
  instance TEXT COLLATE "C" NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (rule, instance)
);

ALTER TABLE episodes ADD COLUMN instance TEXT NOT NULL DEFAULT '';
