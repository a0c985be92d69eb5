-- untorn's protocol on PostgreSQL: appends at the cost of their two rows. docs/protocol-postgres.md explains it.
--
--     psql -v ON_ERROR_STOP=1 -v schema=untorn -f 0008_append_now.sql
begin;

select set_config('search_path', quote_ident(:'schema') || ', pg_temp', true);

-- Not `immutable`, as `convert_to` is not: else no statement takes it in, and each call plans it again.
create or replace function hash_of(key text) returns bytea
language sql stable strict parallel safe as
$$ select sha256(convert_to(key, 'UTF8')) $$;

-- A follower wants notifications until then. Without one, an append can be one synchronous commit.
alter table file add column watched timestamptz;

-- pglz takes longer for 20 KiB than all the rest of an append.
do $do$
begin
  alter table chunk alter bytes set compression lz4;
exception when feature_not_supported then
  null;
end $do$;

-- Asks for notifications of a file for a while. False: the file is missing, and its first
-- append notifies anyway. It returns after all appends that did not see it.
create function watch(key text, name text, period interval default '1 min') returns boolean
language plpgsql security definer set search_path from current as $$
begin
  if current_setting('transaction_read_only') = 'on' then
    return false;
  end if;
  -- A crash ends the follower's connection too.
  perform set_config('synchronous_commit', 'off', true);
  update file f set watched = greatest(f.watched, clock_timestamp() + period)
    from session s where s.hash = hash_of(watch.key) and f.session = s.id and f.name = watch.name and f.present;
  return found;
end $$;

-- An append to a file that exists, by its number, in one commit that waits for the medium with
-- the row locked: for a writer that is alone. Returns null if it is not that simple, or
-- must be refused: then `append` does it or says why. So it does for a retry: here an id
-- that exists is a unique violation, and nothing is changed.
create function append_now(
  file bigint, bytes bytea, at_generation bigint, at_end bigint, token bigint, id uuid, durable boolean, line boolean)
returns bigint[]
language plpgsql security definer set search_path from current as $$
declare
  length constant int := octet_length(bytes);
  row_session bigint;
  row_body bigint;
  row_generation bigint;
  row_size bigint;
  watched_channel text;
begin
  if length not between 1 and 262144 then
    return null;
  end if;
  if id is not null and random() < 0.0005 then
    perform prune();
  end if;
  if not durable then
    perform set_config('synchronous_commit', 'off', true);
  elsif current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;
  update file f set size = f.size + length, unfinished = get_byte(append_now.bytes, length - 1) <> 10
    where f.id = append_now.file and f.present and not (f.unfinished and line)
      and (append_now.at_generation is null or f.generation = append_now.at_generation)
      and (at_end is null or f.size = at_end)
      and (append_now.token is null or f.token = append_now.token)
      -- NOTIFY never happens within a commit that waits for the medium.
      and (not durable or f.watched is null or f.watched < now())
    returning f.session, f.body, f.generation, f.size, case when f.watched >= now() then f.channel end
    into row_session, row_body, row_generation, row_size, watched_channel;
  if not found then
    return null;
  end if;
  insert into chunk values (row_body, row_size - length, append_now.bytes);
  if id is not null then
    insert into answer (id, session, generations, ends)
      values (append_now.id, row_session, array[row_generation], array[row_size]);
  end if;
  if watched_channel is not null then
    perform pg_notify(watched_channel, row_generation || ':' || row_size);
  end if;
  return array[row_generation, row_size];
end $$;

-- The same as before, and the file's number.
drop function append_quickly;
create function append_quickly(
  key text, name text, bytes bytea, at_generation bigint, at_end bigint, token bigint, id uuid,
  line boolean,
  out generation bigint, out end_after bigint, out again boolean, out number bigint)
language plpgsql security definer set search_path from current as $$
declare
  file_body bigint;
  file_session bigint;
  is_new boolean;
begin
  if octet_length(bytes) not between 1 and 262144 or (id is not null and get_byte(uuid_send(id), 15) = 7) then
    return;
  end if;
  with f as (
    update file f set size = f.size + octet_length(append_quickly.bytes),
        unfinished = get_byte(append_quickly.bytes, octet_length(append_quickly.bytes) - 1) <> 10
      from session s
      where s.hash = hash_of(append_quickly.key) and f.session = s.id and f.name = append_quickly.name and f.present
        and f.generation = coalesce(append_quickly.at_generation, f.generation)
        and f.size = coalesce(append_quickly.at_end, f.size)
        and f.token = coalesce(append_quickly.token, f.token)
        and not (f.unfinished and append_quickly.line)
      returning f.id, f.session, f.body, f.generation, f.size, f.channel, f.watched > now() as watched
  ), c as (
    insert into chunk select f.body, f.size - octet_length(append_quickly.bytes), append_quickly.bytes from f
  ), a as (
    insert into answer (id, session, generations, ends)
      select append_quickly.id, f.session, array[f.generation], array[f.size] from f where append_quickly.id is not null
      on conflict do nothing returning true
  )
  select f.id, f.session, f.body, f.generation, f.size, append_quickly.id is null or exists (select from a)
    into number, file_session, file_body, generation, end_after, is_new
    from f, lateral (select case when f.watched and current_setting('synchronous_commit') = 'off'
      then pg_notify(f.channel, f.generation || ':' || f.size) end) n;
  if not found then
    return;
  end if;
  again := not is_new;
  if again then
    -- The first try has committed, perhaps while this one waited for the row.
    end_after := end_after - octet_length(bytes);
    update file f set size = append_quickly.end_after,
        unfinished = coalesce((select get_byte(c.bytes, octet_length(c.bytes) - 1) <> 10 from chunk c
          where c.body = file_body and c.start < append_quickly.end_after order by c.start desc limit 1), false)
      where f.session = file_session and f.name = append_quickly.name;
    delete from chunk c where c.body = file_body and c.start = append_quickly.end_after;
    select a.generations[1], a.ends[1] into generation, end_after
      from answer a where a.id = append_quickly.id and a.session = file_session;
    if not found then
      perform refuse('INVALID_ARGUMENT', 'the id belongs to a commit of another session',
        null, 'each commit needs an id of its own');
    end if;
    perform not_annulled(array[end_after]);
  end if;
end $$;

create or replace function selftest() returns table (name text, ok boolean, found text, why text)
language sql stable set search_path from current as
$$ select t.name, current_setting(t.name, true) = any (t.good), current_setting(t.name, true), t.why from (values
     ('fsync', '{on}'::text[], 'else a power cut loses and damages what was acknowledged'),
     ('full_page_writes', '{on}', 'else a power cut can tear pages'),
     ('synchronous_commit', '{on,remote_apply,local,remote_write,off}', 'commit waits for the medium even where this is off'),
     ('transaction_isolation', '{read committed}', 'other levels are safe, but calls fail with 40001 and must be tried again'),
     ('transaction_read_only', '{off}', 'a standby, or a server that refuses writes'),
     ('session_replication_role', '{origin,local}', 'else foreign keys are not kept')) t (name, good, why)
   union all select 'protocol', protocol() = 8, protocol()::text, 'the last migration' $$;

create or replace procedure allow(who name)
language plpgsql set search_path from current as $$
declare
  f regprocedure;
begin
  execute format('grant usage on schema %I to %I', current_schema(), who);
  for f in select p.oid from pg_proc p where p.pronamespace = quote_ident(current_schema())::regnamespace
    and p.proname in (
      'protocol', 'selftest', 'sessions', 'stat', 'read', 'channel', 'watch', 'records', 'text_of',
      'apply', 'append_now', 'append_quickly', 'annul', 'flush', 'prune', 'commit', 'append', 'put',
      'must_exist', 'splice', 'rewrite', 'rotated', 'next_generation',
      'claim', 'renew', 'release', 'transfer', 'holder', 'reconcile', 'discard', 'remove')
  loop
    execute format('grant execute on routine %s to %I', f, who);
  end loop;
  execute format('grant select on %1$I.lines, %1$I.files to %2$I', current_schema(), who);
end $$;

do $do$
declare
  old constant regprocedure :=
    'append(text, text, bytea, bigint, bigint, bigint, uuid, boolean, boolean, boolean, bigint, bigint, boolean)';
  allowed constant name[] := array(select distinct pg_get_userbyid(g.grantee) from pg_proc p, aclexplode(p.proacl) g
    where p.oid = old and g.grantee <> p.proowner and g.grantee <> 0);
  who name;
  f regprocedure;
begin
  -- The same as before, but for the file's number.
  execute format('drop procedure %s', old);
  execute format('
    create procedure append(
      key text, name text, bytes bytea, at_generation bigint default null, at_end bigint default null,
      token bigint default null, id uuid default null, durable boolean default true, line boolean default false,
      must_exist boolean default false,
      inout generation bigint default null, inout end_after bigint default null, inout again boolean default null,
      inout file bigint default null)
    language plpgsql as %L', format($body$
    declare
      answer bigint[];
    begin
      perform set_config('synchronous_commit', 'off', true);
      if file is not null then
        answer := %1$I.append_now(file, bytes, at_generation, at_end, token, id, false, line);
        generation := answer[1];
        end_after := answer[2];
        again := case when answer is not null then false end;
      end if;
      if again is null then
        select a.generation, a.end_after, a.again, a.number into generation, end_after, again, file
          from %1$I.append_quickly(key, name, bytes, at_generation, at_end, token, id, line) a;
      end if;
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
    and p.proname in ('watch', 'append_now', 'append_quickly', 'append')
  loop
    execute format('revoke all on routine %s from public', f);
  end loop;
  -- The roles that had the verbs have the new ones too.
  foreach who in array allowed loop
    call allow(who);
  end loop;
end $do$;

insert into migration (version) values (8);
commit;
