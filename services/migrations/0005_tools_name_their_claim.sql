-- The claim that a resource was asked for: what comes after that claim was given up must not reach the next one.
-- Null: for whoever has the instance.
alter table instance_services add column claim_id text;
