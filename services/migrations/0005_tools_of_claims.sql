-- The claim that a tool was made for; null: for whoever has the instance. Expand only: a running pod neither reads nor writes it.
alter table instance_services add column claim_id text;
