-- untorn's protocol on PostgreSQL: reading. docs/protocol-postgres.md explains it.
--
--     psql -v ON_ERROR_STOP=1 -v schema=untorn -f 0002_reading.sql
begin;

select set_config('search_path', quote_ident(:'schema') || ', pg_temp', true);

create function hash_of(key text) returns bytea
language sql immutable strict parallel safe as
$$ select sha256(convert_to(key, 'UTF8')) $$;

-- A number larger than `old` that no crash and no failover repeats, though it may
-- lose the row that had it: milliseconds and 12 random bits.
create function fresh(old bigint) returns bigint
language sql volatile as
$$ select greatest(old + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint * 4096 + floor(random() * 4096)::bigint) $$;

create function channel(key text, name text) returns text
language sql stable strict set search_path from current as
$$ select 'untorn_' || md5(current_schema() || E'\n' || name || E'\n' || key) $$;

-- Makes the commit of the caller's transaction wait until everything before it is
-- on the medium, and at the synchronous standbys. A transaction that changes
-- nothing would not wait.
create function flush() returns void
language plpgsql as $$
begin
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;
  perform pg_logical_emit_message(true, 'untorn', '');
end $$;

-- Waits until a crash can't take back anything that the caller sees. It was
-- committed before, so it is durable once the medium has all WAL up to now.
create function settle() returns void
language plpgsql as $$
declare
  now_written pg_lsn;
begin
  -- A standby can't wait. It sees only what the primary has on its medium.
  if pg_is_in_recovery() then
    return;
  end if;
  now_written := pg_current_wal_insert_lsn();
  -- Only a commit of our own waits for a synchronous standby.
  if current_setting('synchronous_standby_names') = '' then
    -- The writers wait for their flush just now: it mostly is ours too.
    for i in 1 .. 12 loop
      if pg_current_wal_flush_lsn() >= now_written then
        return;
      end if;
      perform pg_sleep(0.001);
    end loop;
  end if;
  perform flush();
end $$;

create function refuse(kind text, why text, detail text default null, hint text default null) returns void
language plpgsql as $$
begin
  raise exception using
    errcode = case kind
      when 'CONFLICT' then 'UT001' when 'ALREADY_EXISTS' then 'UT002' when 'LEASE_LOST' then 'UT003'
      when 'LOCKED' then 'UT004' when 'INVALID_ARGUMENT' then 'UT005' when 'NOT_FOUND' then 'UT006' end,
    message = kind || ': ' || why, detail = coalesce(detail, ''), hint = coalesce(hint, '');
end $$;

create function protocol() returns int
language sql stable security definer set search_path from current as
$$ select max(m.version) from migration m $$;

create function sessions(after bigint default 0, most int default 1000)
returns table (id bigint, key text)
language sql stable security definer set search_path from current as
$$ select s.id, s.key from session s where s.id > after order by s.id limit most $$;

create function stat(key text) returns table (name text, generation bigint, size bigint)
language sql stable security definer set search_path from current as
$$ select f.name, f.generation, f.size from session s join file f on f.session = s.id
   where s.hash = hash_of(stat.key) and f.present order by f.name $$;

-- One row, or none if the file is missing. `bytes` is empty at the end, and null
-- if the file is another generation now. `settled`: nothing in the answer can be
-- lost in a crash of the server; wait for its medium if it could.
create function read(
  key text, name text, start bigint default 0, most int default 262144,
  generation bigint default null, settled boolean default true,
  out generation_now bigint, out size bigint, out bytes bytea)
returns setof record
language plpgsql security definer set search_path from current as $$
begin
  if start < 0 or most < 0 then
    perform refuse('INVALID_ARGUMENT', 'start and most are zero or more');
  end if;
  -- One statement, so one snapshot: the row and its chunks fit.
  return query
    select f.generation, f.size,
      case when read.generation is null or read.generation = f.generation then
        coalesce(substring(p.bytes from (read.start - p.first + 1)::int for read.most), ''::bytea)
      end
    from session s
    join file f on f.session = s.id
    left join lateral (
      select string_agg(c.bytes, ''::bytea order by c.start) as bytes, min(c.start) as first
      from chunk c
      where c.body = f.body and c.start < read.start + read.most and read.start < f.size
        and c.start >= (select max(l.start) from chunk l where l.body = f.body and l.start <= read.start)
    ) p on true
    where s.hash = hash_of(read.key) and f.name = read.name and f.present;
  if settled then
    perform settle();
  end if;
end $$;

-- The records of one file. A chunk may end within a record: then the rest is kept for the next.
create function records(of_body bigint)
returns table (start bigint, bytes bytea)
language plpgsql stable security definer set search_path from current as $$
declare
  piece record;
  line text;
  rest text := '';
  at bigint;
  raw bytea;
  lines text[];
begin
  for piece in select c.start, c.bytes from chunk c where c.body = of_body order by c.start loop
    at := coalesce(at, piece.start);
    -- `escape` keeps newlines and makes every other byte text, so text functions can split it.
    lines := string_to_array(rest || encode(piece.bytes, 'escape'), E'\n');
    rest := lines[cardinality(lines)];
    foreach line in array lines[1:cardinality(lines) - 1] loop
      raw := decode(line, 'escape');
      start := at;
      at := at + octet_length(raw) + 1;
      bytes := case when right(line, 1) = E'\r' then substring(raw for octet_length(raw) - 1) else raw end;
      if octet_length(bytes) > 0 then
        return next;
      end if;
    end loop;
  end loop;
end $$;

create function text_of(bytes bytea) returns text
language plpgsql immutable strict parallel safe as $$
begin
  return convert_from(bytes, 'UTF8');
exception when others then
  return null;
end $$;

create view files as
  select s.key, f.name, f.generation, f.size
  from session s join file f on f.session = s.id where f.present;

-- Records as rows, for journals. `line` is null where `bytes` are no text.
create view lines as
  select s.key, f.name, f.generation, r.start, text_of(r.bytes) as line, r.bytes
  from session s join file f on f.session = s.id, lateral records(f.body) r
  where f.present;

insert into migration (version) values (2);
commit;
