-- Run once, when Postgres has no data yet: pool and services share nothing.
create database pool;
create database services;
