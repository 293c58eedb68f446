#include "jobs/results_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "jobs/rows.h"
#include "jobs/run_lock.h"
#include "jobs/sqlite.h"

namespace mien::jobs {
namespace {

constexpr const char* kSchema = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE labels(place INTEGER PRIMARY KEY, label TEXT NOT NULL);
CREATE TABLE files(
  id INTEGER PRIMARY KEY, input TEXT NOT NULL, path TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('pending', 'done', 'failed')),
  media TEXT, code TEXT, message TEXT,
  frames INTEGER, analysed_frames INTEGER, faces INTEGER, tracks INTEGER,
  corrupt_frames INTEGER, seconds REAL, elapsed REAL,
  cut_short INTEGER, expected_frames INTEGER, clock TEXT);
CREATE TABLE frames(
  id INTEGER PRIMARY KEY, file INTEGER NOT NULL REFERENCES files(id),
  frame INTEGER NOT NULL, time_us INTEGER NOT NULL, width INTEGER NOT NULL,
  height INTEGER NOT NULL);
CREATE INDEX frames_file ON frames(file);
CREATE TABLE faces(
  id INTEGER PRIMARY KEY, frame_id INTEGER NOT NULL REFERENCES frames(id),
  track INTEGER, score REAL, source TEXT NOT NULL, x REAL, y REAL, w REAL, h REAL,
  top TEXT, unknown INTEGER, probabilities TEXT, cosines TEXT);
CREATE INDEX faces_frame ON faces(frame_id);
CREATE TABLE tracks(
  file INTEGER NOT NULL REFERENCES files(id), track INTEGER NOT NULL,
  from_us INTEGER NOT NULL, to_us INTEGER NOT NULL, frames INTEGER NOT NULL, aggregate TEXT,
  top TEXT, unknown INTEGER, probabilities TEXT, cosines TEXT, PRIMARY KEY(file, track)) WITHOUT ROWID;
)sql";

// Columns of `files` that were added after the first files of this format were written.
struct LateColumn {
  const char* name;
  const char* type;
};
constexpr std::array<LateColumn, 3> kLateColumns{
    {{"cut_short", "INTEGER"}, {"expected_frames", "INTEGER"}, {"clock", "TEXT"}}};

}  // namespace

struct ResultsFile::Database {
  std::string subject;
  RunLock lock;  // released after the connection is closed
  std::unique_ptr<Sqlite> sqlite;

  // Prepared on first use, kept for the run.
  std::optional<Statement> insert_frame, insert_face, insert_track;

  Result<Statement*> kept(std::optional<Statement>& place, std::string_view sql) {
    if (!place) {
      MIEN_ASSIGN_OR_RETURN(Statement made, sqlite->prepare(sql));
      place.emplace(std::move(made));
    }
    return &*place;
  }

  std::set<std::string> late_columns;  // the ones of kLateColumns that the file has

  Status read_columns() {
    MIEN_ASSIGN_OR_RETURN(Statement columns,
                          sqlite->prepare("SELECT name FROM pragma_table_info('files')"));
    while (true) {
      MIEN_ASSIGN_OR_RETURN(const bool more, columns.step());
      if (!more) return {};
      late_columns.insert(columns.text(0));
    }
  }
  // Adds the late columns to an older file before writing to it.
  Status add_columns() {
    MIEN_RETURN_IF_ERROR(read_columns());
    for (const auto& [name, type] : kLateColumns) {
      if (late_columns.contains(name)) continue;
      MIEN_RETURN_IF_ERROR(
          sqlite->execute(fmt::format("ALTER TABLE files ADD COLUMN {} {}", name, type).c_str()));
    }
    return read_columns();
  }
  // For SELECT.
  std::string late() const {
    std::string out;
    for (const auto& [name, type] : kLateColumns) {
      out += std::string(", ") + (late_columns.contains(name) ? name : "NULL");
    }
    return out;
  }

  // Deletes all rows of a file except its own.
  Status drop_rows(std::int64_t id) {
    for (const char* sql :
         {"DELETE FROM faces WHERE frame_id IN (SELECT id FROM frames WHERE file = ?)",
          "DELETE FROM frames WHERE file = ?", "DELETE FROM tracks WHERE file = ?"}) {
      MIEN_ASSIGN_OR_RETURN(Statement statement, sqlite->prepare(sql));
      MIEN_RETURN_IF_ERROR(statement.bind(id).run());
    }
    return {};
  }
};

ResultsFile::ResultsFile(std::unique_ptr<Database> database) : database_(std::move(database)) {}

ResultsFile::~ResultsFile() {
  database_->insert_frame.reset();
  database_->insert_face.reset();
  database_->insert_track.reset();
  database_->sqlite.reset();
}

Result<std::unique_ptr<ResultsFile>> ResultsFile::open_for_run(
    const std::filesystem::path& path, const std::vector<std::string>& labels,
    const RunFacts& facts) {
  auto database = std::make_unique<Database>();
  database->subject = path.string();
  MIEN_RETURN_IF_ERROR(database->lock.take(path.string()));
  MIEN_ASSIGN_OR_RETURN(database->sqlite, Sqlite::open(path.string(), SQLITE_OPEN_READWRITE));
  std::unique_ptr<ResultsFile> out(new ResultsFile(std::move(database)));
  MIEN_RETURN_IF_ERROR(out->create_or_compare(labels, facts));
  MIEN_RETURN_IF_ERROR(out->database_->add_columns());
  return out;
}

Result<std::unique_ptr<ResultsFile>> ResultsFile::open_to_read(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return not_found(path.string() +
                     ": no such file (expected the results of `mien predict -o "
                     "FILE.sqlite`)");
  }
  const auto read = [&](auto opened) -> Result<std::unique_ptr<ResultsFile>> {
    if (!opened.ok()) return opened.status();
    auto database = std::make_unique<Database>();
    database->subject = path.string();
    database->sqlite = std::move(*opened);
    std::unique_ptr<ResultsFile> out(new ResultsFile(std::move(database)));
    MIEN_RETURN_IF_ERROR(out->read_meta());
    MIEN_RETURN_IF_ERROR(out->database_->read_columns());
    return out;
  };
  // Not read-only: SQLite must first replay the journal that a killed run left.
  auto out = read(Sqlite::open(path.string(), SQLITE_OPEN_READWRITE));
  const auto may_write = [](const std::filesystem::path& place) {
    return ::access(place.empty() ? "." : place.c_str(), W_OK) == 0;
  };
  const std::filesystem::path journal = path.string() + "-wal";
  const bool fixed = !may_write(path) || !may_write(path.parent_path());
  if (!out.ok() && fixed && !std::filesystem::exists(journal, error)) {
    auto as_it_is = read(Sqlite::open_unchanging(path.string()));
    if (as_it_is.ok()) return as_it_is;
  }
  return out;
}

Status ResultsFile::read_meta() {
  const std::string& subject = database_->subject;
  // A file that cannot be read may still be ours, so this is an I/O error and not kCorrupt.
  MIEN_ASSIGN_OR_RETURN(
      Statement tables,
      database_->sqlite->prepare("SELECT count(*) FROM sqlite_master WHERE name = 'meta'"));
  MIEN_ASSIGN_OR_RETURN(const bool counted, tables.step());
  auto version =
      counted && tables.integer(0) > 0
          ? database_->sqlite->prepare("SELECT value FROM meta WHERE key = 'format_version'")
          : Result<Statement>(corrupt("no meta"));
  Result<bool> row = version.ok() ? version->step() : Result<bool>(version.status());
  if (!row.ok() || !*row) {
    return corrupt(
        fmt::format("{}: not a results file (expected one made by `mien predict`)", subject));
  }
  if (version->text(0) != fmt::format("{}", kFormatVersion)) {
    return unsupported(fmt::format("{}: format version {} (expected {})", subject, version->text(0),
                                   kFormatVersion));
  }
  MIEN_ASSIGN_OR_RETURN(Statement names,
                        database_->sqlite->prepare("SELECT label FROM labels ORDER BY place"));
  labels_.clear();
  while (true) {
    MIEN_ASSIGN_OR_RETURN(const bool more, names.step());
    if (!more) return {};
    labels_.push_back(names.text(0));
  }
}

Status ResultsFile::create_or_compare(const std::vector<std::string>& labels,
                                      const RunFacts& facts) {
  Sqlite& sqlite = *database_->sqlite;
  MIEN_ASSIGN_OR_RETURN(Statement tables, sqlite.prepare("SELECT count(*) FROM sqlite_master"));
  MIEN_ASSIGN_OR_RETURN(const bool row, tables.step());
  const bool is_new = row && tables.integer(0) == 0;
  tables.reset();
  if (!is_new) MIEN_RETURN_IF_ERROR(read_meta());  // never touch another program's database
  // WAL: readers and the writer do not block each other. A crash of the machine may lose the last
  // files, never the database.
  MIEN_RETURN_IF_ERROR(sqlite.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"));
  if (is_new) {
    Transaction transaction(sqlite);
    MIEN_RETURN_IF_ERROR(transaction.begin());
    MIEN_RETURN_IF_ERROR(sqlite.execute(kSchema));
    MIEN_ASSIGN_OR_RETURN(Statement meta, sqlite.prepare("INSERT INTO meta VALUES(?, ?)"));
    MIEN_RETURN_IF_ERROR(meta.bind("format_version").bind(fmt::format("{}", kFormatVersion)).run());
    for (const auto& [key, value] : facts) MIEN_RETURN_IF_ERROR(meta.bind(key).bind(value).run());
    MIEN_ASSIGN_OR_RETURN(Statement names, sqlite.prepare("INSERT INTO labels VALUES(?, ?)"));
    for (std::size_t i = 0; i < labels.size(); ++i) {
      MIEN_RETURN_IF_ERROR(names.bind(static_cast<std::int64_t>(i)).bind(labels[i]).run());
    }
    labels_ = labels;
    return transaction.commit();
  }
  const auto refuse = [&](std::string_view what, std::string_view was, std::string_view is) {
    return invalid_argument(
        fmt::format("{}: made with {} {} (got {}); use another file for this run",
                    database_->subject, what, was, is));
  };
  const auto listed = [](const std::vector<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ", "));
  };
  if (labels_ != labels) return refuse("labels", listed(labels_), listed(labels));
  MIEN_ASSIGN_OR_RETURN(Statement meta, sqlite.prepare("SELECT value FROM meta WHERE key = ?"));
  for (const auto& [key, value] : facts) {
    MIEN_ASSIGN_OR_RETURN(const bool known, meta.bind(key).step());
    const std::string was = known ? meta.text(0) : "none";
    meta.reset();
    if (was == value) continue;
    // A hash means nothing to the user, so the message names the labels.
    if (key == kLabelTexts) {
      return invalid_argument(
          fmt::format("{}: made with other descriptions of the labels {} (expected the same "
                      "ones); use another file for this run",
                      database_->subject, listed(labels_)));
    }
    return refuse(key, was, value);
  }
  return {};
}

Result<BatchPlan> ResultsFile::plan(std::span<const InputFile> files, const PlanOptions& options) {
  const std::lock_guard lock(mutex_);
  Sqlite& sqlite = *database_->sqlite;
  Transaction transaction(sqlite);
  MIEN_RETURN_IF_ERROR(transaction.begin());
  MIEN_RETURN_IF_ERROR(sqlite.execute(
      "DELETE FROM faces WHERE frame_id IN (SELECT frames.id FROM frames JOIN files ON files.id = "
      "frames.file WHERE files.state <> 'done');"
      "DELETE FROM frames WHERE file IN (SELECT id FROM files WHERE state <> 'done');"
      "DELETE FROM tracks WHERE file IN (SELECT id FROM files WHERE state <> 'done')"));
  MIEN_ASSIGN_OR_RETURN(
      Statement find,
      sqlite.prepare("SELECT id, size, mtime_ns, state, code FROM files WHERE path = ?"));
  MIEN_ASSIGN_OR_RETURN(Statement enter,
                        sqlite.prepare("INSERT INTO files(input, path, size, mtime_ns, state) "
                                       "VALUES(?, ?, ?, ?, 'pending')"));
  MIEN_ASSIGN_OR_RETURN(
      Statement again,
      sqlite.prepare(
          "UPDATE files SET input = ?, size = ?, mtime_ns = ?, state = 'pending', media "
          "= NULL, code = NULL, message = NULL, frames = NULL, analysed_frames = NULL, "
          "faces = NULL, tracks = NULL, corrupt_frames = NULL, seconds = NULL, elapsed = "
          "NULL, cut_short = NULL, expected_frames = NULL, clock = NULL WHERE id = ?"));
  BatchPlan out;
  std::set<std::int64_t> named;
  for (const InputFile& file : files) {
    MIEN_ASSIGN_OR_RETURN(const bool known, find.bind(file.path).step());
    const std::int64_t id = known ? find.integer(0) : 0;
    const FileStamp stamp = known ? FileStamp{find.integer(1), find.integer(2)} : FileStamp{};
    const std::string state = known ? find.text(3) : "";
    const bool cut = known && state == "done" && !find.text(4).empty();
    find.reset();
    if (!known) {
      MIEN_RETURN_IF_ERROR(enter.bind(file.input)
                               .bind(file.path)
                               .bind(file.stamp.size)
                               .bind(file.stamp.mtime_ns)
                               .run());
      out.todo.push_back({sqlite3_last_insert_rowid(sqlite.handle()), file});
      named.insert(out.todo.back().id);
      continue;
    }
    const bool same = stamp == file.stamp;
    if (!named.insert(id).second) continue;  // the same file was given under two names
    if (same && state == "done") {
      ++out.done_before;
      out.cut_before += cut ? 1 : 0;
      continue;
    }
    if (same && state == "failed" && !options.retry_failed) {
      ++out.failed_before;
      continue;
    }
    if (!same && state != "pending") ++out.changed;
    if (state == "done") MIEN_RETURN_IF_ERROR(database_->drop_rows(id));
    MIEN_RETURN_IF_ERROR(
        again.bind(file.input).bind(file.stamp.size).bind(file.stamp.mtime_ns).bind(id).run());
    out.todo.push_back({id, file});
  }
  MIEN_RETURN_IF_ERROR(transaction.commit());
  return out;
}

Status ResultsFile::append(std::int64_t id, std::span<const pipeline::FrameResult> frames) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_->sqlite);
  MIEN_RETURN_IF_ERROR(transaction.begin());
  MIEN_ASSIGN_OR_RETURN(Statement* const frame_row,
                        database_->kept(database_->insert_frame,
                                        "INSERT INTO frames(file, frame, time_us, width, "
                                        "height) VALUES(?, ?, ?, ?, ?)"));
  MIEN_ASSIGN_OR_RETURN(
      Statement* const face_row,
      database_->kept(database_->insert_face,
                      "INSERT INTO faces(frame_id, track, score, source, x, y, w, h, top, unknown, "
                      "probabilities, cosines) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  for (const pipeline::FrameResult& frame : frames) {
    MIEN_RETURN_IF_ERROR(frame_row->bind(id)
                             .bind(frame.frame)
                             .bind(frame.timestamp_us)
                             .bind(frame.width)
                             .bind(frame.height)
                             .run());
    const std::int64_t frame_id = sqlite3_last_insert_rowid(database_->sqlite->handle());
    for (const engine::FaceResult& face : frame.faces) {
      face_row->bind(frame_id);
      bind_face(*face_row, face, labels_);
      MIEN_RETURN_IF_ERROR(face_row->run());
    }
  }
  return transaction.commit();
}

Status ResultsFile::finish(std::int64_t id, const pipeline::SummaryResult& summary,
                           std::span<const pipeline::TrackResult> tracks) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_->sqlite);
  MIEN_RETURN_IF_ERROR(transaction.begin());
  MIEN_ASSIGN_OR_RETURN(Statement* const track_row,
                        database_->kept(database_->insert_track,
                                        "INSERT INTO tracks VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  for (const pipeline::TrackResult& track : tracks) {
    track_row->bind(id)
        .bind(track.track)
        .bind(track.from_us)
        .bind(track.to_us)
        .bind(track.frames)
        .bind(engine::to_string(track.aggregate));
    bind_scores(*track_row, track.labels, track.unknown, labels_);
    MIEN_RETURN_IF_ERROR(track_row->run());
  }
  MIEN_ASSIGN_OR_RETURN(
      Statement done,
      database_->sqlite->prepare("UPDATE files SET state = 'done', media = ?, frames = ?, "
                                 "analysed_frames = ?, faces = ?, tracks = ?, corrupt_frames = ?, "
                                 "seconds = ?, elapsed = ?, code = ?, message = ?, "
                                 "cut_short = ?, expected_frames = ?, clock = ? WHERE id = ?"));
  done.bind(summary.is_clip ? "clip" : "image")
      .bind(summary.frames)
      .bind(summary.analysed_frames)
      .bind(summary.faces)
      .bind(summary.tracks)
      .bind(summary.corrupt_frames)
      .bind(summary.media_seconds)
      .bind(summary.elapsed_seconds);
  if (summary.cut_short) {
    const Status cut = corrupt(summary.input + ": " + video::to_string(*summary.cut_short));
    done.bind(to_string(cut.code())).bind(cut.message());
  } else {
    done.bind_null().bind_null();
  }
  bind_end(done, summary);
  MIEN_RETURN_IF_ERROR(done.bind(id).run());
  return transaction.commit();
}

Status ResultsFile::fail(std::int64_t id, const Status& reason) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_->sqlite);
  MIEN_RETURN_IF_ERROR(transaction.begin());
  MIEN_RETURN_IF_ERROR(database_->drop_rows(id));
  MIEN_ASSIGN_OR_RETURN(
      Statement failed,
      database_->sqlite->prepare(
          "UPDATE files SET state = 'failed', code = ?, message = ? WHERE id = ?"));
  MIEN_RETURN_IF_ERROR(failed.bind(to_string(reason.code())).bind(reason.message()).bind(id).run());
  return transaction.commit();
}

Status ResultsFile::for_each_file(const std::function<Status(const FileRow&)>& visit) const {
  std::vector<FileRow> rows;
  {
    const std::lock_guard lock(mutex_);
    MIEN_ASSIGN_OR_RETURN(
        Statement all,
        database_->sqlite->prepare(
            std::string(
                "SELECT id, input, path, size, mtime_ns, state, media, code, message, frames, "
                "analysed_frames, faces, tracks, corrupt_frames, seconds, elapsed") +
            database_->late() + " FROM files ORDER BY id"));
    while (true) {
      MIEN_ASSIGN_OR_RETURN(const bool more, all.step());
      if (!more) break;
      rows.push_back(read_file_row(all));
    }
  }
  for (const FileRow& row : rows) MIEN_RETURN_IF_ERROR(visit(row));
  return {};
}

Status ResultsFile::for_each_frame(
    const FileRow& file, const std::function<Status(const pipeline::FrameResult&)>& visit) const {
  const std::lock_guard lock(mutex_);
  MIEN_ASSIGN_OR_RETURN(
      Statement rows,
      database_->sqlite->prepare(
          "SELECT frames.id, frame, time_us, width, height, track, score, source, x, y, w, h, "
          "unknown, probabilities, cosines, top FROM frames LEFT JOIN faces ON faces.frame_id = "
          "frames.id WHERE file = ? ORDER BY frames.id, faces.id"));
  rows.bind(file.id);
  std::optional<pipeline::FrameResult> frame;
  std::int64_t frame_id = -1;
  while (true) {
    MIEN_ASSIGN_OR_RETURN(const bool more, rows.step());
    if (!more || rows.integer(0) != frame_id) {
      if (frame) MIEN_RETURN_IF_ERROR(visit(*frame));
      if (!more) return {};
      frame_id = rows.integer(0);
      frame = read_frame(rows, file);
    }
    if (rows.is_null(7)) continue;  // a frame without a face
    auto face = read_face(rows, labels_);
    if (!face.ok()) return face.status().with_prefix(database_->subject);
    frame->faces.push_back(std::move(*face));
  }
}

Result<std::vector<pipeline::TrackResult>> ResultsFile::tracks(const FileRow& file) const {
  const std::lock_guard lock(mutex_);
  MIEN_ASSIGN_OR_RETURN(
      Statement rows, database_->sqlite->prepare(
                          "SELECT track, from_us, to_us, frames, aggregate, unknown, "
                          "probabilities, cosines, top FROM tracks WHERE file = ? ORDER BY track"));
  rows.bind(file.id);
  std::vector<pipeline::TrackResult> out;
  while (true) {
    MIEN_ASSIGN_OR_RETURN(const bool more, rows.step());
    if (!more) return out;
    auto track = read_track(rows, file, labels_);
    if (!track.ok()) return track.status().with_prefix(database_->subject);
    out.push_back(std::move(*track));
  }
}

}  // namespace mien::jobs
