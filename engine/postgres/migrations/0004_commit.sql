-- untorn's protocol on PostgreSQL: the verbs that change. docs/protocol-postgres.md explains it.
--
--     psql -v ON_ERROR_STOP=1 -v schema=untorn -f 0004_commit.sql
begin;

select set_config('search_path', quote_ident(:'schema') || ', pg_temp', true);

-- The most common append: one to a journal that exists. Returns nothing if it is not
-- that simple, or must be refused; then `apply` does it or says why.
-- One statement does it all: each more would cost as much as this one.
create function append_quickly(
  key text, name text, bytes bytea, at_generation bigint, at_end bigint, token bigint, id uuid,
  line boolean,
  out generation bigint, out end_after bigint, out again boolean)
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
      returning f.session, f.body, f.generation, f.size, f.channel
  ), c as (
    insert into chunk select f.body, f.size - octet_length(append_quickly.bytes), append_quickly.bytes from f
  ), a as (
    insert into answer (id, session, generations, ends)
      select append_quickly.id, f.session, array[f.generation], array[f.size] from f where append_quickly.id is not null
      on conflict do nothing returning true
  )
  select f.session, f.body, f.generation, f.size, append_quickly.id is null or exists (select from a)
    into file_session, file_body, generation, end_after, is_new
    from f, lateral (select case when current_setting('synchronous_commit') = 'off'
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

-- Makes sure that the commit with this id is never made, if it is not made yet. Returns
-- its answer if it is: then it was made once, and is durable. For a caller whose
-- retries all had no answer. A first try that still runs is waited for.
create function annul(key text, id uuid, out generations bigint[], out ends bigint[])
language plpgsql security definer set search_path from current as $$
begin
  perform flush();
  insert into answer (id, session, generations, ends)
    values (annul.id, coalesce((select s.id from session s where s.hash = hash_of(annul.key)), 0), '{}', '{-1}')
    on conflict do nothing;
  if not found then
    select a.generations, a.ends into annul.generations, annul.ends from answer a
      where a.id = annul.id and a.ends <> '{-1}';
  end if;
end $$;

-- Procedures end transactions, so a statement of their own calls them, outside of
-- any transaction. They can't have a search path: they name the schema. The bodies are
-- literals, as the schema's name may hold any mark of a quotation with dollars.
do $do$
begin
  -- `commit`: the changes without waiting for the medium, so that the rows are
  -- locked for a moment only; then one wait, which serves all who wait then.
  execute format('
    create procedure commit(
      key text, verbs text[], names text[], bytes bytea[],
      at_generations bigint[] default null, at_ends bigint[] default null,
      token bigint default null, id uuid default null, release boolean default false, durable boolean default true,
      inout generations bigint[] default null, inout ends bigint[] default null, inout again boolean default null)
    language plpgsql as %L', format($body$
    declare
      answer record;
    begin
      perform set_config('synchronous_commit', 'off', true);
      select a.* into answer from %1$I.apply(key, verbs, names, bytes, at_generations, at_ends, token, id, release) a;
      generations := answer.generations;
      ends := answer.ends;
      again := answer.again;
      commit;
      if durable then
        perform %1$I.flush();
      end if;
    end $body$, current_schema()));

  execute format('
    create procedure append(
      key text, name text, bytes bytea, at_generation bigint default null, at_end bigint default null,
      token bigint default null, id uuid default null, durable boolean default true, line boolean default false,
      inout generation bigint default null, inout end_after bigint default null, inout again boolean default null)
    language plpgsql as %L', format($body$
    begin
      perform set_config('synchronous_commit', 'off', true);
      select a.generation, a.end_after, a.again into generation, end_after, again
        from %1$I.append_quickly(key, name, bytes, at_generation, at_end, token, id, line) a;
      if again is null then
        select a.generations[1], a.ends[1], a.again into generation, end_after, again
          from %1$I.apply(key, array[case when line then 'line' else 'append' end], array[name], array[bytes], array[at_generation], array[at_end], token, id) a;
      end if;
      commit;
      if durable then
        perform %1$I.flush();
      end if;
    end $body$, current_schema()));

  execute format('
    create procedure put(
      key text, name text, bytes bytea, at_generation bigint default null,
      token bigint default null, id uuid default null, durable boolean default true,
      inout generation bigint default null, inout again boolean default null)
    language plpgsql as %L', format($body$
    declare
      g bigint[]; e bigint[];
    begin
      call %1$I.commit(key, array['put'], array[name], array[bytes], array[at_generation], null,
        token, id, false, durable, g, e, again);
      generation := g[1];
    end $body$, current_schema()));
end $do$;

insert into migration (version) values (4);
commit;
