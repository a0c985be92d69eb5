/* Generated from spec/options.toml by `cargo xtask generate`. Do not edit. */

#include "driver.h"

untorn_journal_options journal_options(void) {
  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  options.durability = UNTORN_DURABILITY_PROCESS;
  options.timeout_ms = (int64_t)number("timeout", (uint64_t)options.timeout_ms);
  options.max_record = (uint64_t)number("max_record", (uint64_t)options.max_record);
  options.mode = (uint32_t)number("mode", (uint64_t)options.mode);
  options.durability = (int32_t)number("durability", (uint64_t)options.durability);
  options.format = (int32_t)number("format", (uint64_t)options.format);
  options.create = (int32_t)number("create", (uint64_t)options.create);
  options.parents = (int32_t)number("parents", (uint64_t)options.parents);
  options.cut_foreign_tail = (int32_t)number("cut_foreign_tail", (uint64_t)options.cut_foreign_tail);
  options.scheme = (int32_t)number("scheme", (uint64_t)options.scheme);
  options.on_unsupported = (int32_t)number("on_unsupported", (uint64_t)options.on_unsupported);
  options.stale_ms = (int64_t)number("stale", (uint64_t)options.stale_ms);
  options.max_bytes = (uint64_t)number("max_bytes", (uint64_t)options.max_bytes);
  options.keep = (uint64_t)number("keep_files", (uint64_t)options.keep);
  if (optional("header_prefix") != NULL)
    options.header_prefix = decoded(required("header_prefix"));
  options.header_reserve = (size_t)number("header_reserve", (uint64_t)options.header_reserve);
  options.header_mode = (int32_t)number("header_mode", (uint64_t)options.header_mode);
  options.sealed = (int32_t)number("sealed", (uint64_t)options.sealed);
  return options;
}

untorn_document_options document_options(void) {
  untorn_document_options options = UNTORN_DOCUMENT_OPTIONS_INIT;
  options.durability = UNTORN_DURABILITY_PROCESS;
  options.timeout_ms = (int64_t)number("timeout", (uint64_t)options.timeout_ms);
  options.mode = (uint32_t)number("mode", (uint64_t)options.mode);
  options.durability = (int32_t)number("durability", (uint64_t)options.durability);
  options.parents = (int32_t)number("parents", (uint64_t)options.parents);
  options.scheme = (int32_t)number("scheme", (uint64_t)options.scheme);
  options.on_unsupported = (int32_t)number("on_unsupported", (uint64_t)options.on_unsupported);
  options.stale_ms = (int64_t)number("stale", (uint64_t)options.stale_ms);
  return options;
}
