-- untorn's protocol on PostgreSQL: the verbs that change. docs/protocol-postgres.md explains it.
--
--     psql -v ON_ERROR_STOP=1 -v schema=untorn -f 0004_commit.sql
begin;

select set_config('search_path', quote_ident(:'schema') || ', pg_temp', true);

-- The append that nearly all are: one to a journal that exists. Returns nothing if
-- it is not that simple, or must be refused; then `apply` does it or says why.
create function append_quickly(
  key text, name text, bytes bytea, at_generation bigint, at_end bigint, token bigint, id uuid,
  out generation bigint, out end_after bigint, out again boolean)
language plpgsql security definer set search_path from current as $$
declare
  added constant int := octet_length(bytes);
  row file;
begin
  if added = 0 or added > 262144 or (id is not null and get_byte(uuid_send(id), 15) = 7) then
    return;
  end if;
  update file f set size = f.size + added
    from session s
    where s.hash = hash_of(append_quickly.key) and f.session = s.id and f.name = append_quickly.name and f.present
      and (at_generation is null or f.generation = at_generation) and (at_end is null or f.size = at_end)
      and (append_quickly.token is null or f.token = append_quickly.token)
    returning f.* into row;
  if not found then
    return;
  end if;
  generation := row.generation;
  end_after := row.size;
  again := false;
  if id is not null then
    -- After the row is locked: the first try may have committed while we waited.
    select a.generations[1], a.ends[1], true into generation, end_after, again
      from answer a where a.id = append_quickly.id and a.session = row.session;
    if found then
      update file f set size = f.size - added where f.id = row.id;
      return;
    end if;
    generation := row.generation;
    end_after := row.size;
    again := false;
    insert into answer (id, session, generations, ends)
      values (append_quickly.id, row.session, array[row.generation], array[row.size]);
  end if;
  insert into chunk values (row.body, row.size - added, bytes);
  if current_setting('synchronous_commit') = 'off' then
    perform pg_notify(row.channel, row.generation || ':' || row.size);
  end if;
end $$;

-- Procedures end transactions, so a statement of their own calls them, outside of
-- any transaction. They can't have a search path: they name the schema.
do $do$
begin
  -- `commit`: the changes without waiting for the medium, so that the rows are
  -- locked for a moment only; then one wait, which serves all who wait then.
  execute format($body$
    create procedure commit(
      key text, verbs text[], names text[], bytes bytea[],
      at_generations bigint[] default null, at_ends bigint[] default null,
      token bigint default null, id uuid default null, release boolean default false, durable boolean default true,
      inout generations bigint[] default null, inout ends bigint[] default null, inout again boolean default null)
    language plpgsql as $$
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
    end $$
  $body$, current_schema());

  execute format($body$
    create procedure append(
      key text, name text, bytes bytea, at_generation bigint default null, at_end bigint default null,
      token bigint default null, id uuid default null, durable boolean default true,
      inout generation bigint default null, inout end_after bigint default null, inout again boolean default null)
    language plpgsql as $$
    begin
      perform set_config('synchronous_commit', 'off', true);
      select a.generation, a.end_after, a.again into generation, end_after, again
        from %1$I.append_quickly(key, name, bytes, at_generation, at_end, token, id) a;
      if again is null then
        select a.generations[1], a.ends[1], a.again into generation, end_after, again
          from %1$I.apply(key, array['append'], array[name], array[bytes], array[at_generation], array[at_end], token, id) a;
      end if;
      commit;
      if durable then
        perform %1$I.flush();
      end if;
    end $$
  $body$, current_schema());

  execute format($body$
    create procedure put(
      key text, name text, bytes bytea, at_generation bigint default null,
      token bigint default null, id uuid default null, durable boolean default true,
      inout generation bigint default null, inout again boolean default null)
    language plpgsql as $$
    declare
      g bigint[]; e bigint[];
    begin
      call %1$I.commit(key, array['put'], array[name], array[bytes], array[at_generation], null,
        token, id, false, durable, g, e, again);
      generation := g[1];
    end $$
  $body$, current_schema());
end $do$;

insert into migration (version) values (4);
commit;
