#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "mien/core/status.h"

namespace mien::jobs {

/// A prepared statement: bind, step, read, reset. Not thread-safe.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view subject) : database_(database), subject_(subject) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  Status prepare(std::string_view sql);
  Statement& bind(std::int64_t value);
  Statement& bind(int value) { return bind(std::int64_t{value}); }
  Statement& bind(double value);
  Statement& bind(std::string_view text);
  Statement& bind_null();
  /// True if there is a row. Afterwards binding starts again at the first parameter.
  Result<bool> step();
  /// step() for a statement that returns no rows.
  Status run();
  void reset();

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  double number(int column) const { return sqlite3_column_double(statement_, column); }
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  std::string text(int column) const;

 private:
  sqlite3* database_;
  std::string subject_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

/// One connection. Not thread-safe.
class Sqlite {
 public:
  /// `flags`: SQLITE_OPEN_*. Errors: kIo.
  static Result<std::unique_ptr<Sqlite>> open(const std::string& path, int flags);
  /// Opens a file that nobody writes to for reading; creates no files beside it. Errors: kIo.
  static Result<std::unique_ptr<Sqlite>> open_unchanging(const std::string& path);
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;
  ~Sqlite() { sqlite3_close(database_); }

  Status execute(const char* sql);
  Result<Statement> prepare(std::string_view sql) const;
  sqlite3* handle() const { return database_; }

 private:
  Sqlite() = default;
  static Result<std::unique_ptr<Sqlite>> open_as(const std::string& subject,
                                                 const std::string& name, int flags);
  sqlite3* database_ = nullptr;
  std::string subject_;
};

/// The problem of a call as "subject: problem (expected ...)". Full disks, files that are not a
/// database, and locks have their own messages.
Status sqlite_error(std::string_view subject, sqlite3* database, int code);

/// Rolls back unless commit() succeeded.
class Transaction {
 public:
  explicit Transaction(Sqlite& database) : database_(database) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  Status begin();
  Status commit();

 private:
  Sqlite& database_;
  bool open_ = false;
};

}  // namespace mien::jobs
