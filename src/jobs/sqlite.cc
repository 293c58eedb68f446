#include "jobs/sqlite.h"

#include <fmt/format.h>

#include <cctype>
#include <cerrno>
#include <utility>

namespace mien::jobs {

namespace {

Status disk_full(std::string_view subject) {
  return io_error(
      fmt::format("{}: disk is full; completed files are kept (free some space and run the "
                  "same command again to continue)",
                  subject));
}

}  // namespace

Status sqlite_error(std::string_view subject, sqlite3* database, int code) {
  const int kind = code & 0xFF;
  const char* told = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  switch (kind) {
    case SQLITE_FULL: return disk_full(subject);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return corrupt(fmt::format("{}: not a SQLite database, or damaged ({})", subject, told));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return io_error(fmt::format("{}: locked by another program ({})", subject, told));
    case SQLITE_READONLY: return io_error(fmt::format("{}: cannot be written ({})", subject, told));
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      // SQLite reports only "disk I/O error" when the disk is too full for its journal files.
      if (database != nullptr && sqlite3_system_errno(database) == ENOSPC)
        return disk_full(subject);
      return io_error(fmt::format("{}: cannot be read or written ({})", subject, told));
    default: return io_error(fmt::format("{}: {}", subject, told));
  }
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      subject_(std::move(other.subject_)),
      statement_(std::exchange(other.statement_, nullptr)),
      bound_(other.bound_) {}

Status Statement::prepare(std::string_view sql) {
  const int code =
      sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &statement_, nullptr);
  return code == SQLITE_OK ? Status() : sqlite_error(subject_, database_, code);
}

// A value that cannot be bound (out of memory) stays null, and step() reports it.
Statement& Statement::bind(std::int64_t value) {
  sqlite3_bind_int64(statement_, ++bound_, value);
  return *this;
}
Statement& Statement::bind(double value) {
  sqlite3_bind_double(statement_, ++bound_, value);
  return *this;
}
Statement& Statement::bind(std::string_view text) {
  sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()),
                    SQLITE_TRANSIENT);
  return *this;
}
Statement& Statement::bind_null() {
  sqlite3_bind_null(statement_, ++bound_);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Status problem = sqlite_error(subject_, database_, code);
  reset();
  return problem;
}

Status Statement::run() {
  MIEN_ASSIGN_OR_RETURN(const bool row, step());
  (void)row;
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bound_ = 0;
}

std::string Statement::text(int column) const {
  const auto* first = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (first == nullptr) return {};
  return {first, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<std::unique_ptr<Sqlite>> Sqlite::open(const std::string& path, int flags) {
  return open_as(path, path, flags);
}

Result<std::unique_ptr<Sqlite>> Sqlite::open_unchanging(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && std::isalnum(byte) != 0;
    uri += plain || c == '/' || c == '.' ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return open_as(path, uri + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
}

Result<std::unique_ptr<Sqlite>> Sqlite::open_as(const std::string& subject, const std::string& name,
                                                int flags) {
  std::unique_ptr<Sqlite> out(new Sqlite);
  out->subject_ = subject;
  const int code = sqlite3_open_v2(name.c_str(), &out->database_, flags, nullptr);
  if (code != SQLITE_OK) return sqlite_error(subject, out->database_, code);
  sqlite3_extended_result_codes(out->database_, 1);
  sqlite3_busy_timeout(out->database_, 10'000);
  return out;
}

Status Sqlite::execute(const char* sql) {
  const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : sqlite_error(subject_, database_, code);
}

Result<Statement> Sqlite::prepare(std::string_view sql) const {
  Statement out(database_, subject_);
  MIEN_RETURN_IF_ERROR(out.prepare(sql));
  return out;
}

Transaction::~Transaction() {
  if (open_) (void)database_.execute("ROLLBACK");
}

Status Transaction::begin() {
  MIEN_RETURN_IF_ERROR(database_.execute("BEGIN IMMEDIATE"));
  open_ = true;
  return {};
}

Status Transaction::commit() {
  MIEN_RETURN_IF_ERROR(database_.execute("COMMIT"));
  open_ = false;
  return {};
}

}  // namespace mien::jobs
