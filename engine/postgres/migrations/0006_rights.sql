-- untorn's protocol on PostgreSQL: rights. docs/protocol-postgres.md explains it.
--
--     psql -v ON_ERROR_STOP=1 -v schema=untorn -f 0006_rights.sql
begin;

select set_config('search_path', quote_ident(:'schema') || ', pg_temp', true);

create function selftest() returns table (name text, ok boolean, found text, why text)
language sql stable set search_path from current as
$$ select t.name, current_setting(t.name, true) = any (t.good), current_setting(t.name, true), t.why from (values
     ('fsync', '{on}'::text[], 'else a power cut loses and damages what was acknowledged'),
     ('full_page_writes', '{on}', 'else a power cut can tear pages'),
     ('synchronous_commit', '{on,remote_apply,local,remote_write,off}', 'commit waits for the medium even where this is off'),
     ('transaction_isolation', '{read committed}', 'other levels are safe, but calls fail with 40001 and must be tried again'),
     ('transaction_read_only', '{off}', 'a standby, or a server that refuses writes'),
     ('session_replication_role', '{origin,local}', 'else foreign keys are not kept')) t (name, good, why)
   union all select 'protocol', protocol() = 6, protocol()::text, 'the last migration' $$;

-- Least rights: everything through the verbs. The tables are the owner's.
create procedure allow(who name)
language plpgsql set search_path from current as $$
declare
  f regprocedure;
begin
  execute format('grant usage on schema %I to %I', current_schema(), who);
  for f in select p.oid from pg_proc p where p.pronamespace = quote_ident(current_schema())::regnamespace
    and p.proname in (
      'protocol', 'selftest', 'sessions', 'stat', 'read', 'channel', 'records', 'text_of',
      'apply', 'append_quickly', 'annul', 'flush', 'prune', 'commit', 'append', 'put',
      'claim', 'renew', 'release', 'transfer', 'holder', 'reconcile', 'discard', 'remove')
  loop
    execute format('grant execute on routine %s to %I', f, who);
  end loop;
  execute format('grant select on %1$I.lines, %1$I.files to %2$I', current_schema(), who);
end $$;

do $do$
declare
  f regprocedure;
begin
  for f in select p.oid from pg_proc p where p.pronamespace = quote_ident(current_schema())::regnamespace
  loop
    execute format('revoke all on routine %s from public', f);
  end loop;
end $do$;

insert into migration (version) values (6);
commit;
