# Ruby, with fiddle of its standard library. Usage: ruby untorn.rb LIBRARY DIRECTORY
require "fiddle"
require "fiddle/import"

module Untorn
  extend Fiddle::Importer
  dlload ARGV[0]
  # Fiddle's parser knows neither enums nor const pointers to pointers: the functions in
  # short. Such a call lets Ruby's other threads run.
  typealias "code", "int"
  extern "code untorn_journal_open(char *, void *, void *, void *)"
  extern "code untorn_journal_append(void *, void *, size_t, void *, void *, void *)"
  extern "code untorn_journal_follow(void *, void *, void *, void *)"
  extern "code untorn_follow_next(void *, void *, void *, void *, void *, void *, void *, void *)"
  extern "void untorn_follow_free(void *)"
  extern "void untorn_journal_close(void *)"
  extern "code untorn_document_open(char *, void *, void *, void *)"
  extern "code untorn_document_begin_update(void *, void *, void *, void *)"
  extern "void untorn_update_value(void *, void *, void *)"
  extern "code untorn_update_save(void *, void *, size_t, void *, void *)"
  extern "void untorn_update_finish(void *)"
  extern "void untorn_document_close(void *)"
  extern "void untorn_lock_options_init(void *, size_t)"
  extern "code untorn_lock_acquire(char *, void *, void *, void *)"
  extern "char *untorn_code_name(int)"
  extern "char *untorn_error_message(void *)"
  extern "void *untorn_error_holder(void *)"
  extern "unsigned int untorn_holder_pid(void *)"
  extern "void untorn_error_free(void *)"
  LockOptions = struct ["size_t size", "long long timeout_ms", "int shared", "int reserved", "char *label",
                        "void *cancel", "int scheme", "int on_unsupported", "long long stale_ms"]
  Position = struct ["unsigned long long generation", "unsigned long long offset"]

  class Failed < StandardError
    attr_reader :name, :pid

    def initialize(code, error)
      @name = Untorn.untorn_code_name(code).to_s
      @pid = Untorn.untorn_holder_pid(Untorn.untorn_error_holder(error))
      super(Untorn.untorn_error_message(error).to_s.force_encoding("UTF-8"))
      Untorn.untorn_error_free(error)
    end
  end

  # A place for a pointer that a call writes.
  def self.place = Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)

  def self.call(name, *arguments)
    error = place
    code = public_send("untorn_#{name}", *arguments, error)
    raise Failed.new(code, error.ptr) unless code.zero?
  end
end

dir = ARGV[1]
place, position = Untorn.place, Untorn::Position.malloc(Fiddle::RUBY_FREE)
Untorn.call("journal_open", "#{dir}/j.jsonl", nil, place)
journal = place.ptr
Untorn.call("journal_append", journal, "[1]", 3, nil, position)
puts "appended #{position.offset}"

Untorn.call("document_open", "#{dir}/n.json", nil, place)
document = place.ptr
Untorn.call("document_begin_update", document, nil, place)
update = place.ptr
data, len = Untorn.place, Untorn.place
begin
  Untorn.untorn_update_value(update, data, len)
  n = (data.ptr.null? ? 0 : data.ptr[0, len[0, 8].unpack1("J")].to_i) + 1
  Untorn.call("update_save", update, n.to_s, n.to_s.bytesize, nil)
ensure
  Untorn.untorn_update_finish(update) # in any case: it has the lock
  Untorn.untorn_document_close(document)
end
puts "updated #{n}"

# Ruby's handler of Ctrl-C runs only after the call has returned: give a timeout, or set
# `interrupt` in untorn_call_options to a Fiddle::Closure, in which Ruby runs its handlers. Or
# wait in a thread and trigger an untorn_cancel. A finalizer (ObjectSpace.define_finalizer)
# comes too late for a lock; `ensure` does not. An event callback would come on a thread that
# Ruby does not know.
options = Untorn::LockOptions.malloc(Fiddle::RUBY_FREE)
Untorn.untorn_lock_options_init(options, Untorn::LockOptions.size)
options.timeout_ms = 100
begin
  Untorn.call("lock_acquire", "#{dir}/busy", options, place)
rescue Untorn::Failed => late
  puts "timeout #{late.name} #{late.pid}"
end

Untorn.call("journal_follow", journal, position, place)
follow, kind = place.ptr, Untorn.place
Untorn.call("journal_append", journal, "[2]", 3, nil, nil)
Untorn.call("follow_next", follow, nil, kind, data, len, nil, nil)
puts "followed #{data.ptr[0, len[0, 8].unpack1("J")]}"
Untorn.untorn_follow_free(follow)
Untorn.untorn_journal_close(journal)

begin
  Untorn.call("journal_open", "#{dir}/no/such", nil, place)
rescue Untorn::Failed => none
  puts "error #{none.name} #{none.message}"
end
