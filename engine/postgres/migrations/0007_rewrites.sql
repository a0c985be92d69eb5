-- untorn's protocol on PostgreSQL: rewrites and rotated files. docs/protocol-postgres.md explains it.
--
--     psql -v ON_ERROR_STOP=1 -v schema=untorn -f 0007_rewrites.sql
begin;

select set_config('search_path', quote_ident(:'schema') || ', pg_temp', true);

-- What became of a generation of a file. A follower finds the next one here, and the
-- rotated file that has the rest of what it read.
create table rewritten (
  file bigint not null references file on delete cascade,
  generation bigint not null,
  next bigint not null,
  size bigint not null,
  -- How many bytes both begin with. Null: a rotation, and the next one began without records.
  same bigint,
  -- The rotated file that keeps the bytes, and the number in its name.
  kept bigint references file on delete cascade,
  number int,
  at timestamptz not null default clock_timestamp(),
  primary key (file, generation)
);
create index on rewritten (kept);

-- Rotated files of `name.ext` are `name_1.ext`, `name_2.ext` and so on.
create function stem(name text) returns text
language sql immutable strict parallel safe as
$$ select coalesce(substring(name from '^(.+)\.[^.]*$'), name) $$;

create function rotated_name(name text, number int) returns text
language sql immutable strict parallel safe as
$$ select stem(name) || '_' || number || substring(name from length(stem(name)) + 1) $$;

-- The number in the name of `other`, if that is a rotated file's of `name`. A larger one is a date or the like.
create function number_of(other text, name text) returns int
language sql immutable strict parallel safe as
$$ select t.n from (select case when s ~ '^[1-9][0-9]{0,4}$' then s::int end as n
     from substring(other from length(stem(name)) + 2 for greatest(length(other) - length(name) - 1, 0)) s) t
   where other = rotated_name(name, t.n) $$;

-- Puts the bytes of a body from `start` up to `stop` into another, at `place`.
create function copy_chunks(body bigint, start bigint, stop bigint, into_body bigint, place bigint) returns void
language sql as
$$ insert into chunk
   select into_body, place + greatest(c.start - copy_chunks.start, 0),
     substring(c.bytes from greatest(copy_chunks.start - c.start, 0)::int + 1
       for (least(stop, c.start + octet_length(c.bytes)) - greatest(copy_chunks.start, c.start))::int)
   from chunk c
   where c.body = copy_chunks.body and c.start < stop and copy_chunks.start < stop
     and c.start >= (select max(l.start) from chunk l where l.body = copy_chunks.body and l.start <= copy_chunks.start) $$;

-- Refuses a file that is missing, unless the commit with this id was made. It stays locked
-- until the caller's transaction ends, so it stays.
create function must_exist(key text, name text, id uuid) returns void
language plpgsql security definer set search_path from current as $$
begin
  perform 1 from session s join file f on f.session = s.id
    where s.hash = hash_of(must_exist.key) and f.name = must_exist.name and f.present for update of f;
  if not found and not exists (select from answer a where a.id = must_exist.id) then
    perform refuse('NOT_FOUND', format('%s does not exist', name), null, 'nothing was changed');
  end if;
end $$;

-- Puts `bytes` in the place of those from `start` up to `stop`, and `lines` at the end, within
-- the caller's transaction. `rewrite` is the verb.
create function splice(
  key text, name text, bytes bytea, start bigint default 0, stop bigint default null, lines bytea default null,
  at_generation bigint default null, at_end bigint default null, same bigint default 0, keep boolean default false,
  in_place boolean default false, token bigint default null, id uuid default null,
  out generation bigint, out end_after bigint, out kept text, out again boolean)
language plpgsql security definer set search_path from current as $$
<<here>>
declare
  length constant int := octet_length(bytes);
  locked record;
  f file;
  k file;
  number int;
  old_body bigint;
begin
  if length is null or start is null or start < 0 or stop < start or octet_length(lines) = 0 then
    perform refuse('INVALID_ARGUMENT', 'a rewrite needs bytes, a start that is not after stop, and lines if any');
  end if;
  -- It locks the row, and examines token, expectations and id.
  select a.* into locked from apply(key, '{expect}', array[name], array[null::bytea], array[at_generation], array[at_end],
    token, id) a;
  again := locked.again;
  select q.* into f from session s join file q on q.session = s.id
    where s.hash = hash_of(splice.key) and q.name = splice.name;
  if again then
    generation := locked.generations[1];
    end_after := locked.ends[1];
    select o.name into kept from rewritten r join file o on o.id = r.kept
      where r.file = f.id and r.next = splice.generation;
    return;
  end if;
  if not f.present then
    perform refuse('NOT_FOUND', format('%s does not exist', name), null, 'nothing was changed');
  end if;
  stop := least(coalesce(stop, f.size), f.size);
  if start > stop then
    perform refuse('CONFLICT', format('%s is shorter', name),
      jsonb_build_object('name', name, 'generation', f.generation, 'end', f.size)::text,
      'nothing was changed; read it again, and decide again');
  end if;

  if in_place then
    -- The generation stays: no position is within these bytes.
    update chunk c set bytes = overlay(c.bytes placing splice.bytes from (splice.start - c.start)::int + 1)
      where c.body = f.body and c.start <= splice.start and stop <= c.start + octet_length(c.bytes)
        and stop - splice.start = length;
    if not found then
      perform refuse('INVALID_ARGUMENT', 'bytes in place of others must be as many, and of one piece');
    end if;
    generation := f.generation;
  else
    generation := fresh(f.generation);
    if keep then
      select coalesce(greatest((select max(r.number) from rewritten r where r.file = f.id),
        (select max(number_of(q.name, f.name)) from file q where q.session = f.session and q.present)), 0) into number;
      loop
        number := number + 1;
        kept := rotated_name(f.name, number);
        insert into file (session, name, token, body, channel)
          values (f.session, kept, f.token, nextval('body'), channel(splice.key, kept)) on conflict do nothing;
        select q.* into k from file q where q.session = f.session and q.name = splice.kept for update;
        exit when not k.present;
      end loop;
      update file q set present = true, generation = f.generation, size = f.size, body = f.body, unfinished = f.unfinished
        where q.id = k.id;
    end if;
    insert into rewritten (file, generation, next, size, same, kept, number)
      values (f.id, f.generation, splice.generation, f.size,
        case when splice.same > f.size then f.size else splice.same end, k.id, here.number);
    -- A follower that is further behind begins again.
    delete from rewritten r where r.file = f.id and r.kept is null and r.generation <
      (select o.generation from rewritten o where o.file = f.id and o.kept is null order by o.generation desc offset 64 limit 1);
    old_body := f.body;
    f.body := nextval('body');
    perform copy_chunks(old_body, 0, start, f.body, 0);
    if length > 0 then
      perform put_chunks(f.body, start, bytes);
    end if;
    perform copy_chunks(old_body, stop, f.size, f.body, start + length);
    if not keep then
      delete from chunk c where c.body = old_body;
    end if;
    f.size := f.size - (stop - start) + length;
    f.unfinished := coalesce((select get_byte(c.bytes, octet_length(c.bytes) - 1) <> 10
      from chunk c where c.body = f.body order by c.start desc limit 1), false);
  end if;
  if lines is not null then
    if f.unfinished then
      lines := E'\n'::bytea || lines;
    end if;
    perform put_chunks(f.body, f.size, lines);
    f.size := f.size + octet_length(lines);
    f.unfinished := get_byte(lines, octet_length(lines) - 1) <> 10;
  end if;
  end_after := f.size;
  update file q set generation = splice.generation, size = f.size, body = f.body, unfinished = f.unfinished
    where q.id = f.id;
  if id is not null then
    update answer a set generations = array[splice.generation], ends = array[splice.end_after] where a.id = splice.id;
  end if;
  if current_setting('synchronous_commit') = 'off' then
    perform pg_notify(f.channel, generation || ':' || end_after);
  end if;
end $$;

-- What became of this generation; no row if that is not known. `kept` is the rotated file that has its bytes still.
create function next_generation(key text, name text, generation bigint)
returns table (next bigint, size bigint, same bigint, kept text)
language sql stable security definer set search_path from current as
$$ select r.next, r.size, r.same, k.name
   from session s
   join file f on f.session = s.id
   join rewritten r on r.file = f.id
   left join file k on k.id = r.kept and k.present and k.generation = r.generation and k.size = r.size
   where s.hash = hash_of(next_generation.key) and f.name = next_generation.name and r.generation = next_generation.generation $$;

-- The rotated files as they were rotated, oldest first. `age` is in seconds.
create function rotated(key text, name text)
returns table (kept text, generation bigint, size bigint, age double precision)
language sql stable security definer set search_path from current as
$$ select k.name, k.generation, k.size, extract(epoch from clock_timestamp() - r.at)::double precision
   from session s
   join file f on f.session = s.id
   join rewritten r on r.file = f.id
   join file k on k.id = r.kept and k.present and k.generation = r.generation and k.size = r.size
   where s.hash = hash_of(rotated.key) and f.name = rotated.name
   order by r.generation $$;

create or replace function selftest() returns table (name text, ok boolean, found text, why text)
language sql stable set search_path from current as
$$ select t.name, current_setting(t.name, true) = any (t.good), current_setting(t.name, true), t.why from (values
     ('fsync', '{on}'::text[], 'else a power cut loses and damages what was acknowledged'),
     ('full_page_writes', '{on}', 'else a power cut can tear pages'),
     ('synchronous_commit', '{on,remote_apply,local,remote_write,off}', 'commit waits for the medium even where this is off'),
     ('transaction_isolation', '{read committed}', 'other levels are safe, but calls fail with 40001 and must be tried again'),
     ('transaction_read_only', '{off}', 'a standby, or a server that refuses writes'),
     ('session_replication_role', '{origin,local}', 'else foreign keys are not kept')) t (name, good, why)
   union all select 'protocol', protocol() = 7, protocol()::text, 'the last migration' $$;

create or replace procedure allow(who name)
language plpgsql set search_path from current as $$
declare
  f regprocedure;
begin
  execute format('grant usage on schema %I to %I', current_schema(), who);
  for f in select p.oid from pg_proc p where p.pronamespace = quote_ident(current_schema())::regnamespace
    and p.proname in (
      'protocol', 'selftest', 'sessions', 'stat', 'read', 'channel', 'records', 'text_of',
      'apply', 'append_quickly', 'annul', 'flush', 'prune', 'commit', 'append', 'put',
      'must_exist', 'splice', 'rewrite', 'rotated', 'next_generation',
      'claim', 'renew', 'release', 'transfer', 'holder', 'reconcile', 'discard', 'remove')
  loop
    execute format('grant execute on routine %s to %I', f, who);
  end loop;
  execute format('grant select on %1$I.lines, %1$I.files to %2$I', current_schema(), who);
end $$;

do $do$
declare
  old constant regprocedure := 'append(text, text, bytea, bigint, bigint, bigint, uuid, boolean, boolean, bigint, bigint, boolean)';
  allowed constant name[] := array(select distinct pg_get_userbyid(g.grantee) from pg_proc p, aclexplode(p.proacl) g
    where p.oid = old and g.grantee <> p.proowner and g.grantee <> 0);
  who name;
  f regprocedure;
begin
  execute format('
    create procedure rewrite(
      key text, name text, bytes bytea, start bigint default 0, stop bigint default null, lines bytea default null,
      at_generation bigint default null, at_end bigint default null, same bigint default 0, keep boolean default false,
      in_place boolean default false, token bigint default null, id uuid default null, durable boolean default true,
      inout generation bigint default null, inout end_after bigint default null, inout kept text default null,
      inout again boolean default null)
    language plpgsql as %L', format($body$
    begin
      perform set_config('synchronous_commit', 'off', true);
      select a.generation, a.end_after, a.kept, a.again into generation, end_after, kept, again
        from %1$I.splice(key, name, bytes, start, stop, lines, at_generation, at_end, same, keep, in_place, token, id) a;
      commit;
      if durable then
        perform %1$I.flush();
      end if;
    end $body$, current_schema()));

  -- The same as before, but for `must_exist`.
  execute format('drop procedure %s', old);
  execute format('
    create procedure append(
      key text, name text, bytes bytea, at_generation bigint default null, at_end bigint default null,
      token bigint default null, id uuid default null, durable boolean default true, line boolean default false,
      must_exist boolean default false,
      inout generation bigint default null, inout end_after bigint default null, inout again boolean default null)
    language plpgsql as %L', format($body$
    begin
      perform set_config('synchronous_commit', 'off', true);
      select a.generation, a.end_after, a.again into generation, end_after, again
        from %1$I.append_quickly(key, name, bytes, at_generation, at_end, token, id, line) a;
      if again is null then
        if must_exist then
          perform %1$I.must_exist(key, name, id);
        end if;
        select a.generations[1], a.ends[1], a.again into generation, end_after, again
          from %1$I.apply(key, array[case when line then 'line' else 'append' end], array[name], array[bytes], array[at_generation], array[at_end], token, id) a;
      end if;
      commit;
      if durable then
        perform %1$I.flush();
      end if;
    end $body$, current_schema()));

  for f in select p.oid from pg_proc p where p.pronamespace = quote_ident(current_schema())::regnamespace
    and p.proname in ('stem', 'rotated_name', 'number_of', 'copy_chunks', 'must_exist', 'splice', 'rewrite', 'rotated', 'next_generation', 'append')
  loop
    execute format('revoke all on routine %s from public', f);
  end loop;
  -- The roles that had the verbs have the new ones too.
  foreach who in array allowed loop
    call allow(who);
  end loop;
end $do$;

insert into migration (version) values (7);
commit;
