-- untorn's protocol on PostgreSQL: changes of a session. docs/protocol-postgres.md explains it.
--
--     psql -v ON_ERROR_STOP=1 -v schema=untorn -f 0003_apply.sql
begin;

select set_config('search_path', quote_ident(:'schema') || ', pg_temp', true);

-- Deletes answers that no retry will ask for. `commit` calls it now and then.
create function prune(older interval default '1 day', most int default 4096) returns bigint
language plpgsql security definer set search_path from current as $$
declare
  n bigint;
begin
  delete from answer a where a.ctid = any (array(
    select o.ctid from answer o where o.at < clock_timestamp() - older limit most for update skip locked));
  get diagnostics n = row_count;
  return n;
end $$;

-- The numbers of the advisory lock that the connection of a claim holds.
create function lock_class() returns int
language sql stable as
$$ select hashtext('untorn ' || current_schema()) $$;

create function lock_number(token bigint) returns int
language sql immutable as
$$ select (token % 2147483647)::int $$;

-- The lock would be ours as well if the connection that claimed asks.
create function is_live(s session) returns boolean
language plpgsql as $$
begin
  return s.owner is not null and clock_timestamp() < s.until and (s.backend is null
    or s.backend = pg_backend_pid() or not pg_try_advisory_xact_lock(lock_class(), lock_number(s.token)));
end $$;

create function unlock(s session) returns void
language plpgsql as $$
begin
  if s.backend = pg_backend_pid() then
    perform pg_advisory_unlock(lock_class(), lock_number(s.token));
  end if;
end $$;

create function lost() returns void
language sql as
$$ select refuse('LEASE_LOST', 'another process has claimed the session, or the lease was released', null,
     'nothing was changed; claim the session again, and read what the next owner wrote') $$;

-- The answer of a commit that was annulled has this end.
create function not_annulled(ends bigint[]) returns void
language plpgsql as $$
begin
  if ends = '{-1}' then
    perform refuse('INVALID_ARGUMENT', 'the commit with this id was annulled', null, 'nothing was changed');
  end if;
end $$;

-- Puts `bytes` after the `start` bytes of a body. A transaction has them all or
-- none, so pieces serve readers only: they need not fetch 64 MiB for one line.
create function put_chunks(body bigint, start bigint, bytes bytea) returns void
language plpgsql as $$
declare
  piece constant int := 262144;
begin
  if octet_length(bytes) <= piece then
    insert into chunk values (body, start, bytes);
    return;
  end if;
  insert into chunk
    select put_chunks.body, put_chunks.start + n, substring(put_chunks.bytes from n + 1 for piece)
    from generate_series(0, octet_length(bytes) - 1, piece) n;
end $$;

-- The changes of one session, all or none, within the caller's transaction.
-- `commit` is the verb; this is for callers who change their own tables with it.
create function apply(
  key text, verbs text[], names text[], bytes bytea[],
  at_generations bigint[] default null, at_ends bigint[] default null,
  token bigint default null, id uuid default null, release boolean default false,
  out generations bigint[], out ends bigint[], out again boolean)
language plpgsql security definer set search_path from current as $$
declare
  n constant int := coalesce(cardinality(verbs), 0);
  notify constant boolean := current_setting('synchronous_commit') = 'off';
  wanted text[] := '{}';
  slow boolean := release;
  s session;
  row file;
  target file;
  held file[];
  found_names text[];
  touched boolean[];
  next_token bigint;
  ended bigint;
  i int; j int; t int;
begin
  generations := '{}';
  ends := '{}';
  again := false;
  if key is null or coalesce(cardinality(names), 0) <> n or coalesce(cardinality(bytes), 0) <> n
      or coalesce(cardinality(at_generations), n) <> n or coalesce(cardinality(at_ends), n) <> n then
    perform refuse('INVALID_ARGUMENT', 'verbs, names, bytes and the expectations are arrays of one length, and a key is given');
  end if;
  if release and token is null then
    perform refuse('INVALID_ARGUMENT', 'a release needs the token of the claim');
  end if;
  for i in 1 .. n loop
    if verbs[i] is null or verbs[i] not in ('append', 'line', 'put', 'create', 'remove', 'rename', 'expect')
        or coalesce(names[i], '') = '' or (bytes[i] is null and verbs[i] not in ('remove', 'expect')) then
      perform refuse('INVALID_ARGUMENT',
        format('change %s needs a verb (append, line, put, create, remove, rename, expect), a name and bytes', i));
    end if;
    if verbs[i] in ('append', 'line') and octet_length(bytes[i]) = 0 then
      perform refuse('INVALID_ARGUMENT', format('change %s appends no bytes', i));
    end if;
    if names[i] <> all (wanted) then
      wanted := wanted || names[i];
    end if;
    if verbs[i] = 'rename' and convert_from(bytes[i], 'UTF8') <> all (wanted) then
      wanted := wanted || convert_from(bytes[i], 'UTF8');
    end if;
  end loop;
  if n = 0 and not release then
    return;
  end if;
  if id is not null and get_byte(uuid_send(id), 15) = 7 and get_byte(uuid_send(id), 14) < 16 then
    perform prune();
  end if;

  -- All rows are locked before anything is examined: the session first if it is
  -- needed, then the files by name. Everyone keeps this order, so no
  -- two deadlock. A session's files disappear only all at once: then no row was
  -- locked, and the loop begins again.
  loop
    held := '{}';
    found_names := '{}';
    if slow then
      if release then
        select q.* into s from session q where q.hash = hash_of(apply.key) for update;
      else
        select q.* into s from session q where q.hash = hash_of(apply.key) for share;
      end if;
      if not found then
        select a.generations, a.ends into generations, ends from answer a where a.id = apply.id;
        again := found;
        if again then
          perform not_annulled(ends);
          return;
        end if;
        generations := '{}';
        ends := '{}';
        if token is not null then
          perform refuse('LEASE_LOST', 'the session was removed');
        end if;
        insert into session (hash, key) values (hash_of(apply.key), apply.key) on conflict do nothing;
        continue;
      end if;
      insert into file (session, name, token, body, channel)
        select s.id, w, s.token, nextval('body'), channel(apply.key, w) from unnest(wanted) w
        on conflict do nothing;
    end if;
    for row in
      select f.* from session q join file f on f.session = q.id
      where q.hash = hash_of(apply.key) and (release or f.name = any (wanted))
        -- Some rows only would be locked before the session.
        and (slow or cardinality(wanted) = 1 or cardinality(wanted) =
          (select count(*) from file o where o.session = q.id and o.name = any (wanted)))
      order by f.name for update of f
    loop
      held := held || row;
      found_names := found_names || row.name;
    end loop;
    exit when wanted <@ found_names and (slow or cardinality(held) > 0);
    slow := true;
  end loop;

  if id is not null then
    select a.generations, a.ends, a.session into generations, ends, ended from answer a where a.id = apply.id;
    if found then
      if ended <> coalesce(s.id, held[1].session) then
        perform refuse('INVALID_ARGUMENT', 'the id belongs to a commit of another session',
          null, 'each commit needs an id of its own');
      end if;
      perform not_annulled(ends);
      again := true;
      return;
    end if;
    generations := '{}';
    ends := '{}';
  end if;

  -- The token in the rows that are locked now.
  if token is not null and (token <> all (coalesce((select array_agg(h.token) from unnest(held) h), array[token]))
      or (release and (s.token <> token or s.owner is null))) then
    perform lost();
  end if;

  for i in 1 .. n loop
    j := array_position(found_names, names[i]);
    row := held[j];
    if verbs[i] <> 'create' and (
        at_generations[i] <> (case when row.present then row.generation else 0 end)
        or at_ends[i] <> row.size) then
      perform refuse('CONFLICT', format('%s has changed', row.name),
        jsonb_build_object('name', row.name, 'generation', case when row.present then row.generation else 0 end,
          'end', row.size)::text,
        'nothing was changed; read it again, and decide again');
    end if;
    case verbs[i]
    when 'expect' then
      generations := generations || case when row.present then row.generation else 0 end;
      ends := ends || row.size;
      continue;
    when 'append', 'line' then
      if not row.present then
        row.present := true;
        row.generation := fresh(row.generation);
      end if;
      if row.unfinished and row.size > 0 and verbs[i] = 'line' then
        -- A line never continues an unfinished one, of a torn tail that was copied here.
        bytes[i] := E'\n'::bytea || bytes[i];
      end if;
      row.unfinished := get_byte(bytes[i], octet_length(bytes[i]) - 1) <> 10;
      perform put_chunks(row.body, row.size, bytes[i]);
      row.size := row.size + octet_length(bytes[i]);
    when 'put', 'create' then
      if verbs[i] = 'create' and row.present then
        perform refuse('ALREADY_EXISTS', format('%s exists', row.name), null, 'nothing was changed');
      end if;
      if row.present then
        delete from chunk c where c.body = row.body;
      end if;
      if octet_length(bytes[i]) > 0 then
        perform put_chunks(row.body, 0, bytes[i]);
      end if;
      row.generation := fresh(row.generation);
      if verbs[i] = 'create' then
        row.generation := coalesce(at_generations[i], row.generation);
      end if;
      row.present := true;
      row.size := octet_length(bytes[i]);
      row.unfinished := row.size > 0 and get_byte(bytes[i], octet_length(bytes[i]) - 1) <> 10;
    when 'remove' then
      if row.present then
        delete from chunk c where c.body = row.body;
        row.present := false;
        row.size := 0;
      end if;
    when 'rename' then
      t := array_position(found_names, convert_from(bytes[i], 'UTF8'));
      target := held[t];
      if not row.present then
        perform refuse('NOT_FOUND', format('%s does not exist', row.name), null, 'nothing was changed');
      end if;
      if target.present then
        perform refuse('ALREADY_EXISTS', format('%s exists', target.name), null, 'nothing was changed');
      end if;
      ended := target.body;
      target.present := true;
      target.generation := row.generation;
      target.size := row.size;
      target.body := row.body;
      target.unfinished := row.unfinished;
      row.present := false;
      row.size := 0;
      row.body := ended;
      held[t] := target;
      touched[t] := true;
    end case;
    held[j] := row;
    touched[j] := true;
    generations := generations || case when row.present then row.generation else 0 end;
    ends := ends || row.size;
  end loop;

  if release then
    next_token := fresh(s.token);
    update session q set owner = null, until = null, backend = null, successor = null, reconciler = null, token = next_token
      where q.id = s.id;
    perform unlock(s);
    if notify then
      perform pg_notify(channel(apply.key, ''), 'released');
    end if;
  end if;
  for j in 1 .. cardinality(held) loop
    row := held[j];
    if touched[j] or release then
      update file f set present = row.present, generation = row.generation, size = row.size, body = row.body,
        unfinished = row.unfinished, token = coalesce(next_token, row.token)
        where f.id = row.id;
    end if;
    if touched[j] and notify then
      perform pg_notify(row.channel, row.generation || ':' || row.size);
    end if;
  end loop;
  if id is not null then
    insert into answer (id, session, generations, ends)
      values (apply.id, coalesce(s.id, held[1].session), apply.generations, apply.ends);
  end if;
end $$;

insert into migration (version) values (3);
commit;
