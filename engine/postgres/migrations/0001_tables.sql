-- untorn's protocol on PostgreSQL: the tables. docs/protocol-postgres.md explains it.
--
--     psql -v ON_ERROR_STOP=1 -v schema=untorn -f 0001_tables.sql
begin;

select set_config('untorn.schema', :'schema', true);

do $do$
declare
  name constant text := current_setting('untorn.schema');
begin
  if current_setting('server_version_num')::int < 140000 then
    raise exception 'untorn needs PostgreSQL 14 or newer, this is %', current_setting('server_version');
  end if;
  if current_setting('server_encoding') <> 'UTF8' then
    raise exception 'untorn needs a database with the encoding UTF8, this one has %', current_setting('server_encoding')
      using hint = 'create database NAME encoding ''UTF8'' template template0';
  end if;
  if to_regnamespace(quote_ident(name)) is null then
    execute format('create schema %I', name);
  end if;
  -- pg_temp last: else a caller's temporary table could stand in for one of ours.
  perform set_config('search_path', quote_ident(name) || ', pg_temp', true);
end $do$;

create table migration (
  version int primary key,
  applied timestamptz not null default now()
);

-- One row a session. An index on the key itself would refuse long keys.
create table session (
  id bigint generated always as identity primary key,
  hash bytea not null unique,
  key text not null,
  -- The number of the last claim, release or transfer. A write names the number of its claim.
  token bigint not null default 0,
  -- The owner; or the last owner, if it ended without a release. Null: it was released.
  owner text,
  until timestamptz,
  -- The server process of the owner's connection, if that holds an advisory lock while it lives.
  backend int,
  -- The name that the successor of a transfer must give.
  successor text,
  reconciler text,
  -- The id of the last claim or reconciliation, and the previous owner that it returned: a retry gets the same answer.
  attempt uuid,
  previous text
) with (fillfactor = 70);

-- One row for each name in a session. The row stays when the file is removed.
-- A write locks it, so the token stands here too: a check of another row would
-- use the snapshot from before the wait for this one.
create table file (
  id bigint generated always as identity primary key,
  session bigint not null references session on delete cascade,
  name text not null,
  present boolean not null default false,
  generation bigint not null default 0,
  size bigint not null default 0,
  token bigint not null,
  -- The bytes do not end in a newline: the next `line` puts one before its own.
  unfinished boolean not null default false,
  -- Its rows in `chunk`. A rename moves this number to another name.
  body bigint not null,
  channel text not null,
  unique (session, name)
) with (fillfactor = 50);

create sequence body;

-- The bytes, as they were written. A row is a piece of one append; `start` is its offset.
create table chunk (
  body bigint not null,
  start bigint not null,
  bytes bytea not null,
  primary key (body, start)
);

-- The answers to commits with an id, so that a retry gets the same answer.
create table answer (
  id uuid primary key,
  at timestamptz not null default clock_timestamp(),
  session bigint not null,
  generations bigint[] not null,
  ends bigint[] not null
);
create index on answer using brin (at) with (pages_per_range = 8);

insert into migration (version) values (1);
commit;
