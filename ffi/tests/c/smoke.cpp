// The header in C++, included twice, and every kind of call once.

#include <untorn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include <untorn.h>

static void check(untorn_code code, untorn_error *const *error) {
  if (code != UNTORN_OK) {
    std::string message = untorn_error_message(*error);
    untorn_error_free(*error);
    throw std::runtime_error(message);
  }
}

static void run(const std::string &directory) {
  untorn_error *error = nullptr;
  const std::string path = directory + "/session.jsonl";
  const std::string record = "{\"role\":\"user\"}";
  const auto *data = reinterpret_cast<const uint8_t *>(record.data());

  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  options.durability = UNTORN_DURABILITY_PROCESS;
  untorn_journal *journal = nullptr;
  check(untorn_journal_open(path.c_str(), &options, &journal, &error), &error);
  untorn_position position;
  check(untorn_journal_append(journal, data, record.size(), nullptr, &position, &error), &error);
  if (position.offset != record.size() + 1)
    throw std::runtime_error("the position is wrong");

  untorn_records *records = nullptr;
  check(untorn_journal_records(journal, nullptr, &records, &error), &error);
  const uint8_t *read = nullptr;
  size_t len = 0;
  check(untorn_records_next(records, &read, &len, nullptr, nullptr, &error), &error);
  if (std::string(reinterpret_cast<const char *>(read), len) != record)
    throw std::runtime_error("the record is wrong");
  untorn_records_free(records);
  untorn_journal_close(journal);

  try {
    check(untorn_journal_open("", nullptr, &journal, &error), &error);
  } catch (const std::runtime_error &refused) {
    if (std::strstr(refused.what(), "path is empty") != nullptr)
      return;
  }
  throw std::runtime_error("an empty path was taken");
}

int main() {
  const char *parent = std::getenv("TMPDIR");
  std::string directory = std::string(parent != nullptr ? parent : "/tmp") + "/untorn-test-XXXXXX";
  if (mkdtemp(&directory[0]) == nullptr)
    return EXIT_FAILURE;
  int status = EXIT_SUCCESS;
  try {
    run(directory);
  } catch (const std::exception &failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    status = EXIT_FAILURE;
  }
  const std::string remove = "rm -rf -- " + directory;
  return std::system(remove.c_str()) == 0 ? status : EXIT_FAILURE;
}
