-- untorn's protocol on PostgreSQL: leases. docs/protocol-postgres.md explains it.
--
--     psql -v ON_ERROR_STOP=1 -v schema=untorn -f 0005_leases.sql
begin;

select set_config('search_path', quote_ident(:'schema') || ', pg_temp', true);

-- Locks the session's row and then its files, and gives all of them a new token.
-- Writes under the old one have ended by then, and later ones are refused.
create function new_token(s session) returns bigint
language plpgsql as $$
declare
  number constant bigint := fresh(s.token);
begin
  perform 1 from file f where f.session = s.id order by f.name for update;
  update file f set token = number where f.session = s.id;
  update session q set token = number where q.id = s.id;
  return number;
end $$;

-- A lease that a crash takes back would leave two owners with one token.
create function wait_for_medium() returns void
language plpgsql as $$
begin
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;
end $$;

create function locked(s session) returns void
language plpgsql as $$
begin
  perform refuse('LOCKED',
    case when s.reconciler is not null then format('the last owner is dead, and %s reconciles the session', s.reconciler)
      when s.successor is not null then format('the session is kept for %s', s.owner)
      else format('owned by %s', s.owner) end,
    jsonb_build_object('owner', coalesce(s.reconciler, s.owner), 'seconds', extract(epoch from s.until - clock_timestamp()))::text,
    'the owner releases it, or its time to live ends');
end $$;

create function claim(
  key text, owner text, ttl interval default '15 s', connected boolean default false, successor text default null, id uuid default null,
  out token bigint, out previous text)
language plpgsql security definer set search_path from current as $$
<<here>>
declare
  s session;
  backend int;
begin
  if key is null or owner is null or ttl is null or ttl <= '0 s' then
    perform refuse('INVALID_ARGUMENT', 'a claim needs a key, an owner and a time to live above zero');
  end if;
  perform wait_for_medium();
  loop
    select q.* into s from session q where q.hash = hash_of(claim.key) for update;
    exit when found;
    insert into session (hash, key) values (hash_of(claim.key), claim.key) on conflict do nothing;
  end loop;
  if s.attempt = claim.id and s.owner is not null and s.successor is null and s.reconciler is null then
    -- A retry: the first try has committed.
    token := s.token;
    previous := s.previous;
    if connected and pg_try_advisory_lock(lock_class(), lock_number(token)) then
      backend := pg_backend_pid();
    end if;
    update session q set until = clock_timestamp() + ttl, backend = here.backend where q.id = s.id;
    return;
  end if;
  if is_live(s) and (s.successor is null or claim.successor is distinct from s.successor) then
    perform locked(s);
  end if;
  if s.successor is null or claim.successor is distinct from s.successor then
    previous := s.owner;
  end if;
  token := new_token(s);
  -- Of the whole connection, not of this transaction.
  if connected and pg_try_advisory_lock(lock_class(), lock_number(token)) then
    backend := pg_backend_pid();
  end if;
  update session q set owner = claim.owner, until = clock_timestamp() + ttl, backend = here.backend,
    successor = null, reconciler = null, attempt = claim.id, previous = claim.previous where q.id = s.id;
end $$;

-- Late is not lost: it is lost when another claims. Returns when it ends now.
create function renew(key text, token bigint, ttl interval default '15 s') returns timestamptz
language plpgsql security definer set search_path from current as $$
declare
  ends timestamptz;
begin
  update session q set until = clock_timestamp() + ttl
    where q.hash = hash_of(renew.key) and q.token = renew.token and q.owner is not null and q.successor is null
    returning q.until into ends;
  if not found then
    perform lost();
  end if;
  return ends;
end $$;

create function release(key text, token bigint) returns void
language sql set search_path from current as
$$ select apply(key, '{}', '{}', '{}', token => token, release => true) $$;

-- Keeps the session for `successor`, a name that no other process knows or gives.
create function transfer(key text, token bigint, successor text, owner text default null, ttl interval default '1 min')
returns void
language plpgsql security definer set search_path from current as $$
declare
  s session;
begin
  if successor is null then
    perform refuse('INVALID_ARGUMENT', 'a transfer needs an successor');
  end if;
  perform wait_for_medium();
  select q.* into s from session q
    where q.hash = hash_of(transfer.key) and q.token = transfer.token and q.owner is not null and q.successor is null
      and q.reconciler is null
    for update;
  if not found then
    perform lost();
  end if;
  perform unlock(s);
  perform new_token(s);
  update session q set owner = coalesce(transfer.owner, transfer.successor), successor = transfer.successor, backend = null,
    until = clock_timestamp() + ttl where q.id = s.id;
end $$;

create function holder(key text)
returns table (owner text, until timestamptz, successor boolean)
language sql volatile security definer set search_path from current as
$$ select s.owner, s.until, s.successor is not null from session s
   where s.hash = hash_of(holder.key) and s.reconciler is null and is_live(s) $$;

-- `turn`: the last owner is dead, and the caller settles what it left, with
-- `commit(…, token, release => true)` or `discard`.
create function reconcile(
  key text, reconciler text, ttl interval default '15 s', id uuid default null,
  out outcome text, out token bigint, out owner text)
language plpgsql security definer set search_path from current as $$
declare
  s session;
begin
  if reconciler is null or ttl is null or ttl <= '0 s' then
    perform refuse('INVALID_ARGUMENT', 'a reconciler has a name, and a time to live above zero');
  end if;
  -- Most sessions have no owner: they need no lock.
  perform 1 from session q where q.hash = hash_of(reconcile.key) and q.owner is not null;
  if not found then
    outcome := 'none';
    return;
  end if;
  perform wait_for_medium();
  select q.* into s from session q where q.hash = hash_of(reconcile.key) for update;
  owner := s.owner;
  if s.attempt = reconcile.id and s.reconciler is not null and s.owner is not null then
    -- A retry: the first try has committed.
    outcome := 'turn';
    token := s.token;
    update session q set until = clock_timestamp() + ttl where q.id = s.id;
    return;
  end if;
  outcome := case
    when s.owner is null then 'none'
    when not is_live(s) then 'turn'
    when s.reconciler is not null then 'busy'
    else 'alive' end;
  if outcome = 'turn' then
    token := new_token(s);
    update session q set reconciler = reconcile.reconciler, until = clock_timestamp() + ttl, backend = null, successor = null,
      attempt = reconcile.id where q.id = s.id;
  end if;
end $$;

-- Ends a reconciliation without a change: the owner is as dead as before.
create function discard(key text, token bigint) returns void
language plpgsql security definer set search_path from current as $$
declare
  s session;
begin
  select q.* into s from session q
    where q.hash = hash_of(discard.key) and q.token = discard.token and q.reconciler is not null for update;
  if not found then
    perform lost();
  end if;
  perform new_token(s);
  update session q set reconciler = null, until = clock_timestamp() where q.id = s.id;
end $$;

-- Removes a session that no other process owns. Returns whether it existed.
create function remove(key text, token bigint default null) returns boolean
language plpgsql security definer set search_path from current as $$
declare
  s session;
begin
  perform wait_for_medium();
  select q.* into s from session q where q.hash = hash_of(remove.key) for update;
  if not found then
    if token is not null then
      perform lost();
    end if;
    return false;
  end if;
  if token is null and is_live(s) then
    perform locked(s);
  elsif token <> s.token then
    perform lost();
  end if;
  perform 1 from file f where f.session = s.id order by f.name for update;
  delete from chunk c using file f where f.session = s.id and c.body = f.body;
  delete from session q where q.id = s.id;
  return true;
end $$;

insert into migration (version) values (5);
commit;
