-- A rollout that failed must not look like one that succeeded, once what ran before answers again.
alter table instance_infra
  -- what the latest patch was made for, whatever became of it
  add column configured_image text,
  -- what ran before the present rollout
  add column previous_image text,
  -- why the latest rollout is not what was wished for
  add column rollout_error text;
update instance_infra set configured_image = image;
