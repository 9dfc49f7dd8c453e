#include <stdbool.h>
#include <stdio.h>

#include "store/records_int.h"

/* "ASSY": marks the file as ours (`file` shows it, other programs' databases are not touched). */
enum { APPLICATION_ID = 0x41535359 };

#define NOW_US "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"

/* One entry per version, never changed once released: the next version is a new entry at the end.
 * docs/store.md explains the columns. */
static const char *const migrations[] = {
    "CREATE TABLE jobs ("
    "  seq INTEGER PRIMARY KEY," /* order of arrival */
    "  id TEXT NOT NULL UNIQUE,"
    "  tenant TEXT NOT NULL,"
    "  dialect TEXT NOT NULL,"
    "  state TEXT NOT NULL CHECK (state IN ('new','claimed','done','failed','timed_out','cancelled')),"
    "  attempts INTEGER NOT NULL,"
    "  created_us INTEGER NOT NULL,"
    "  started_us INTEGER NOT NULL,"
    "  finished_us INTEGER NOT NULL,"
    "  sha256 TEXT NOT NULL,"
    "  size INTEGER NOT NULL,"
    "  name TEXT,"
    "  number INTEGER NOT NULL,"
    "  spec BLOB NOT NULL,"
    "  request BLOB,"
    "  error_code TEXT,"
    "  error_text TEXT,"
    "  artefact TEXT,"
    "  report BLOB" /* last: the long one, so that the others are read without it */
    ") STRICT;"
    "CREATE INDEX jobs_unfinished ON jobs (state, seq) WHERE state IN ('new','claimed');"
    "CREATE INDEX jobs_number ON jobs (tenant, number, seq) WHERE number <> 0;"
    "CREATE INDEX jobs_name ON jobs (tenant, name, seq) WHERE name IS NOT NULL;"
    "CREATE TABLE keys ("
    "  seq INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  hash TEXT NOT NULL UNIQUE,"
    "  tenant TEXT NOT NULL,"
    "  scopes TEXT NOT NULL,"
    "  note TEXT,"
    "  created_us INTEGER NOT NULL,"
    "  expires_us INTEGER NOT NULL,"
    "  revoked_us INTEGER NOT NULL,"
    "  rate_per_minute INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE labels ("
    "  seq INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  tenant TEXT NOT NULL,"
    "  job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,"
    "  labels BLOB NOT NULL,"
    "  comment TEXT,"
    "  created_us INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX labels_job ON labels (job);"
    "CREATE TABLE custom_labels ("
    "  tenant TEXT NOT NULL,"
    "  value TEXT NOT NULL,"
    "  label TEXT,"
    "  PRIMARY KEY (tenant, value)"
    ") STRICT, WITHOUT ROWID;",

    "CREATE TABLE hooks ("
    "  seq INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  tenant TEXT NOT NULL,"
    "  dialect TEXT NOT NULL,"
    "  url TEXT NOT NULL,"
    "  secret TEXT,"
    "  old_secret TEXT,"
    "  old_until_us INTEGER NOT NULL,"
    "  created_us INTEGER NOT NULL,"
    "  removed_us INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX hooks_tenant ON hooks (tenant, seq) WHERE removed_us = 0;"
    "CREATE TABLE deliveries ("
    "  seq INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  tenant TEXT NOT NULL,"
    "  job TEXT REFERENCES jobs (id) ON DELETE CASCADE," /* NULL: a ping */
    "  hook TEXT REFERENCES hooks (id),"                 /* NULL: the job's own URL */
    "  url TEXT NOT NULL,"
    "  site TEXT NOT NULL,"
    "  state TEXT NOT NULL CHECK (state IN ('due','delivered','dead')),"
    "  attempts INTEGER NOT NULL,"
    "  next_us INTEGER NOT NULL,"
    "  created_us INTEGER NOT NULL,"
    "  finished_us INTEGER NOT NULL,"
    "  body BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX deliveries_due ON deliveries (site, next_us) WHERE state = 'due';"
    "CREATE INDEX deliveries_dead ON deliveries (seq) WHERE state = 'dead';"
    "CREATE INDEX deliveries_job ON deliveries (job) WHERE job IS NOT NULL;"
    "CREATE TABLE delivery_log ("
    "  seq INTEGER PRIMARY KEY,"
    "  delivery TEXT NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,"
    "  at_us INTEGER NOT NULL,"
    "  status INTEGER NOT NULL,"
    "  ms INTEGER NOT NULL,"
    "  error TEXT"
    ") STRICT;"
    "CREATE INDEX delivery_log_delivery ON delivery_log (delivery);",

    "ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0",

    /* Jobs go for good: who still needs a blob, what is old, what deleted jobs have left (store/retention.h).
     */
    "CREATE INDEX jobs_sha256 ON jobs (sha256);"
    "CREATE INDEX jobs_artefact ON jobs (artefact) WHERE artefact IS NOT NULL;"
    "CREATE INDEX jobs_finished ON jobs (finished_us) WHERE finished_us > 0;"
    "CREATE TABLE deleted ("
    "  seq INTEGER PRIMARY KEY,"
    "  tenant TEXT NOT NULL,"
    "  job TEXT NOT NULL,"
    "  sha256 TEXT NOT NULL,"
    "  artefact TEXT"
    ") STRICT;"
    "CREATE TRIGGER jobs_deleted AFTER DELETE ON jobs BEGIN"
    "  INSERT INTO deleted (tenant, job, sha256, artefact)"
    "  VALUES (old.tenant, old.id, old.sha256, old.artefact);"
    "END",

    /* Which job an Idempotency-Key has made (store/idempotency.h). */
    "CREATE TABLE idempotency ("
    "  tenant TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  fingerprint TEXT NOT NULL,"
    "  job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,"
    "  created_us INTEGER NOT NULL,"
    "  PRIMARY KEY (tenant, key)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX idempotency_job ON idempotency (job);"
    "CREATE INDEX idempotency_created ON idempotency (created_us)",

    /* The trace (store/events.h). Times to the millisecond, the most that SQLite's clock has. */
    "CREATE TABLE events ("
    "  seq INTEGER PRIMARY KEY,"
    "  job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,"
    "  at_us INTEGER NOT NULL,"
    "  what TEXT NOT NULL,"
    "  detail TEXT"
    ") STRICT;"
    "CREATE INDEX events_job ON events (job, seq);"
    "CREATE TRIGGER jobs_added AFTER INSERT ON jobs BEGIN"
    "  INSERT INTO events (job, at_us, what, detail)"
    "  VALUES (new.id, " NOW_US ", new.state, new.dialect || ', ' || new.size || ' bytes');"
    "END;"
    "CREATE TRIGGER jobs_moved AFTER UPDATE OF state ON jobs WHEN old.state <> new.state BEGIN"
    "  INSERT INTO events (job, at_us, what, detail) VALUES (new.id, " NOW_US ", new.state,"
    "    CASE WHEN new.state <> 'new' THEN nullif(new.error_code, 'ok') || ': ' || coalesce(new.error_text, "
    "'')"
    "      WHEN new.attempts > old.attempts THEN 'its analyst died'"
    "      ELSE 'its server went away' END);"
    "END;"
    "CREATE TRIGGER jobs_annotated AFTER UPDATE OF artefact ON jobs WHEN new.artefact IS NOT NULL BEGIN"
    "  INSERT INTO events (job, at_us, what, detail)"
    "  VALUES (new.id, " NOW_US ", 'annotated', substr(new.artefact, 1, 12));"
    "END",

    /* Keys with two secrets during a rotation; what a tenant may use, and has used on each day since 1970;
     * who changed what (store/audit.h): lines are added, and taken away from the oldest end only. */
    "ALTER TABLE keys ADD COLUMN old_hash TEXT;"
    "ALTER TABLE keys ADD COLUMN old_until_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE keys ADD COLUMN rotated_us INTEGER NOT NULL DEFAULT 0;"
    "CREATE UNIQUE INDEX keys_old_hash ON keys (old_hash) WHERE old_hash IS NOT NULL;"
    "CREATE TABLE tenants ("
    "  name TEXT PRIMARY KEY,"
    "  requests_day INTEGER NOT NULL,"
    "  requests_month INTEGER NOT NULL,"
    "  bytes_day INTEGER NOT NULL,"
    "  bytes_month INTEGER NOT NULL,"
    "  jobs INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE usage ("
    "  tenant TEXT NOT NULL,"
    "  day INTEGER NOT NULL,"
    "  requests INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL,"
    "  PRIMARY KEY (tenant, day)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE audit ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  at_us INTEGER NOT NULL,"
    "  what TEXT NOT NULL,"
    "  who TEXT NOT NULL,"
    "  tenant TEXT,"
    "  object TEXT,"
    "  detail TEXT"
    ") STRICT;"
    "CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN"
    "  SELECT raise(ABORT, 'lines of the audit are not changed');"
    "END;"
    "CREATE TRIGGER audit_once BEFORE INSERT ON audit"
    "  WHEN EXISTS (SELECT 1 FROM audit WHERE seq = new.seq) BEGIN"
    "  SELECT raise(ABORT, 'lines of the audit are not replaced');"
    "END;"
    "CREATE TRIGGER audit_whole BEFORE DELETE ON audit"
    "  WHEN EXISTS (SELECT 1 FROM audit WHERE seq < old.seq) BEGIN"
    "  SELECT raise(ABORT, 'only the oldest lines of the audit can go');"
    "END",

    /* Subjects named by a URL (store/sources.h): sha256 is '' until they are here. */
    "ALTER TABLE jobs ADD COLUMN source TEXT;"
    "DROP TRIGGER jobs_added;"
    "CREATE TRIGGER jobs_added AFTER INSERT ON jobs BEGIN"
    "  INSERT INTO events (job, at_us, what, detail)"
    "  VALUES (new.id, " NOW_US ", new.state, new.dialect || ', ' ||"
    "    CASE WHEN new.sha256 = '' THEN 'to be fetched' ELSE new.size || ' bytes' END);"
    "END;"
    "CREATE TRIGGER jobs_fetched AFTER UPDATE OF sha256 ON jobs WHEN old.sha256 = '' AND new.sha256 <> '' "
    "BEGIN"
    "  INSERT INTO events (job, at_us, what, detail)"
    "  VALUES (new.id, " NOW_US ", 'fetched', new.size || ' bytes');"
    "END",

    /* Jobs that got the report of an earlier one (job/reuse.c). */
    "ALTER TABLE jobs ADD COLUMN reused TEXT;"
    "CREATE TRIGGER jobs_reused AFTER UPDATE OF reused ON jobs"
    "  WHEN new.reused IS NOT NULL AND old.reused IS NULL BEGIN"
    "  INSERT INTO events (job, at_us, what, detail)"
    "  VALUES (new.id, " NOW_US ", 'answered', 'from job ' || new.reused);"
    "END",

    /* The secret that came with a job's own URL; how long pipelines take (store/pace.h); faces on allow lists
     * (store/faces.h), and the jobs that make them of pictures. */
    "ALTER TABLE deliveries ADD COLUMN secret TEXT;"
    "CREATE INDEX jobs_passing ON jobs (seq) WHERE dialect = 'enrol';"
    "CREATE TABLE pace ("
    "  seq INTEGER PRIMARY KEY,"
    "  pipeline TEXT NOT NULL,"
    "  ns_per_unit INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX pace_pipeline ON pace (pipeline, seq);"
    "CREATE TABLE faces ("
    "  tenant TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  created_us INTEGER NOT NULL,"
    "  embedding BLOB NOT NULL," /* float32, little-endian */
    "  PRIMARY KEY (tenant, name)"
    ") STRICT",

    /* Ids of jobs whose time was over (store/retention.h). */
    "CREATE TABLE expired ("
    "  id TEXT PRIMARY KEY,"
    "  tenant TEXT NOT NULL,"
    "  at_us INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX expired_at ON expired (at_us)",

    /* Runs of the provenance API and verdicts that a person set aside (store/runs.h); secrets of this
     * directory. */
    "CREATE TABLE runs ("
    "  id TEXT PRIMARY KEY,"
    "  tenant TEXT NOT NULL,"
    "  media TEXT NOT NULL,"
    "  job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX runs_job ON runs (job);"
    "CREATE TABLE overrides ("
    "  tenant TEXT NOT NULL,"
    "  sha256 TEXT NOT NULL,"
    "  media TEXT NOT NULL,"
    "  label TEXT NOT NULL,"
    "  who TEXT NOT NULL,"
    "  at_us INTEGER NOT NULL,"
    "  PRIMARY KEY (tenant, sha256, media)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER jobs_forgotten AFTER DELETE ON jobs BEGIN"
    "  DELETE FROM overrides WHERE tenant = old.tenant AND sha256 = old.sha256"
    "    AND NOT EXISTS (SELECT 1 FROM jobs WHERE sha256 = old.sha256 AND tenant = old.tenant);"
    "END;"
    "CREATE TABLE secrets ("
    "  name TEXT PRIMARY KEY,"
    "  value BLOB NOT NULL"
    ") STRICT, WITHOUT ROWID",

    /* Projects of the impulse API and their recordings (store/samples.h). Numbers of deleted ones are not
     * given out again: clients keep them. */
    "CREATE TABLE projects ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  tenant TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  hmac_key TEXT NOT NULL,"
    "  created_us INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX projects_tenant ON projects (tenant, id);"
    "CREATE TABLE samples ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,"
    "  tenant TEXT NOT NULL,"
    "  category TEXT NOT NULL CHECK (category IN ('training','testing','anomaly')),"
    "  label TEXT,"
    "  name TEXT NOT NULL,"
    "  storage TEXT NOT NULL,"
    "  sha256 TEXT NOT NULL,"
    "  size INTEGER NOT NULL,"
    "  numbers TEXT," /* NULL: a picture */
    "  readings INTEGER NOT NULL,"
    "  facts BLOB NOT NULL,"
    "  metadata BLOB,"
    "  boxes BLOB,"
    "  stretches BLOB,"
    "  signed_well INTEGER NOT NULL,"
    "  method TEXT,"
    "  disabled INTEGER NOT NULL,"
    "  created_us INTEGER NOT NULL,"
    "  added_us INTEGER NOT NULL,"
    "  modified_us INTEGER NOT NULL,"
    "  version INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX samples_project ON samples (project, category, id);"
    "CREATE INDEX samples_file ON samples (project, sha256);"
    "CREATE INDEX samples_sha256 ON samples (sha256);"
    "CREATE INDEX samples_numbers ON samples (numbers) WHERE numbers IS NOT NULL;"
    "CREATE TRIGGER samples_deleted AFTER DELETE ON samples BEGIN"
    "  INSERT INTO deleted (tenant, job, sha256, artefact)"
    "  VALUES (old.tenant, 'sample ' || old.id, old.sha256, old.numbers);"
    "END",

    /* Impulses, models of their blocks, and jobs as their projects know them (store/impulses.h). */
    "CREATE TABLE impulses ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,"
    "  name TEXT,"
    "  standard INTEGER NOT NULL,"
    "  version INTEGER NOT NULL,"
    "  definition BLOB NOT NULL,"
    "  created_us INTEGER NOT NULL,"
    "  changed_us INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX impulses_project ON impulses (project, id);"
    "CREATE TABLE models ("
    "  impulse INTEGER NOT NULL REFERENCES impulses (id) ON DELETE CASCADE,"
    "  block INTEGER NOT NULL,"
    "  variant TEXT NOT NULL,"
    "  sha256 TEXT,"
    "  inputs TEXT NOT NULL,"
    "  job TEXT,"
    "  made_us INTEGER NOT NULL,"
    "  report BLOB,"
    "  PRIMARY KEY (impulse, block, variant)"
    ") STRICT;"
    "CREATE INDEX models_sha256 ON models (sha256) WHERE sha256 IS NOT NULL;"
    "CREATE TRIGGER models_new AFTER INSERT ON models BEGIN"
    "  UPDATE impulses SET version = version + 1, changed_us = new.made_us WHERE id = new.impulse;"
    "END;"
    "CREATE TABLE project_jobs ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  job TEXT NOT NULL UNIQUE REFERENCES jobs (id) ON DELETE CASCADE,"
    "  project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,"
    "  key TEXT NOT NULL,"
    "  title TEXT NOT NULL,"
    "  question TEXT,"
    "  impulse INTEGER NOT NULL,"
    "  block INTEGER NOT NULL,"
    "  variant TEXT NOT NULL,"
    "  inputs TEXT NOT NULL,"
    "  makes_model INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX project_jobs_project ON project_jobs (project, number);"
    "CREATE INDEX project_jobs_question ON project_jobs (project, question) WHERE question IS NOT NULL;"
    "CREATE TRIGGER jobs_modelled AFTER UPDATE OF state ON jobs"
    "  WHEN new.state = 'done' AND new.dialect = 'impulse' BEGIN"
    "  INSERT OR REPLACE INTO models (impulse, block, variant, sha256, inputs, job, made_us, report)"
    "    SELECT p.impulse, p.block, p.variant, new.artefact, p.inputs, new.id, new.finished_us, new.report"
    "    FROM project_jobs p JOIN impulses i ON i.id = p.impulse WHERE p.job = new.id AND p.makes_model;"
    "END",
};

static int check_file(struct conn *c, int64_t *ret_version, struct err *err)
{
    int64_t application, tables;

    if (conn_pragma(c, "PRAGMA application_id", &application, err) < 0 ||
        conn_pragma(c, "PRAGMA user_version", ret_version, err) < 0 ||
        conn_pragma(c, "SELECT count(*) FROM sqlite_schema", &tables, err) < 0)
        return -1;
    if (application != APPLICATION_ID && (application || *ret_version || tables))
        return FAIL(err, ERR_CONFLICT, "assay.db belongs to another program; choose another data directory");
    if (*ret_version > (int64_t)COUNT_OF(migrations))
        return FAIL(err, ERR_CONFLICT,
                    "the data directory was written by a newer assay (version %lld of the records, this one "
                    "knows %zu); "
                    "use the newer program or another directory",
                    (long long)*ret_version, COUNT_OF(migrations));
    return 0;
}

static int migrate(struct conn *c, int64_t from, struct err *err)
{
    char mark[96];

    for (size_t i = (size_t)from; i < COUNT_OF(migrations); i++)
        if (conn_exec(c, migrations[i], err) < 0)
            return -1;
    snprintf(mark, sizeof mark, "PRAGMA application_id=%d; PRAGMA user_version=%zu", APPLICATION_ID,
             COUNT_OF(migrations));
    return conn_exec(c, mark, err);
}

/* SQLite keeps another journal without complaint where it cannot have this one. */
static int use_wal(struct conn *c, struct err *err)
{
    int64_t wal;

    if (conn_exec(c, "PRAGMA journal_mode=WAL", err) < 0 ||
        conn_pragma(c, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &wal, err) < 0)
        return -1;
    if (!wal)
        return FAIL(err, ERR_UNSUPPORTED,
                    "the data directory is on a file system that the database cannot use; "
                    "choose one on a local disk");
    return 0;
}

int schema_bring_up(struct conn *c, struct err *err)
{
    int64_t version;

    /* Before anything is written, so that a refused file stays as it is. */
    if (check_file(c, &version, err) < 0)
        return -1;
    if (use_wal(c, err) < 0)
        return -1;
    if (version == (int64_t)COUNT_OF(migrations))
        return 0;
    if (conn_exec(c, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    if (migrate(c, version, err) == 0 && conn_exec(c, "COMMIT", err) == 0)
        return 0;
    conn_exec(c, "ROLLBACK", NULL);
    return -1;
}

int schema_check(struct conn *c, struct err *err)
{
    int64_t version;

    if (check_file(c, &version, err) < 0)
        return -1;
    if (version < (int64_t)COUNT_OF(migrations))
        return FAIL(
            err, ERR_CONFLICT,
            "the data directory was written by an older assay; start the server of this version once, "
            "which brings it up to date");
    return 0;
}
